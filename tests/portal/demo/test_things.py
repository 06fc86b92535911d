from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby, pairwise

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits.models import Deposit
from marketplace.civic.groups.models import GroupMember
from marketplace.kernel import cells, clock, db, ledger, occupancy, search
from marketplace.kernel.errors import DomainError
from marketplace.kernel.occupancy import Kind, Occupancy
from marketplace.sharing.items import policy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import ASKED, BROUGHT_BACK, GOING_ON, InLine, Loan, LoanState, Way, days
from marketplace.sharing.items.models.libraries import LibraryMember, RepairTicket
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library, PickUpPlace, UnitState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.queries.libraries import run_by
from marketplace.sharing.items.queries.trust import returns_of

HOLDING = (LoanState.ACCEPTED, LoanState.OUT)
GIVEN = (LoanState.OUT, *BROUGHT_BACK)


@pytest.fixture
def items(city: dict[str, int]) -> list[Item]:
    return list(db.session.scalars(listings.whole(sa.select(Item).order_by(Item.id))).unique())


@pytest.fixture
def loans(city: dict[str, int]) -> list[Loan]:
    read = queries.whole(sa.select(Loan).order_by(Loan.id)).options(selectinload(Loan.handovers))
    return list(db.session.scalars(read).unique())


def moments(loan: Loan) -> list[datetime]:
    """All that happened to a loan, in the order in which it should have."""
    told = (loan.item.listed_at, loan.asked_at, loan.accepted_at, loan.out_at, loan.returned_at, loan.ended_at)
    return [moment for moment in told if moment is not None]


def test_things_are_of_many_kinds_and_found_by_their_words(city, items):
    assert city["things"] == len(items) == 60
    assert len({item.category for item in items}) > 30
    assert all(categories.known(item.category) for item in items)
    for item in items:
        assert item.id in set(db.session.scalars(search.matching(listings.SEARCH_KIND, item.title)))
        assert [unit.number for unit in item.units] == list(range(1, len(item.units) + 1))
        assert item.audience.value != "group" or item.group_id is not None


def test_neighbours_hand_over_in_a_cell_of_their_own_and_tell_the_address_to_nobody_else(items):
    places = {place.person_id: place for place in db.session.scalars(sa.select(PickUpPlace))}
    for item in items:
        if item.owner_id is not None:
            place = places[item.owner_id]
            assert (item.cell, item.district_id) == (place.cell, place.district_id)
            address = listings.address_of(place)
            assert address.startswith("하늘시 ")
            assert address not in listings.text_of(item)
    assert {place.district_id for place in places.values()} == set(db.session.scalars(sa.select(Person.district_id)))


def test_two_libraries_of_things_stand_in_public_buildings_and_someone_runs_them(items, shown):
    kept = [item for item in items if item.library]
    assert {item.library_id for item in kept} == set(db.session.scalars(sa.select(Library.id)))
    for item in kept:
        point = item.library.building.point
        assert item.cell == cells.cell_of(point)
        assert policy.lenders(item)
        assert all(unit.code for unit in item.units)
    (own,) = run_by(shown("manager"))
    assert policy.may_run(shown("manager"), own)
    repaired = set(db.session.scalars(sa.select(RepairTicket.unit_id).where(RepairTicket.closed_at.is_(None))))
    broken = set(db.session.scalars(sa.select(ItemUnit.id).where(ItemUnit.state == UnitState.REPAIR)))
    assert repaired == broken


def test_no_card_of_a_member_is_the_code_of_a_piece(city):
    cards, codes = (set(db.session.scalars(sa.select(which))) for which in (LibraryMember.card, ItemUnit.code))
    assert cards
    assert not cards & codes


def test_every_loan_kept_the_things_rules_when_it_was_asked_for(city, loans):
    assert city["loans"] == len(loans)
    assert len(loans) > 150
    members: dict[int, set[int]] = {}
    for group_id, person_id in db.session.execute(sa.select(GroupMember.group_id, GroupMember.person_id)):
        members.setdefault(person_id, set()).add(group_id)
    for loan in loans:
        loan.item.paused_at = None  # it may have been paused since
        with clock.frozen(loan.asked_at):
            assert refusal(loan, members.get(loan.borrower_id, set())) is None
        assert loan.borrower.verified_at
        assert loan.borrower.verified_at < loan.asked_at
        assert (loan.fee, loan.deposit) == (loan.item.fee, loan.item.deposit)
        assert loan.deposit_unit is loan.item.deposit_unit


def test_deposits_in_time_are_held_for_loans_that_go_on_and_no_purse_was_overdrawn(loans):
    in_time = {f"loan:{loan.id}": (loan.held, loan.borrower_id) for loan in loans if loan.held}
    going_on = {f"loan:{loan.id}" for loan in loans if loan.held and loan.state in GOING_ON}
    put_down = db.session.scalars(sa.select(Deposit)).all()
    assert {one.subject: (one.amount, one.person_id) for one in put_down} == in_time
    assert {one.subject for one in put_down if one.settled_at is None} == going_on
    assert going_on
    assert ledger.verify() == []


def refusal(loan: Loan, member_of: set[int]) -> DomainError | None:
    """The rule that a loan breaks; pieces that came to be repaired afterwards count."""
    rule = policy.person_rule(loan.item, loan.borrower, member_of)
    return rule or policy.days_rule(loan.item, loan.first_day, loan.last_day)


def test_what_happened_to_a_loan_happened_in_order_and_before_today(loans):
    midnight = clock.at(clock.today(), 0)
    for loan in loans:
        assert moments(loan) == sorted(moments(loan))
        assert moments(loan)[-1] < midnight
        assert (loan.ended_at is None) == (loan.state in (*ASKED, *HOLDING, LoanState.RETURNED))
        assert (loan.accepted_at is not None) == (loan.state in (*HOLDING, *BROUGHT_BACK, LoanState.CANCELLED))
        if loan.state in ASKED:
            assert loan.due_at
            assert loan.due_at > midnight + timedelta(days=1)
        if loan.state is LoanState.OUT:
            assert loan.first_day < clock.today()
        if loan.state is LoanState.ACCEPTED:
            assert loan.first_day >= clock.today()


def test_whoever_has_a_thing_took_it_from_its_keeper_and_brings_it_back_there(loans):
    for loan in loans:
        by_way = {one.way: one for one in loan.handovers}
        assert (Way.OUT in by_way) == (loan.state in GIVEN)
        assert (Way.BACK in by_way) == (loan.state in BROUGHT_BACK)
        if out := by_way.get(Way.OUT):
            assert out.given_by_id in policy.lenders(loan.item)
            assert out.taken_by_id == loan.borrower_id
            assert out.taken_at == loan.out_at
            assert clock.local(out.taken_at).date() == loan.first_day
        if back := by_way.get(Way.BACK):
            assert back.given_by_id == loan.borrower_id
            assert back.taken_by_id in policy.lenders(loan.item)
            assert back.taken_at == loan.returned_at
            assert back.agreed or back.remark


def test_what_is_agreed_or_out_is_held_and_nothing_else(loans):
    held = {one.id: one for one in db.session.scalars(sa.select(Occupancy).where(Occupancy.kind == Kind.LOAN))}
    spans: dict[int, list[tuple[datetime, datetime]]] = {}
    column = occupancy.occupied_spans.c
    query = sa.select(column.occupancy_id, column.starts_at, column.ends_at).where(column.occupancy_id.in_(held))
    for number, start, end in db.session.execute(query.order_by(column.starts_at)):
        spans.setdefault(number, []).append((start, end))
    tomorrow = clock.today() + timedelta(days=1)
    for loan in loans:
        assert len(loan.pieces) == (loan.quantity if loan.accepted_at else 0)
        for piece in loan.pieces:
            assert piece.unit.item_id == loan.item_id
            assert piece.is_out == (loan.state is LoanState.OUT)
            assert (piece.occupancy is not None) == (loan.state in HOLDING)
            if piece.occupancy:
                claim = held.pop(piece.occupancy.id)
                assert claim.resource_id == piece.unit.resource_id
                assert claim.interval == days(loan.first_day, tomorrow if loan.is_late else loan.last_day)
                stretch = spans[claim.id]
                assert (stretch[0][0], stretch[-1][1]) == (claim.starts_at, claim.ends_at)
                assert all(one[1] == other[0] for one, other in pairwise(stretch))
    assert not held


def test_no_piece_was_with_two_people_at_a_time(loans):
    taken = sorted(
        ((piece.unit_id, loan.out_at, loan.returned_at or clock.now()) for loan in loans if loan.out_at
         for piece in loan.pieces),
    )  # fmt: skip
    for _unit, of_unit in groupby(taken, key=lambda one: one[0]):
        for earlier, later in pairwise(of_unit):
            assert earlier[2] < later[1]


def test_the_city_has_loans_of_every_state_and_some_that_are_late(loans):
    assert {loan.state for loan in loans} == set(LoanState)
    late = [loan for loan in loans if loan.is_late]
    assert late
    assert set(db.session.scalars(queries.long_late())) < set(late)
    for loan in loans:
        if loan.state is LoanState.OUT:
            assert loan.returned_at is None
            assert loan.reminded == sum(
                (clock.today() - loan.last_day).days > stage for stage in (-1, *policy.LATE_DAYS)
            )


def test_requests_wait_for_those_shown_and_their_own_wait_for_others(shown: Callable[[str], Person], loans):
    for who in ("resident", "newcomer", "manager"):
        assert list(db.session.scalars(queries.to_answer(shown(who)))), who
    resident = shown("resident")
    borrowed = {loan.state for loan in db.session.scalars(queries.loans_of(resident, lent=False))}
    lent = {loan.state for loan in db.session.scalars(queries.loans_of(resident, lent=True))}
    assert borrowed == {LoanState.REQUESTED, LoanState.PROPOSED, LoanState.ACCEPTED, LoanState.OUT, LoanState.RETURNED}
    assert lent == {LoanState.REQUESTED, LoanState.ACCEPTED, LoanState.OUT, LoanState.RETURNED}
    assert policy.is_trusted(returns_of(resident))
    assert list(db.session.scalars(queries.long_late()))
    for place in db.session.scalars(sa.select(InLine)):
        states = sa.select(Loan.state).where(Loan.item_id == place.item_id)
        assert LoanState.OUT in set(db.session.scalars(states))
