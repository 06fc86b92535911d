"""Asking for a thing and answering: the rules, who may, and what becomes of it."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.service.behalf import Behalf, for_group
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, LoanState, Refusal, days
from marketplace.sharing.items.models.listing import Audience, Item, ItemUnit, UnitState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.queries.trust import returns_of
from marketplace.sharing.items.service import loans
from tests import factories
from tests.factories import district, group, item, library, loan, neighbour, officer, person


def march(day: int) -> date:
    return date(2027, 3, 1) + timedelta(days=day - 1)


def at(day: int, hour: float = 0):
    return clock.at(march(day), round(hour * 60))


def owner_of(thing: Item) -> Person:
    return db.session.get_one(Person, thing.owner_id, options=[selectinload(Person.grants)])


def anew(one):
    """The loan as the next request finds it."""
    db.session.commit()
    db.session.expunge_all()
    return queries.get_loan(one.reference)


def held(thing: Item) -> int:
    """How many days of March are held of all its pieces together."""
    resources = list(db.session.scalars(sa.select(ItemUnit.resource_id).where(ItemUnit.item_id == thing.id)))
    spans = occupancy.busy(resources, days(march(1), march(31))).values()
    return sum((span.length for one in spans for span in one), timedelta(0)).days


def news(of: Person) -> list[str]:
    return list(db.session.scalars(sa.select(Notice.news).where(Notice.person_id == of.id).order_by(Notice.id)))


def returned(of: Item, by: Person, *, day: int, back: int, month: int = 2) -> None:
    """A loan of the past, to be back on a day and back on another."""
    made = Loan(
        item_id=of.id, borrower_id=by.id, first_day=date(2027, month, 1), last_day=date(2027, month, day),
        state=LoanState.CLOSED, returned_at=clock.at(date(2027, month, back), 12 * 60),
    )  # fmt: skip
    db.session.add(made)
    db.session.commit()


# --- asking ---


def test_a_request_holds_nothing_and_the_owner_is_told():
    drill = item(fee=2000, deposit=10_000)
    borrower = neighbour()

    asked = loan(drill, 4, 6, by=borrower, message=" For shelves ")

    assert (asked.state, asked.message, asked.fee, asked.deposit) == (LoanState.REQUESTED, "For shelves", 2000, 10_000)
    assert asked.due_at == clock.now() + timedelta(hours=48)
    assert held(drill) == 0
    assert news(owner_of(drill)) == ["items.asked"]


def test_an_accepted_request_holds_its_days_and_no_more():
    drill = item()
    early, late, both = loan(drill, 4, 6), loan(drill, 7, 8), loan(drill, 6, 7)
    owner = owner_of(drill)

    loans.accept(owner, early)
    loans.accept(owner, late)

    assert (early.state, early.due_at, early.accepted_at) == (LoanState.ACCEPTED, None, clock.now())
    assert held(drill) == 5
    with pytest.raises(errors.PromisedUntil) as refusal:
        loans.accept(owner, both)
    assert refusal.value.details["earliest"] == march(9)
    assert anew(both).state is LoanState.REQUESTED
    assert news(db.session.get_one(Person, early.borrower_id)) == ["items.accepted"]


def test_days_that_are_promised_cannot_be_asked_for():
    drill = item()
    loans.accept(owner_of(drill), loan(drill, 4, 6))

    with pytest.raises(errors.PromisedUntil) as refusal:
        loan(drill, 6, 8)
    assert refusal.value.details["earliest"] == march(7)


def test_of_several_pieces_each_goes_to_one_loan():
    chairs = item("Folding chair", units=5)
    owner = owner_of(chairs)
    loans.accept(owner, loan(chairs, 4, 6, quantity=3))
    loans.accept(owner, loan(chairs, 5, 5, quantity=2))

    with pytest.raises(errors.PromisedUntil) as refusal:
        loan(chairs, 5, 6)
    assert refusal.value.details["earliest"] == march(6)
    assert loan(chairs, 6, 7, quantity=2).state is LoanState.REQUESTED
    with pytest.raises(errors.TooMany):
        loan(chairs, 10, 11, quantity=6)


def test_a_piece_in_repair_is_not_lent():
    drill = item(units=2)
    db.session.execute(sa.update(ItemUnit).where(ItemUnit.number == 1).values(state=UnitState.REPAIR))

    loans.accept(owner_of(drill), loan(drill, 4, 6))

    with pytest.raises(errors.AlreadyPromised):
        loan(drill, 4, 4)


# --- rules ---


@pytest.mark.parametrize(
    ("first", "last", "refusal", "earliest"),
    [
        (-1, 2, errors.InThePast, None),
        (2, 3, errors.TooSoon, 3),
        (61, 61, errors.TooFar, None),
        (4, 11, errors.TooLong, None),
        (6, 8, errors.NotHandedOver, 8),  # Saturday to Monday; lent on working days
        (3, 3, None, None),
        (4, 10, None, None),
    ],
)
def test_rules_about_days(first, last, refusal, earliest):
    drill = item(notice_days=2, horizon_days=59, longest_days=7, pick_up_days=0b0011111)
    thing = listings.get_item(drill.id)

    found = policy.broken_rule(thing, neighbour(), set(), march(first), march(last))

    assert type(found) is refusal or (refusal and isinstance(found, refusal)) or found is refusal
    if earliest and found:
        assert found.details["earliest"] == march(earliest)
        assert policy.broken_rule(thing, None, set(), march(earliest), march(earliest + last - first)) is None


def test_today_is_possible_until_hands_are_no_longer_given(monday):
    thing = listings.get_item(item(pick_up_to=18 * 60).id)

    monday(at(1, 17.5))
    assert policy.broken_rule(thing, None, set(), march(1), march(1)) is None
    assert policy.answer_by(thing, march(1)) == at(1, 18)
    monday(at(1, 18))
    assert isinstance(policy.broken_rule(thing, None, set(), march(1), march(1)), errors.TooSoon)


def test_a_library_hands_over_when_it_is_open():
    tools = library()
    tools.hours = [one for one in tools.hours if one.weekday in (1, 4)]
    saw = item("Saw", of=tools)
    thing = listings.get_item(saw.id)

    assert policy.broken_rule(thing, None, set(), march(2), march(5)) is None
    refusal = policy.broken_rule(thing, None, set(), march(3), march(6))
    assert isinstance(refusal, errors.NotHandedOverUntil)
    assert refusal.details["earliest"] == march(9)


def test_who_may_borrow():
    here, elsewhere = district(), district("Hill", "언덕구", west=128.0)
    owner = neighbour("Minsu Lee", district=here)
    club = group(members=[insider := neighbour(district=elsewhere)])
    to_all = listings.get_item(item(owner=owner).id)
    nearby = listings.get_item(item(owner=owner, audience=Audience.DISTRICT, district_id=here.id).id)
    to_club = listings.get_item(item(owner=owner, audience=Audience.GROUP, group_id=club.id).id)

    def refusal(thing, borrower):
        return type(policy.broken_rule(thing, borrower, queries.member_of(borrower, thing), march(4), march(5)))

    assert refusal(to_all, person()) is errors.NotVerified
    assert refusal(to_all, owner) is errors.OwnThing
    assert refusal(to_all, insider) is type(None)
    assert refusal(nearby, neighbour(district=here)) is type(None)
    assert refusal(nearby, insider) is errors.OtherDistrict
    assert refusal(nearby, neighbour()) is errors.OtherDistrict
    assert refusal(to_club, insider) is type(None)
    assert refusal(to_club, neighbour(district=here)) is errors.NotAMember


def test_what_is_paused_hidden_or_withdrawn_is_not_lent():
    since = clock.now()
    for thing in (item(paused_at=since), item(hidden_at=since), item(withdrawn_at=since)):
        with pytest.raises(errors.NotOffered):
            loan(thing, 4, 5)


def test_nobody_asks_for_everything_or_twice():
    borrower = neighbour()
    ladder = item("Ladder")
    loan(ladder, 4, 5, by=borrower)
    with pytest.raises(errors.AskedAlready):
        loan(ladder, 4, 4, by=borrower)
    for day in range(5, 4 + policy.MOST_ASKED):
        loan(ladder, day, day, by=borrower)

    with pytest.raises(errors.TooManyRequests) as refusal:
        loan(item(), 4, 5, by=borrower)
    assert "10 requests" in str(refusal.value.sentence)


def test_an_address_that_is_not_confirmed_asks_for_nothing():
    with pytest.raises(NotConfirmed):
        loan(item(), 4, 5, by=neighbour(confirmed=False))


# --- trust ---


def test_who_brought_things_back_on_time_is_trusted_at_once():
    saw, borrower = item("Saw", trusts=True), neighbour()
    for _ in range(2):
        returned(saw, borrower, day=10, back=10)
    assert loan(saw, 4, 5, by=borrower).state is LoanState.REQUESTED
    returned(saw, borrower, day=10, back=9)

    trusted = loan(saw, 6, 7, by=borrower)

    assert trusted.state is LoanState.ACCEPTED
    assert held(saw) == 2
    assert news(owner_of(saw)) == ["items.asked", "items.agreed"]
    assert loan(item("Lathe"), 4, 5, by=borrower).state is LoanState.REQUESTED


def test_once_late_is_not_trusted_for_a_year(monday):
    saw, borrower = item("Saw", trusts=True, horizon_days=400), neighbour()
    for _ in range(3):
        returned(saw, borrower, day=10, back=10)
    returned(saw, borrower, day=10, back=11)

    assert loan(saw, 4, 5, by=borrower).state is LoanState.REQUESTED
    monday(clock.at(date(2028, 2, 12), 0))
    assert policy.is_trusted(returns_of(borrower))


def test_a_trusted_request_of_what_is_gone_is_refused():
    saw, borrower = item("Saw", trusts=True), neighbour()
    for _ in range(3):
        returned(saw, borrower, day=10, back=10)
    loans.accept(owner_of(saw), loan(saw, 4, 5))

    with pytest.raises(errors.AlreadyPromised):
        loan(saw, 5, 6, by=borrower)


# --- answering ---


def test_an_owner_names_other_days_and_the_borrower_takes_them():
    drill = item()
    asked = loan(drill, 4, 6)
    borrower = asked.borrower

    loans.propose(owner_of(drill), asked, march(10), march(12))
    assert (asked.state, held(drill)) == (LoanState.PROPOSED, 0)
    loans.take_proposal(borrower, asked)

    assert (asked.state, asked.first_day, asked.last_day) == (LoanState.ACCEPTED, march(10), march(12))
    assert held(drill) == 3
    assert news(borrower) == ["items.proposed", "items.accepted"]


def test_proposed_days_must_be_possible():
    drill = item()
    owner, asked = owner_of(drill), loan(drill, 4, 6)
    loans.accept(owner, loan(drill, 10, 11))

    with pytest.raises(errors.InThePast):
        loans.propose(owner, asked, march(-1), march(2))
    with pytest.raises(errors.AlreadyPromised):
        loans.propose(owner, asked, march(11), march(12))
    with pytest.raises(errors.TooMuchLonger):
        loans.propose(owner, asked, march(12), march(12 + loans.MOST_DAYS))


def test_proposed_days_that_went_to_others_are_refused_kindly():
    drill = item()
    owner, asked = owner_of(drill), loan(drill, 4, 6)
    loans.propose(owner, asked, march(10), march(12))
    loans.accept(owner, loan(drill, 12, 13))

    with pytest.raises(errors.PromisedUntil):
        loans.take_proposal(asked.borrower, asked)
    assert anew(asked).state is LoanState.PROPOSED


def test_a_no_has_a_reason_of_the_list_and_another_one_words():
    drill = item()
    owner, asked = owner_of(drill), loan(drill, 4, 6)

    with pytest.raises(errors.ReasonMissing):
        loans.decline(owner, asked, Refusal.OTHER, " ")
    loans.decline(owner, asked, Refusal.AWAY)

    assert (asked.state, asked.refusal, asked.ended_at) == (LoanState.DECLINED, Refusal.AWAY, clock.now())
    with pytest.raises(errors.NoLongerOpen, match="loan"):
        loans.accept(owner, asked)


def test_what_was_agreed_is_given_up_with_a_reason():
    drill = item()
    owner = owner_of(drill)
    by_borrower, by_owner = loan(drill, 4, 6), loan(drill, 8, 9)
    for one in (by_borrower, by_owner):
        loans.accept(owner, one)

    with pytest.raises(errors.ReasonMissing):
        loans.cancel(owner, by_owner, "")
    loans.cancel(owner, by_owner, "It broke.")
    loans.cancel(by_borrower.borrower, by_borrower, "No longer needed.")

    assert {by_owner.state, by_borrower.state} == {LoanState.CANCELLED}
    assert held(drill) == 0
    assert news(by_owner.borrower)[-1] == "items.cancelled"
    assert news(owner)[-1] == "items.given_up"


def test_a_borrower_cancels_until_the_first_day_is_over_the_owner_later_too(monday):
    drill = item()
    agreed = loan(drill, 4, 8)
    loans.accept(owner_of(drill), agreed)
    monday(at(5))

    with pytest.raises(errors.TooLateToCancel):
        loans.cancel(agreed.borrower, agreed, "Late")
    loans.cancel(owner_of(drill), agreed, "Nobody came.")


def test_only_each_side_does_what_is_its_own():
    drill = item()
    owner, asked = owner_of(drill), loan(drill, 4, 6)
    stranger, moderator = neighbour(), person(roles=[Role.ADMINISTRATOR])

    for wrong in (stranger, moderator, asked.borrower):
        with pytest.raises(Forbidden):
            loans.accept(wrong, asked)
        with pytest.raises(Forbidden):
            loans.decline(wrong, asked, Refusal.AWAY)
        with pytest.raises(Forbidden):
            loans.propose(wrong, asked, march(8), march(9))
    for wrong in (stranger, owner):
        with pytest.raises(Forbidden):
            loans.withdraw(wrong, asked)
        assert not policy.may_see(stranger, asked)
    loans.accept(owner, asked)
    with pytest.raises(Forbidden):
        loans.cancel(stranger, asked, "Why not")


# --- libraries and groups ---


def test_a_library_is_answered_for_by_its_building_and_its_group():
    club, hall = group(), factories.building(point=factories.NEAR_THE_RIVER)
    saw = item("Saw", of=library(hall, group_id=club.id), units=2)
    manager, helper = person(roles=[(Role.MANAGER, hall)]), officer(club)
    one, other = loan(saw, 4, 6), loan(saw, 4, 6)

    assert set(news(manager)) == set(news(helper)) == {"items.asked"}
    loans.accept(manager, anew(one))
    loans.accept(helper, anew(other))

    elsewhere = person(roles=[(Role.MANAGER, factories.building("Elsewhere"))])
    with pytest.raises(Forbidden):
        loans.accept(elsewhere, anew(loan(saw, 10, 11)))


def test_what_a_library_enters_for_a_caller_is_agreed():
    hall = factories.building(point=factories.NEAR_THE_RIVER)
    manager = person(roles=[(Role.MANAGER, hall)])
    caller = person("A caller", confirmed=False)

    made = loan(
        item("Saw", of=library(hall)), 4, 6, by=caller, behalf=Behalf(entered_by=manager, channel=Channel.COUNTER)
    )

    assert made.state is LoanState.ACCEPTED
    assert made.on_behalf is not None
    with pytest.raises(Forbidden):
        loan(item("Drill"), 4, 6, by=caller, behalf=Behalf(entered_by=manager, channel=Channel.COUNTER))


def test_a_loan_for_a_group_is_seen_by_its_officers():
    first = neighbour()
    club = group(by=first)
    second, member = officer(club), neighbour()
    made = anew(loan(item(), 4, 6, by=first, behalf=for_group(first, club.id)))

    assert policy.borrows(second, made)
    assert not policy.may_see(member, made)
    loans.withdraw(second, made)
    assert made.state is LoanState.WITHDRAWN


# --- time ---


def test_a_request_runs_out_after_two_days_or_when_its_day_has_come(monday):
    drill = item()
    late, soon, proposed = loan(drill, 20, 21), loan(drill, 2, 2), loan(drill, 25, 26)
    monday(at(2, 10))
    loans.propose(owner_of(drill), proposed, march(28), march(28))
    monday(at(2, 21))
    with pytest.raises(errors.NoLongerOpen, match="loan"):
        loans.accept(owner_of(drill), soon)

    loans.run_out()
    assert [anew(one).state for one in (soon, late)] == [LoanState.EXPIRED, LoanState.REQUESTED]
    monday(at(3, 9))
    loans.run_out()
    assert [anew(one).state for one in (late, proposed)] == [LoanState.EXPIRED, LoanState.PROPOSED]
    assert news(late.borrower) == ["items.unanswered"]
    monday(at(4, 10))
    loans.run_out()
    assert anew(proposed).state is LoanState.EXPIRED
    assert news(owner_of(drill))[-1] == "items.not_taken"


def test_what_was_never_fetched_is_over_with_its_days(monday):
    drill = item()
    agreed = loan(drill, 4, 5)
    loans.accept(owner_of(drill), agreed)

    monday(at(5, 23.9))
    loans.run_out()
    assert anew(agreed).state is LoanState.ACCEPTED
    monday(at(6))
    loans.run_out()

    assert anew(agreed).state is LoanState.CANCELLED
    assert held(drill) == 0


@pytest.fixture
def berlin():
    before = clock.zone()
    clock.set_zone("Europe/Berlin")
    yield
    clock.set_zone(str(before))


@pytest.mark.usefixtures("berlin")
def test_days_on_which_the_clocks_are_set_are_whole_and_touch():
    drill = item()
    owner = owner_of(drill)
    before, on_it, after = loan(drill, 27, 27), loan(drill, 28, 28), loan(drill, 29, 29)

    for one in (before, on_it, after):
        loans.accept(owner, one)

    assert on_it.interval.length == timedelta(hours=23)
    assert before.interval.ends_at == on_it.interval.starts_at
    assert on_it.interval.ends_at == after.interval.starts_at
    with pytest.raises(errors.AlreadyPromised):
        loan(drill, 27, 28)
    assert queries.free_units(listings.get_item(drill.id), days(march(30), march(31)))
