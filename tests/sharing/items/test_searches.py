"""Saved searches: keeping them, being told of new things once a day, and how quickly ten thousand are asked."""

from datetime import timedelta
from email import message_from_string
from email import policy as letter_policy

import pytest
import sqlalchemy as sa

from marketplace.civic.notifications.models import Notice
from marketplace.kernel import cells, clock, db, geo, jobs, search
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.listing import Audience, Condition
from marketplace.sharing.items.models.searches import NewlyOffered, SavedSearch
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries.search import Wanted
from marketplace.sharing.items.service import listing, searches
from tests import factories
from tests.factories import NEAR_THE_RIVER, neighbour, sign_in


@pytest.fixture
def owner():
    made = neighbour("Minsu Lee", district=factories.district())
    factories.pick_up_place(made)
    return made


@pytest.fixture
def seeker():
    return neighbour("Jiwoo Park", email="jiwoo@example.org")


def lends(owner, title="Step ladder", category="step-ladders", **facts):
    made = listing.add(owner, title=title, category=category, condition=Condition.GOOD, **facts)
    db.session.commit()
    return made


def told(person):
    db.session.commit()
    with db.transaction():
        searches.tell_of_new()
    query = sa.select(Notice.title).where(Notice.person_id == person.id, Notice.news == "items.new_things")
    return list(db.session.scalars(query.order_by(Notice.id)))


def test_whoever_saved_a_search_is_told_of_new_things_that_match_once(owner, seeker):
    searches.save(seeker, Wanted(words="ladder"))
    searches.save(neighbour("Other"), Wanted(words="tent"))
    lends(owner)

    assert told(seeker) == ["New to borrow: Step ladder"]
    assert told(seeker) == ["New to borrow: Step ladder"]
    assert db.count(sa.select(Notice).where(Notice.news == "items.new_things")) == 1


def test_several_things_come_in_one_notice_and_resumed_ones_count_as_new(owner, seeker):
    searches.save(seeker, Wanted(category="ladders"))
    first = lends(owner)
    assert told(seeker) == ["New to borrow: Step ladder"]
    listing.pause(owner, first)
    assert len(told(seeker)) == 1
    listing.resume(owner, listings.get_item(first.id))
    lends(owner, "Long ladder", "long-ladders")

    assert told(seeker)[1:] == ["New to borrow: Step ladder, and 1 more"]


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        (Wanted(words="step lad"), True),
        (Wanted(words="사다리"), True),
        (Wanted(words="lad step"), False),
        (Wanted(category="step-ladders"), True),
        (Wanted(category="drills"), False),
        (Wanted(words="ladder", free_of_charge=True), False),
        (Wanted(near=NEAR_THE_RIVER, within=1000), True),
        (Wanted(near=geo.Point(37.60, 127.05), within=1000), False),
    ],
)
def test_a_new_thing_matches_as_the_search_page_would_find_it(owner, seeker, asked, matches):
    searches.save(seeker, asked)
    lends(owner, fee=1000)

    assert bool(told(seeker)) is matches


@pytest.mark.parametrize("words", ["step ladder", "사다", "다", "ladd", "ladd step", "", "alu 3m", "nothing", "3"])
def test_words_in_memory_find_what_the_index_finds(words):
    ids = [factories.item(title, neighbour(), category="step-ladders").id for title in ("Alu ladder 3m", "Step", "톱")]

    stored = set(db.session.scalars(search.matching("item", words)))

    assert search.Holding("item", ids).matching(words) == stored


def test_nobody_is_told_of_what_they_may_not_borrow_or_own(owner, seeker):
    club = factories.group(by=owner, members=[member := neighbour("A member")])
    for person in (owner, seeker, member):
        searches.save(person, Wanted(words="ladder"))
    lends(owner, audience=Audience.GROUP, group_id=club.id)
    assert (told(owner), told(seeker)) == ([], [])
    assert len(told(member)) == 1

    lends(owner, "Attic ladder", audience=Audience.DISTRICT)
    assert told(seeker) == []
    listing.pause(owner, lends(owner, "Paused ladder"))
    assert told(seeker) == []


def test_a_search_is_kept_once_and_where_a_device_was_only_as_an_area(seeker):
    one = searches.save(seeker, Wanted(words="Ladder ", near=NEAR_THE_RIVER, within=1000))
    again = searches.save(seeker, Wanted(words="ladder", near=NEAR_THE_RIVER, within=1000, quantity=2))
    middle = cells.centre(cells.cell_of(NEAR_THE_RIVER))

    assert one is again
    assert (one.latitude, one.longitude) == (middle.latitude, middle.longitude)
    assert str(NEAR_THE_RIVER.latitude) not in one.query.split("&")[1]


def test_a_person_saves_twenty_and_nothing_empty(seeker):
    with pytest.raises(errors.NothingToSave):
        searches.save(seeker, Wanted(quantity=3))
    for n in range(searches.MOST_SAVED):
        searches.save(seeker, Wanted(words=f"ladder {n}"))
    with pytest.raises(errors.TooManySearches):
        searches.save(seeker, Wanted(words="one more"))


def test_a_search_nobody_keeps_ends_after_a_year_with_a_notice(seeker, monday):
    old, kept = searches.save(seeker, Wanted(words="ladder")), searches.save(seeker, Wanted(words="tent"))
    monday(clock.now() + timedelta(days=300))
    searches.keep(kept)
    monday(clock.now() + timedelta(days=66))
    old_id = old.id

    searches.end_old()

    assert list(db.session.scalars(sa.select(SavedSearch))) == [kept]
    notices = db.session.scalars(sa.select(Notice).where(Notice.person_id == seeker.id)).all()
    assert [(one.subject, one.title.split(";")[0]) for one in notices] == [
        (f"saved_search:{old_id}", "A search that you saved a year ago has ended")
    ]
    searches.erase(seeker)
    assert db.count(sa.select(SavedSearch)) == 0


def test_a_search_is_saved_from_its_page_kept_and_deleted(browser, seeker, owner):
    sign_in(browser, seeker)
    page = browser.get("/items/?q=ladder&category=ladders&first=2027-03-06").text
    assert "Save this search" in page

    assert browser.send("/items/searches", q="ladder", category="ladders", free="yes").status_code == 303
    mine = browser.get("/items/searches").text
    assert "ladder" in mine
    assert "Free of charge only" in mine
    assert "/items/?q=ladder&amp;category=ladders&amp;free=yes" in mine
    saved = db.session.scalars(sa.select(SavedSearch)).one()
    assert browser.send(f"/items/searches/{saved.id}/keep").status_code == 303
    assert "Say what you look for" in browser.send("/items/searches").text
    sign_in(browser, owner)
    assert browser.send(f"/items/searches/{saved.id}/delete").status_code == 404
    sign_in(browser, seeker)
    assert browser.send(f"/items/searches/{saved.id}/delete").status_code == 303
    assert db.count(sa.select(SavedSearch)) == 0


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_letter_leads_to_the_search_and_to_deleting_it(owner, seeker, letters, language):
    seeker.language = language
    searches.save(seeker, Wanted(words="ladder"))
    lends(owner)
    told(seeker)
    db.session.commit()

    found = [message_from_string(text, policy=letter_policy.default) for text in letters()]
    (letter,) = [one for one in found if "Step ladder" in one["Subject"]]
    part = letter.get_body(("plain",))
    assert part
    body = part.get_content()
    assert "/items/?q=ladder" in body
    assert "/items/searches" in body
    assert letter["List-Unsubscribe"]
    assert "Minsu" not in letter.as_string()


def test_telling_takes_as_many_statements_for_many_searches_as_for_few(owner, seeker, statements):
    searches.save(seeker, Wanted(words="ladder"))
    lends(owner)
    with statements() as few:
        assert searches.tell_of_new() == 1
    for n in range(200):
        person = neighbour(f"Person {n}")
        db.session.add(SavedSearch(person_id=person.id, query="q=ladder", words="ladder"))
        db.session.add(SavedSearch(person_id=person.id, query=f"q=tent+{n}", words=f"tent {n}"))
    db.session.commit()
    lends(owner, "Attic ladder")
    lends(owner, "Roof ladder")
    db.session.expire_all()
    with statements() as many:
        assert searches.tell_of_new() == 201

    assert len(many) <= len(few) + 1
    assert db.count(sa.select(NewlyOffered)) == 0
    assert {"items.tell_of_new", "items.end_searches"} <= set(jobs.timed_names())
