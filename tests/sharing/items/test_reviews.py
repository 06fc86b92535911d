"""How loans went: the seal and who reads what when, one of each side, one reply, and what moderators hide."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.groups.service.behalf import for_group
from marketplace.civic.moderation.models import Act, Reason
from marketplace.civic.moderation.service import decisions
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import audit, clock, db, hooks, jobs, retention
from marketplace.kernel.errors import Forbidden, NotFound
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Condition, Item
from marketplace.sharing.items.models.reviews import REMOVED, Review
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.queries import reviews as queries
from marketplace.sharing.items.service import handing, loans, reviews
from tests import factories
from tests.factories import group, item, library, loan, neighbour, officer
from tests.sharing.items.test_loans import anew, at, march, news, owner_of
from tests.sharing.items.test_problems import back, moderator

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
BORROWER, OWNER = True, False


def tell(one, by_borrower: bool, good: str = "All went well.", bad: str = "") -> Review:
    """What one side tells, as in a request of its own."""
    one = anew(one)
    made = reviews.write(side(one, by_borrower), one, good, bad)
    db.session.commit()
    return made


def side(one, by_borrower: bool) -> Person:
    return accounts.person(one.borrower_id if by_borrower else one.item.owner_id)


def answer(one, by_borrower: bool, words: str = "Thank you.") -> Review:
    """What one side replies to the other."""
    one = anew(one)
    person = side(one, by_borrower)
    made = reviews.reply(person, queries.get_other(one, person), words)
    db.session.commit()
    return made


def both(one, good: str = "A good drill.") -> tuple[Review, Review]:
    """What borrower and owner told, open at once."""
    tell(one, BORROWER, good, "It was heavy.")
    tell(one, OWNER, "Clean and on time.")
    found = queries.written(anew(one))
    return found[BORROWER], found[OWNER]


def reads(person: Person | None, one) -> set[bool]:
    """Whose words someone comes to read, by whether the borrower's."""
    found = queries.written(anew(one)).values()
    reader = person and accounts.person(person.id)
    return {review.by_borrower for review in found if queries.may_read(reader, review)}


# --- the seal ---


@pytest.mark.parametrize("first", [BORROWER, OWNER])
def test_only_its_author_reads_it_until_the_other_side_has_written(monday, first):
    one = back(monday)
    tell(one, first)
    other, judge = side(anew(one), not first), moderator()

    assert reads(side(anew(one), first), one) == {first}
    assert [reads(person, one) for person in (other, judge, neighbour(), None)] == [set()] * 4
    assert queries.of_loan(anew(one), other) == {}
    monday(at(6, 12) + 2 * HOUR)
    tell(one, not first)

    for by_borrower in (BORROWER, OWNER):
        assert reads(side(anew(one), by_borrower), one) == {BORROWER, OWNER}
    assert {review.opens_at for review in queries.written(anew(one)).values()} == {at(6, 12) + 2 * HOUR}
    assert reads(None, one) == {BORROWER}, "what was said of the thing is public, what was said of a person is not"


def test_after_a_week_it_opens_alone_and_nobody_writes_any_more(monday):
    one = back(monday)
    tell(one, OWNER, "", "It came back dirty.")

    monday(at(6, 12) + WEEK - timedelta(seconds=1))
    assert reads(side(anew(one), BORROWER), one) == set()
    monday(at(6, 12) + WEEK)
    assert reads(side(anew(one), BORROWER), one) == {OWNER}
    with pytest.raises(errors.ReviewOver):
        tell(one, BORROWER)
    with pytest.raises(errors.ReviewOver):
        tell(one, OWNER, "I change my mind.")


def test_what_is_sealed_may_be_changed_and_what_is_open_may_not(monday):
    one = back(monday)
    tell(one, BORROWER, "Good.")
    monday(at(7, 12))
    changed = tell(one, BORROWER, "  Very good. ", " ")
    assert (changed.good, changed.bad, changed.written_at) == ("Very good.", "", at(7, 12))
    assert changed.opens_at == at(6, 12) + WEEK

    tell(one, OWNER)
    for by_borrower in (BORROWER, OWNER):
        with pytest.raises(errors.ReviewOpen):
            tell(one, by_borrower, "Rather bad.")


def test_something_is_said_and_not_before_the_return(monday):
    asked = loan(item(), 4, 6)
    with pytest.raises(errors.ReviewTooSoon):
        tell(asked, BORROWER)
    one = back(monday)
    with pytest.raises(errors.NothingSaid):
        tell(one, BORROWER, " ", "\n")
    with pytest.raises(Forbidden):
        reviews.write(neighbour(), anew(one), "I watched.", "")


def test_what_never_came_back_is_not_told_of(monday):
    one = back(monday)
    db.session.execute(sa.update(Loan).values(returned_at=None, state=LoanState.CLOSED))
    with pytest.raises(errors.ReviewTooSoon):
        tell(one, OWNER)


def test_it_is_told_whether_or_not_the_loan_is_over_meanwhile(monday):
    one = back(monday)
    monday(at(7, 13))
    loans.run_out()
    assert anew(one).state is LoanState.CLOSED
    assert tell(one, BORROWER).closes_at == at(6, 12) + WEEK


# --- the two sides ---


def test_of_a_library_whoever_runs_it_writes_and_only_the_author_changes_it(monday):
    house = factories.building(point=factories.NEAR_THE_RIVER)
    first, second = (factories.person(roles=[(Role.MANAGER, house)]) for _ in range(2))
    one = loan(item(of=library(house)), 4, 6)
    loans.accept(first, one)
    monday(at(4, 10))
    for giver, taker, way in ((first, one.borrower, Way.OUT), (one.borrower, first, Way.BACK)):
        _handover, code = handing.offer(giver, one, way, condition=Condition.GOOD)
        handing.take(taker, one, way, code)
    db.session.commit()

    made = reviews.write(first, anew(one), "Brought back clean.", "")
    assert (made.owner_id, made.author_id) == (None, first.id)
    with pytest.raises(errors.ReviewedAlready):
        reviews.write(second, anew(one), "So it was.", "")
    assert "items.is_back" not in news(first), "libraries are not asked after each loan"
    tell(one, BORROWER)
    assert queries.get_other(anew(one), second).by_borrower


def test_for_a_group_any_officer_writes_once(monday):
    club = group(by=neighbour("The founder"))
    founder = accounts.person(club.founded_by_id)
    helper = officer(club)
    one = loan(item(), 4, 6, by=founder, behalf=for_group(founder, club.id))
    loans.accept(owner_of(one.item), one)
    _is_back(one, at(6, 12))
    monday(at(6, 13))

    made = reviews.write(helper, anew(one), "The club liked it.", "")
    assert (made.by_borrower, made.author_id, made.for_group) == (True, helper.id, True)
    with pytest.raises(errors.ReviewedAlready):
        reviews.write(founder, anew(one), "It did.", "")


def test_an_owner_whose_group_borrows_the_thing_says_nothing_of_it(monday):
    club = group(by=neighbour("The founder"))
    helper = officer(club)
    founder = accounts.person(club.founded_by_id)
    one = loan(item(owner=helper), 4, 6, by=founder, behalf=for_group(founder, club.id))
    _is_back(one, at(6, 12))
    with pytest.raises(Forbidden):
        reviews.write(accounts.person(helper.id), anew(one), "A wonderful thing.", "")


def _is_back(one: Loan, moment) -> None:
    facts = {"state": LoanState.RETURNED, "returned_at": moment}
    db.session.execute(sa.update(Loan).where(Loan.id == one.id).values(**facts))
    db.session.commit()


# --- replies ---


def test_each_side_replies_once_to_what_the_other_wrote(monday):
    one = back(monday)
    tell(one, BORROWER)
    with pytest.raises(NotFound):
        answer(one, OWNER)
    with pytest.raises(errors.StillSealed):
        reviews.reply(side(anew(one), OWNER), queries.written(anew(one))[BORROWER], "I know.")
    tell(one, OWNER)

    assert answer(one, OWNER, " Glad to hear. ").reply == "Glad to hear."
    assert answer(one, BORROWER).reply_by_id == one.borrower_id
    with pytest.raises(errors.RepliedAlready):
        answer(one, OWNER, "And another thing.")
    with pytest.raises(Forbidden):
        reviews.reply(side(anew(one), BORROWER), queries.written(anew(one))[BORROWER], "I answer myself.")


def test_long_after_the_seal_is_open_one_may_still_reply(monday):
    one = back(monday)
    tell(one, BORROWER, "", "The battery was empty.")
    monday(at(30, 12))
    assert answer(one, OWNER, "I have bought a new one.").replied_at == at(30, 12)


# --- the database ---


def _row(one: Loan, **facts) -> dict:
    """A review of the borrower's that fits."""
    now = clock.now()
    return {
        "loan_id": one.id, "by_borrower": True, "author_id": one.borrower_id, "borrower_id": one.borrower_id,
        "owner_id": one.item.owner_id, "for_group": False, "good": "Good.", "bad": "", "written_at": now,
        "opens_at": at(6, 12) + WEEK, "closes_at": at(6, 12) + WEEK, "reply": "",
    } | facts  # fmt: skip


def _refused(statement) -> str:
    with pytest.raises(IntegrityError) as refusal, db.session.begin_nested():
        db.session.execute(statement)
    return str(refusal.value.orig)


def test_the_database_keeps_one_of_each_side(monday):
    one = back(monday)
    db.session.execute(sa.insert(Review).values(_row(one)))

    assert "loan_reviews" in _refused(sa.insert(Review).values(_row(one, good="Again.")))
    owners = {"by_borrower": False, "author_id": one.item.owner_id}
    db.session.execute(sa.insert(Review).values(_row(one, **owners)))


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (lambda one: {"good": " ", "bad": ""}, "says_something"),
        (lambda one: {"author_id": one.item.owner_id}, "author_borrows"),
        (lambda one: {"author_id": one.item.owner_id, "for_group": True}, "author_borrows"),
        (lambda one: {"author_id": neighbour().id}, "author_borrows"),
        (lambda one: {"by_borrower": False}, "author_lends"),
        (lambda one: {"by_borrower": False, "author_id": neighbour().id}, "author_lends"),
        (lambda one: {"borrower_id": one.item.owner_id, "for_group": True}, "two_sides"),
        (lambda one: {"written_at": at(6, 12) + WEEK}, "written_while_sealed"),
        (lambda one: {"opens_at": at(6, 11)}, "written_while_sealed"),
        (lambda one: {"opens_at": at(6, 12) + WEEK + HOUR}, "opens_in_time"),
        (lambda one: {"reply": "Thanks."}, "replied_by_someone"),
        (
            lambda one: {"reply": "Thanks.", "reply_by_id": one.item.owner_id, "replied_at": at(7, 12)},
            "replied_once_open",
        ),
        (lambda one: {"reply": "Me.", "reply_by_id": one.borrower_id, "replied_at": at(20, 12)}, "lender_replies"),
        (
            lambda one: {
                "by_borrower": False, "author_id": one.item.owner_id, "reply": "Me.", "replied_at": at(20, 12),
                "reply_by_id": one.item.owner_id,
            },
            "borrower_replies",
        ),
    ],
)  # fmt: skip
def test_the_database_refuses_what_fits_no_side_or_time(monday, facts, name):
    one = back(monday)
    assert f"ck_loan_reviews_{name}" in _refused(sa.insert(Review).values(_row(one, **facts(one))))


def test_the_database_lets_nobody_reply_twice_or_change_what_is_open(monday):
    one = back(monday)
    both(one)
    review = answer(one, OWNER)
    review_id = review.id

    def change(**values):
        return sa.update(Review).where(Review.id == review_id).values(**values)

    assert "loan_reviews_reply_once" in _refused(change(reply="Something else."))
    assert "loan_reviews_reply_once" in _refused(change(reply="", reply_by_id=None, replied_at=None))
    assert "loan_reviews_reply_once" in _refused(change(replied_at=at(9, 12)))
    monday(at(7, 12))
    assert "written_while_sealed" in _refused(change(good="Changed.", written_at=clock.now()))
    db.session.execute(change(reply=REMOVED))


# --- what both sides are told ---


def test_news_tell_that_one_may_write_that_time_is_nearly_over_and_that_it_is_open(monday, letters):
    one = back(monday)
    owner, borrower = owner_of(one.item), one.borrower
    assert (news(owner)[-1], news(borrower)[-1]) == ("items.is_back", "items.came_back")
    tell(one, BORROWER, "A secret so far.")
    letters()
    monday(at(11, 9))
    reviews.remind()
    assert "items.review_tomorrow" not in news(owner)
    monday(at(12, 9))
    reviews.remind()
    assert (news(owner).count("items.review_tomorrow"), news(borrower).count("items.review_tomorrow")) == (1, 0)
    monday(at(13, 11))
    reviews.open_up()
    assert "items.reviews_open" not in news(borrower)
    monday(at(13, 13))
    for _again in range(2):
        reviews.open_up()
        db.session.commit()

    assert [news(who).count("items.reviews_open") for who in (owner, borrower)] == [1, 1]
    sent = letters()
    assert any("How it went can be read now" in letter for letter in sent)
    assert not any("A secret so far." in letter for letter in sent)


def test_on_the_day_of_the_return_no_second_letter_comes(monday, letters):
    reference = back(monday).reference
    letters_before = len(letters())
    both(loan_queries.get_loan(reference))
    one = loan_queries.get_loan(reference)

    assert news(one.borrower)[-1] == "items.reviews_open"
    assert news(owner_of(one.item))[-1] == "items.is_back", "who wrote last knows"
    assert len(letters()) == letters_before


def test_whoever_is_replied_to_is_told(monday):
    one = back(monday)
    both(one)
    answer(one, OWNER)
    assert news(one.borrower)[-1] == "items.review_replied"


def test_nothing_that_was_written_is_on_record(monday):
    one = back(monday)
    both(one, "Words of mine.")
    answer(one, OWNER, "Words of mine too.")
    found = db.session.scalars(sa.select(audit.AuditEntry).where(audit.AuditEntry.subject == f"loan:{one.id}")).all()
    assert {entry.action for entry in found} >= {"items.reviewed", "items.replied"}
    assert not any("Words of mine" in str(entry.detail) for entry in found)


# --- moderation ---


def _hidden(subject: str, reporter: Person) -> None:
    made = factories.report(subject, reporter)
    decisions.decide(moderator("A judge"), made.case, Act.HIDE, reason=Reason.OFFENSIVE)
    db.session.commit()


def test_what_moderators_hide_only_its_author_reads(monday):
    one = back(monday)
    review, _other = both(one)
    _hidden(f"review:{review.id}", neighbour("A reader"))

    found = anew(one)
    owner, borrower = side(found, OWNER), side(found, BORROWER)
    assert reads(owner, one) == {OWNER}
    assert reads(borrower, one) == {BORROWER, OWNER}
    assert db.session.scalars(queries.of_thing(anew(one).item, None)).all() == []
    assert [got.id for got in db.session.scalars(queries.of_thing(anew(one).item, borrower))] == [review.id]
    reviews.keep_out_of_sight(queries.written(anew(one))[BORROWER], False)
    assert reads(side(anew(one), OWNER), one) == {BORROWER, OWNER}


def test_what_is_sealed_can_be_reported_by_nobody(monday):
    one = back(monday)
    review = tell(one, OWNER, "", "A rude word.")
    with pytest.raises(NotFound):
        factories.report(f"review:{review.id}", side(anew(one), BORROWER))
    with pytest.raises(NotFound):
        factories.report(f"review:{review.id}", moderator())


def test_what_is_removed_is_gone_for_good_and_not_written_anew(monday):
    one = back(monday)
    review, other = both(one)
    answer(one, OWNER, "A rude word.")
    reviews.remove(queries.written(anew(one))[BORROWER])
    reviews.remove_reply(queries.written(anew(one))[BORROWER])
    db.session.commit()

    found = queries.written(anew(one))[BORROWER]
    assert (found.good, found.bad, found.reply) == (REMOVED, "", REMOVED)
    assert reads(None, one) == set()
    assert not queries.may_read_reply(side(anew(one), BORROWER), queries.written(anew(one))[BORROWER])
    with pytest.raises(errors.ReviewOpen):
        tell(one, BORROWER, "Anew.")
    assert {review.id, other.id} == {row.id for row in queries.written(anew(one)).values()}


def test_a_reply_is_hidden_without_what_it_answers(monday):
    one = back(monday)
    both(one)
    answer(one, OWNER, "A rude word.")
    review = queries.written(anew(one))[BORROWER]
    _hidden(f"review_reply:{review.id}", side(anew(one), BORROWER))

    review = queries.written(anew(one))[BORROWER]
    assert queries.may_read(None, review)
    assert not queries.may_read_reply(None, review)
    assert queries.may_read_reply(side(anew(one), OWNER), queries.written(anew(one))[BORROWER])
    with pytest.raises(errors.RepliedAlready):
        answer(one, OWNER, "Nicer words.")


def test_owners_whom_the_borrower_asks_read_what_others_wrote_about_them(monday):
    one = back(monday)
    both(one)
    other = neighbour("Another owner")
    assert reads(other, one) == {BORROWER}
    loan(item("Ladder", other), 20, 21, by=db.session.get_one(Person, one.borrower_id))
    assert reads(other, one) == {BORROWER, OWNER}


# --- leaving and forgetting ---


@pytest.mark.parametrize("by_borrower", [BORROWER, OWNER])
def test_when_either_leaves_what_was_written_of_the_loan_goes(monday, by_borrower):
    one, elsewhere = back(monday), None
    both(one)
    answer(one, OWNER)
    monday(at(1, 9))
    elsewhere = back(monday)
    both(elsewhere)
    leaving = side(anew(one), by_borrower)
    monday(at(20, 12))
    loans.run_out()
    erasure.ask(leaving, understood=True)
    monday(at(20, 12) + WEEK)
    erasure.queue_due()
    db.session.commit()
    jobs.run_pending()

    db.session.expire_all()
    assert set(db.session.scalars(sa.select(Review.loan_id))) == {elsewhere.id}


def test_when_staff_leave_their_replies_lose_their_words(monday):
    house = factories.building(point=factories.NEAR_THE_RIVER)
    manager = factories.person(roles=[(Role.MANAGER, house)])
    one = loan(item(of=library(house)), 4, 6)
    loans.accept(manager, one)
    _is_back(one, at(6, 12))
    monday(at(6, 13))
    tell(one, BORROWER, "A fine library.")
    monday(at(15, 9))
    one = anew(one)
    reviews.reply(manager, queries.get_other(one, manager), "We thank you.")
    reviews.erase(manager)

    db.session.expire_all()
    found = db.session.scalars(sa.select(Review)).one()
    assert (found.good, found.reply) == ("A fine library.", REMOVED)
    assert not queries.may_read_reply(None, queries.reviews_by_id([found.id])[found.id])


def test_what_closed_a_year_ago_is_deleted(monday):
    one = back(monday)
    both(one)
    monday(at(13, 11) + timedelta(days=365))
    reviews.thin()
    assert db.count(sa.select(Review.id)) == 2
    monday(at(13, 12) + timedelta(days=365))
    reviews.thin()
    assert db.count(sa.select(Review.id)) == 0
    assert "loan_reviews" in {kept.table for kept in retention.all_kept()}


def test_the_copy_of_ones_data_holds_the_seal_too(monday):
    one = back(monday)
    tell(one, OWNER, "Sealed words.")
    exported = _exported(side(anew(one), BORROWER))
    assert exported["reviews_of_others"] == []
    tell(one, BORROWER, "My own words.")
    answer(one, BORROWER, "My reply.")

    exported = _exported(side(anew(one), BORROWER))
    assert [row["good"] for row in exported["reviews_of_others"]] == ["Sealed words."]
    assert [row["good"] for row in exported["reviews"]] == ["My own words."]
    assert [row["reply"] for row in exported["replies"]] == ["My reply."]


def _exported(person: Person) -> dict[str, list]:
    found = queries.own_data(person)
    assert queries.own_data in hooks.personal_data._answerers
    return {one.name: list(one.rows) for one in found}


# --- what waits ---


def test_it_waits_for_those_who_have_not_told_it(monday):
    one = back(monday)
    owner, borrower = owner_of(one.item), one.borrower

    def waits(who: Person) -> list[str]:
        return [found.reference for found in db.session.scalars(queries.to_write(who)).unique()]

    assert waits(owner) == waits(borrower) == [one.reference]
    tell(one, OWNER)
    assert (waits(owner), waits(borrower)) == ([], [one.reference])
    monday(at(6, 12) + WEEK)
    assert waits(borrower) == []
    assert db.session.get_one(Item, one.item_id).listed_at.date() <= march(6)
