"""The wanted board: posting, who is asked, what is offered, and that a post comes down by itself."""

from datetime import date, timedelta
from email import message_from_string
from email import policy as letter_policy

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.errors import NotConfirmed, Suspended
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db, events, geo, hooks, jobs
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.listing import Audience, Item
from marketplace.sharing.items.models.wanted import AskMe, Ending, WantedAsked, WantedOffer, WantedPost
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import wanted as queries
from marketplace.sharing.items.service import listing, loans, wanted
from tests import factories
from tests.factories import NEAR_THE_RIVER, neighbour, wants
from tests.sharing.items.test_listing_race import PROCESSES, person_of, race
from tests.sharing.items.test_loans import held

SATURDAY = date(2027, 3, 6)
KILOMETRE = 1 / 111.2  # degrees of latitude


def north(kilometres: float) -> geo.Point:
    return geo.Point(NEAR_THE_RIVER.latitude + kilometres * KILOMETRE, NEAR_THE_RIVER.longitude)


def lender(name: str = "Minsu Lee", *titles: str, within: int | None = 2000, away: float = 0, **facts):
    """A neighbour so many kilometres north who lends ladders, and perhaps agreed to be asked."""
    made = neighbour(name)
    point = north(away)
    factories.pick_up_place(made, point)
    for title in titles or ("Step ladder",):
        factories.item(title, made, point=point, **{"category": "step-ladders", **facts})
    if within:
        db.session.add(AskMe(person_id=made.id, within=within))
    db.session.commit()
    return made


def thing_of(person):
    """The first thing that a person lends."""
    return listings.get_item(db.session.scalars(sa.select(Item.id).where(Item.owner_id == person.id)).all()[0])


def asked(post: WantedPost | None = None) -> set[int]:
    query = sa.select(WantedAsked.person_id)
    return set(db.session.scalars(query.where(WantedAsked.post_id == post.id) if post else query))


@pytest.fixture
def minjun():
    return neighbour("Minjun Han", district=factories.district())


# --- posting ---


def test_a_post_says_the_district_and_keeps_no_finer_place(minjun):
    post = wants(minjun, "A ladder", NEAR_THE_RIVER)

    assert (district := queries.get_post(post.id).district)
    assert district.name_en == "Riverside"
    assert {column.name for column in WantedPost.__table__.columns} & {
        "cell",
        "latitude",
        "longitude",
        "address",
    } == set()
    assert list(db.session.scalars(queries.board())) == [post]


def test_only_verified_residents_who_may_act_post(monday):
    newcomer = factories.person("A newcomer")
    with pytest.raises(errors.NotVerifiedToPost):
        wants(newcomer)
    suspended = neighbour("A suspended one")
    suspended.suspended_until = clock.now() + timedelta(days=3)
    with pytest.raises(Suspended):
        wants(suspended)
    unconfirmed = neighbour("An unconfirmed one")
    unconfirmed.confirmed_at = None
    with pytest.raises(NotConfirmed):
        wants(unconfirmed)


def test_a_person_looks_for_a_few_things_at_once_and_posts_a_few_times_a_day(minjun, monday):
    posts = [wants(minjun, f"Ladder {n}") for n in range(wanted.MOST_OPEN)]
    with pytest.raises(errors.TooManyWanted) as refused:
        wants(minjun)
    assert "3 things" in str(refused.value.sentence)

    for post in posts:
        wanted.end(minjun, post, Ending.WITHDRAWN)
    for n in range(wanted.MOST_A_DAY - wanted.MOST_OPEN):
        wanted.end(minjun, wants(minjun, f"Chair {n}"), Ending.FOUND)
    with pytest.raises(errors.TooManyWantedToday):
        wants(minjun)
    monday(clock.now() + timedelta(days=1, minutes=1))
    assert wants(minjun)


def test_a_place_to_ask_from_is_needed_once_things_are_fetched_nowhere(minjun):
    with pytest.raises(errors.NoPlaceToAskFrom):
        wanted.point_for(minjun, "", None, None)
    factories.pick_up_place(minjun)

    own = wanted.point_for(minjun, "", None, None)

    assert own != NEAR_THE_RIVER  # the middle of the area
    assert geo.haversine_m(own, NEAR_THE_RIVER) < 400


def test_a_post_comes_down_by_itself_the_day_after_its_last_day(minjun, monday):
    post = wants(minjun, first=SATURDAY, last=SATURDAY)
    monday(clock.at(SATURDAY, 23 * 60))
    assert list(db.session.scalars(queries.board())) == [post]

    monday(clock.at(SATURDAY + timedelta(days=1), 1))
    assert list(db.session.scalars(queries.board())) == []
    assert not post.is_open
    wanted.end_past()

    assert (post.ending, post.ended_at) == (Ending.OVER, clock.now())
    with pytest.raises(errors.WantedNoMore):
        wanted.end(minjun, post, Ending.FOUND)


def test_only_its_author_ends_a_post(minjun):
    with pytest.raises(Forbidden):
        wanted.end(neighbour("Another"), wants(minjun), Ending.FOUND)


def test_the_board_is_searched_by_words_category_and_district(minjun):
    ladder = wants(minjun, "긴 사다리", category="long-ladders")
    tent = wants(minjun, "A tent for four", category="camping-tents")

    def found(*asked, **more):
        return list(db.session.scalars(queries.board(*asked, **more)))

    assert found("사다리") == found("ladder") == found("", "ladders") == [ladder]
    assert found("tent") == [tent]
    assert found("", None, ladder.district_id) == [tent, ladder]
    assert found("", None, -1) == []
    wanted.end(minjun, ladder, Ending.FOUND)
    assert found("사다리") == []


def test_other_systems_are_told_what_is_wanted_and_never_by_whom(minjun, monkeypatch):
    told: list[events.Event] = []
    monkeypatch.setattr(events.listening, "_answerers", [told.append])

    post = wants(minjun, "A ladder")

    (event,) = [one for one in told if one.kind == "wanted.posted"]
    assert event.data == {
        "category": "step-ladders", "first_day": "2027-03-06", "last_day": "2027-03-06", "quantity": 1,
        "district_id": post.district_id,
    }  # fmt: skip


# --- who is asked ---


def test_owners_nearby_of_such_things_are_asked_who_agreed_to_it(minjun):
    near, far = lender(), lender("Far", within=1000, away=2.5)
    lender("Never agreed", within=None)
    lender("Lends drills", "Cordless drill", category="drills")
    wide = lender("Agreed to five", within=5000, away=4)

    post = wants(minjun, "A ladder on Saturday", category="ladders")

    assert asked(post) == {near.id, wide.id}
    assert far.id not in asked(post)


def test_words_count_within_a_category(minjun):
    straps = lender("Straps", "Lashing straps", category="lifting")
    ladder = lender("Ladder", "Aluminium ladder", category="step-ladders")

    assert asked(wants(minjun, "a ladder", category="ladders")) >= {ladder.id}
    assert asked(wants(minjun, "lashing something", category="lifting")) == {straps.id}


def test_nobody_is_asked_for_what_they_may_not_or_cannot_lend_now(minjun):
    elsewhere = factories.district("Hillside", west=128.0)
    lender("Other district", audience=Audience.DISTRICT, district_id=elsewhere.id)
    club = factories.group(by=neighbour("Club"))
    lender("Group only", audience=Audience.GROUP, group_id=club.id)
    listing.pause(paused := lender("Paused"), thing_of(paused))
    suspended = lender("Suspended")
    suspended.suspended_until = clock.now() + timedelta(days=3)
    leaving = lender("Leaving")
    leaving.erase_at = clock.now() + timedelta(days=3)
    factories.item("My own ladder", minjun, category="step-ladders")
    db.session.add(AskMe(person_id=minjun.id, within=1000))
    same = lender("Same district", audience=Audience.DISTRICT, district_id=minjun.district_id)

    assert asked(wants(minjun)) == {same.id}


def test_those_with_something_free_come_first_then_the_nearest(minjun, monkeypatch):
    monkeypatch.setattr(wanted, "MOST_ASKED", 2)
    busy = lender("Busy", within=5000)
    loan = factories.loan(thing_of(busy), 6, 6)
    loans.accept(busy, loan)
    far, near = lender("Far", within=5000, away=3), lender("Near", within=5000, away=1)
    lender("Farthest", within=5000, away=4.5)

    assert held(thing_of(busy)) == 1
    assert asked(wants(minjun)) == {far.id, near.id}


def test_one_owner_is_asked_three_times_a_week_at_most(minjun, monday):
    owner = lender()
    posts = []
    for n in range(4):
        someone = neighbour(f"Someone {n}")
        posts.append(wants(someone, first=date(2027, 3, 9), last=date(2027, 3, 9)))
    assert [owner.id in asked(post) for post in posts] == [True, True, True, False]

    monday(clock.now() + timedelta(days=7, minutes=1))
    assert asked(wants(minjun, first=date(2027, 3, 12), last=date(2027, 3, 12))) == {owner.id}
    wanted.thin()
    assert db.count(sa.select(WantedAsked)) == 1


def test_asking_takes_as_many_statements_for_thirty_owners_as_for_one(minjun, statements):
    lender("Owner 0")
    with statements() as few:
        wants(minjun, "A ladder")
    for n in range(1, 30):
        lender(f"Owner {n}")
    with statements() as many:
        post = wants(minjun, "Another ladder")

    assert len(asked(post)) == wanted.MOST_ASKED
    assert len(many) <= len(few) + 1  # the letters are one more statement where there are many


@pytest.mark.parametrize(("language", "said"), [("en", "A neighbour looks for: A ladder"), ("ko", "A ladder")])
def test_who_is_asked_reads_what_and_when_and_nothing_of_the_neighbour(minjun, letters, language, said):
    owner = lender("Minsu Lee")
    owner.language = language
    factories.pick_up_place(minjun, address="77 Canary Street")

    post = wants(minjun, "A ladder")
    db.session.commit()
    (letter,) = [one for one in read(letters()) if said in one["Subject"]]

    body = letter.get_body(("plain",)).get_content()
    assert str(letter["To"]) == owner.email
    assert f"/items/wanted/{post.id}" in body
    assert "/items/wanted/ask-me" in body
    assert letter["List-Unsubscribe"]
    for canary in ("Minjun", "Canary Street", minjun.email):
        assert canary not in letter.as_string()


def test_a_post_hidden_meanwhile_is_not_sent(minjun, letters):
    lender()
    post = wants(minjun, "A ladder")
    wanted.keep_out_of_sight(post, True)
    db.session.commit()

    assert [one for one in read(letters()) if "A ladder" in one["Subject"]] == []


def read(texts):
    return [message_from_string(text, policy=letter_policy.default) for text in texts]


# --- offering ---


def test_an_offer_reaches_the_poster_who_asks_for_it_as_for_any_thing(minjun):
    owner = lender()
    post = wants(minjun)

    wanted.offer(owner, post, thing_of(owner))

    told = db.session.scalars(sa.select(Notice).where(Notice.person_id == minjun.id)).all()
    assert [one.title for one in told] == ["Offered to you: Step ladder, for A ladder"]
    (offer,) = queries.offers_to(post)
    loan = loans.request(minjun, offer.item, post.first_day, post.last_day)
    assert loan.item_id == offer.item_id


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"audience": Audience.DISTRICT}, errors.OtherDistrict),
        ({"longest_days": 1}, errors.TooLong),
        ({"notice_days": 30}, errors.TooSoon),
    ],
)
def test_what_may_not_be_lent_to_the_poster_then_is_not_offered(facts, refusal):
    someone = neighbour("Someone from elsewhere")
    post = wants(someone, first=SATURDAY, last=SATURDAY + timedelta(days=1))
    owner = lender(**facts)

    with pytest.raises(refusal):
        wanted.offer(owner, post, thing_of(owner))


def test_what_is_lent_to_a_group_is_offered_to_its_members_only(minjun):
    club = factories.group(by=neighbour("Founder"))
    owner = lender(audience=Audience.GROUP, group_id=club.id)
    with pytest.raises(errors.NotAMember):
        wanted.offer(owner, wants(minjun), thing_of(owner))
    member = neighbour("A member")
    factories.group(by=neighbour("Other founder"), members=[member])
    club_of_both = factories.group(by=owner, members=[member])
    thing = thing_of(owner)
    thing.group_id = club_of_both.id
    db.session.flush()

    assert wanted.offer(owner, wants(member), thing)


def test_some_of_the_pieces_may_be_offered_but_nothing_that_others_have_then(minjun):
    owner = lender("Chairs", "Ten chairs", category="chairs", units=10)
    assert wanted.offer(owner, wants(minjun, "Chairs", category="chairs", quantity=30), thing_of(owner))
    busy = lender("Busy")
    loans.accept(busy, factories.loan(thing_of(busy), 6, 6))

    with pytest.raises(errors.AlreadyPromised):
        wanted.offer(busy, wants(minjun), thing_of(busy))


def test_nobody_offers_twice_for_themselves_or_for_what_is_over(minjun):
    owner = lender()
    post, thing = wants(minjun), thing_of(owner)
    wanted.offer(owner, post, thing)
    with pytest.raises(errors.OfferedAlready):
        wanted.offer(owner, post, thing)
    factories.pick_up_place(minjun)
    mine = factories.item("My ladder", minjun)
    with pytest.raises(errors.OwnWish):
        wanted.offer(minjun, post, listings.get_item(mine.id))
    with pytest.raises(Forbidden):
        wanted.offer(minjun, post, thing)
    wanted.take_back(owner, post, thing)
    wanted.end(minjun, post, Ending.FOUND)
    with pytest.raises(errors.WantedNoMore):
        wanted.offer(owner, post, thing)


def test_the_database_refuses_a_second_offer_and_one_of_what_is_not_lent(minjun):
    owner = lender()
    post, thing = wants(minjun), thing_of(owner)
    wanted.offer(owner, post, thing)
    insert = sa.insert(WantedOffer).values(post_id=post.id, item_id=thing.id, offered_at=clock.now())
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(insert)
    wanted.take_back(owner, post, thing)
    for column in (Item.paused_at, Item.hidden_at, Item.withdrawn_at):
        db.session.execute(sa.update(Item).values({column: clock.now()}))
        with pytest.raises(IntegrityError, match="wanted_offers_only_offered"), db.session.begin_nested():
            db.session.execute(insert)
        db.session.execute(sa.update(Item).values({column: None}))
    db.session.execute(insert)


def test_offers_at_once_are_all_made_and_the_same_one_once(live_database):
    post_id = wants(neighbour("Minjun Han")).id
    owners = [lender(f"Owner {n}") for n in range(2)]
    pairs = [(owner.id, thing_of(owner).id) for owner in owners]

    def offer(number):
        owner_id, item_id = pairs[number % len(pairs)]
        wanted.offer(person_of(owner_id), queries.get_post(post_id), listings.get_item(item_id))

    found = race(live_database, offer)

    assert found == {"done": len(pairs), "offered_already": PROCESSES - len(pairs)}
    assert db.count(sa.select(WantedOffer)) == len(pairs)


# --- forgetting ---


def test_whoever_leaves_is_taken_off_the_board_and_asked_no_more(minjun):
    owner = lender()
    post = wants(minjun)
    theirs = wants(owner, "A tent", category="camping-tents")
    wanted.offer(owner, post, thing_of(owner))
    db.session.commit()

    assert {wanted.give_up, wanted.erase} <= {*hooks.leaving._answerers, *hooks.erasing._answerers}
    wanted.erase(owner)
    db.session.flush()

    assert set(db.session.scalars(sa.select(WantedPost.id))) == {post.id}
    assert theirs.id not in set(db.session.scalars(queries.board().with_only_columns(WantedPost.id)))
    for table in (WantedOffer, WantedAsked, AskMe):
        assert db.count(sa.select(table)) == 0


def test_a_post_is_deleted_a_year_after_it_ended(minjun, monday):
    owner = lender()
    post = wants(minjun)
    wanted.offer(owner, post, thing_of(owner))
    wanted.end(minjun, post, Ending.FOUND)
    monday(clock.now() + timedelta(days=366))
    db.session.commit()
    with db.transaction():
        wanted.thin()

    assert db.count(sa.select(WantedPost)) == db.count(sa.select(WantedOffer)) == 0
    assert "items.thin_wanted" in jobs.timed_names()
