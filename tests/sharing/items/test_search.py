"""Finding things: by words, kind, days, place; held against asking every rule and every claim, thing by thing."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel import cells, clock, occupancy
from marketplace.kernel.geo import Point
from marketplace.kernel.intervals import HOLIDAY
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import days
from marketplace.sharing.items.models.listing import Audience, UnitState
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries.availability import days as free_days
from marketplace.sharing.items.queries.availability import free_pieces, next_free
from marketplace.sharing.items.queries.search import Wanted, find
from tests import factories
from tests.conftest import MONDAY

TODAY = date(2027, 3, 1)
DAY = timedelta(days=1)
WEDNESDAY, FRIDAY = date(2027, 3, 3), date(2027, 3, 5)
THOSE_DAYS = Wanted(first=WEDNESDAY, last=FRIDAY)


def titles(wanted: Wanted, *who, **more) -> list[str]:
    """The titles of what is found free, in order."""
    return [item.title for item in listings.items(find(wanted, *who, **more).free.tolist())]


def take(item, first: date, last: date, pieces: int = 1, kind=occupancy.Kind.LOAN, **more) -> None:
    """Have so many pieces of a thing held for days."""
    units = listings.get_item(item.id).units[:pieces]
    occupancy.claim_all([occupancy.Claim(unit.resource_id, days(first, last), kind, **more) for unit in units])


# --- days ---


def test_what_is_free_on_all_the_days_comes_first_and_the_rest_is_told():
    taken, free = factories.item("Saw"), factories.item("Ladder")
    take(taken, FRIDAY, FRIDAY)

    found = find(THOSE_DAYS)

    assert (found.free.tolist(), found.others.tolist()) == ([free.id], [taken.id])
    assert find(Wanted(first=WEDNESDAY, last=WEDNESDAY)).others.size == 0


def test_several_pieces_are_free_only_if_each_is_for_all_the_days():
    chairs = factories.item("Chair", units=3)
    take(chairs, WEDNESDAY, WEDNESDAY, 1)

    assert titles(Wanted(first=WEDNESDAY, last=FRIDAY, quantity=2)) == ["Chair"]
    assert titles(Wanted(first=WEDNESDAY, last=FRIDAY, quantity=3)) == []
    assert find(Wanted(first=WEDNESDAY, last=FRIDAY, quantity=4)).others.size == 0


def test_pieces_in_repair_or_lost_are_not_lent():
    drill = factories.item(units=2)
    drill = listings.get_item(drill.id)
    drill.units[0].state = UnitState.REPAIR

    assert titles(Wanted(quantity=2)) == []
    assert titles(Wanted(first=WEDNESDAY, last=WEDNESDAY)) == ["Cordless drill"]
    drill.units[1].state = UnitState.LOST
    assert find(Wanted()).others.tolist() == [drill.id]


def test_a_hold_that_ran_out_keeps_nothing(monday):
    drill = factories.item()
    take(drill, WEDNESDAY, FRIDAY, kind=occupancy.Kind.HOLD, expires_at=clock.now() + timedelta(minutes=5))
    assert titles(THOSE_DAYS) == []

    monday(MONDAY + timedelta(minutes=5))

    assert titles(THOSE_DAYS) == ["Cordless drill"]


def test_today_counts_while_the_owner_still_hands_over(monday):
    today = Wanted(first=TODAY, last=TODAY)
    factories.item("by the owner", pick_up_to=20 * 60)
    factories.item("not on Mondays", pick_up_days=0b1111110)
    factories.item("with notice", notice_days=1)
    factories.item("at the counter", of=factories.library())
    assert titles(today) == ["at the counter", "by the owner"]

    monday(clock.at(TODAY, 18 * 60))
    assert titles(today) == ["by the owner"]

    monday(clock.at(TODAY, 20 * 60))
    assert titles(today) == []


RULES = {
    "notice_days": st.integers(0, 6), "horizon_days": st.integers(6, 14), "longest_days": st.integers(1, 6),
    "pick_up_days": st.integers(1, 127), "pick_up_to": st.sampled_from([600, 1200]),
}  # fmt: skip
SPAN = st.tuples(st.integers(0, 16), st.integers(0, 4))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    things=st.lists(st.tuples(st.fixed_dictionaries(RULES), st.booleans(), st.integers(1, 3)), min_size=1, max_size=4),
    taken=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), SPAN), max_size=10),
    asked=st.lists(st.tuples(SPAN, st.integers(1, 3)), min_size=1, max_size=4),
    hour=st.sampled_from([0, 5, 11, 14]),
)
def test_it_agrees_with_asking_rule_by_rule_and_claim_by_claim(things, taken, asked, hour, monday):
    with clock.frozen(MONDAY + timedelta(hours=hour)):
        shop = factories.library()
        shop.hours = [span for span in shop.hours if span.weekday not in (2, HOLIDAY)]
        made = [
            factories.item(of=shop if at_counter else None, units=units, **rules) for rules, at_counter, units in things
        ]
        whole = listings.items([item.id for item in made])
        claims: dict[int, list[tuple[date, date]]] = {}
        for which, unit, (start, more) in taken:
            units = whole[which % len(whole)].units
            piece, first = units[unit % len(units)], TODAY + start * DAY
            span = (first, first + more * DAY)
            if all(span[1] < begin or end < span[0] for begin, end in claims.get(piece.resource_id, [])):
                occupancy.claim(piece.resource_id, days(*span), kind=occupancy.Kind.LOAN)
                claims.setdefault(piece.resource_id, []).append(span)

        def pieces(item, first, last) -> int:
            spans = [claims.get(unit.resource_id, []) for unit in item.units]
            return sum(all(last < begin or end < first for begin, end in of) for of in spans)

        for (start, more), quantity in asked:
            first, last = TODAY + start * DAY, TODAY + (start + more) * DAY
            possible = [item for item in whole if len(item.units) >= quantity]
            free = {
                item.id for item in possible
                if policy.days_rule(item, first, last) is None and pieces(item, first, last) >= quantity
            }  # fmt: skip
            ids = {item.id for item in whole}
            found = find(Wanted(first=first, last=last, quantity=quantity))
            assert set(found.free.tolist()) & ids == free
            assert set(found.others.tolist()) & ids == {item.id for item in possible} - free
            assert free_pieces(whole, first, last) == {item.id: pieces(item, first, last) for item in whole}
            for item in whole:
                day_by_day = {first + n * DAY: pieces(item, first + n * DAY, first + n * DAY) for n in range(more + 1)}
                assert free_days(item, first, last) == day_by_day
            assert next_free(whole, more + 1, first, quantity) == {
                item.id: day for item in whole for day in [_first_day(item, more, first, quantity, pieces)] if day
            }


def _first_day(item, more: int, after: date, quantity: int, pieces) -> date | None:
    """The first day of the next ninety, tried one by one."""
    for n in range(90):
        first, last = after + n * DAY, after + (n + more) * DAY
        if policy.days_rule(item, first, last) is None and pieces(item, first, last) >= quantity:
            return first
    return None


def test_days_on_which_the_clocks_change_are_whole_days(monday):
    clock.set_zone("Europe/Berlin")
    try:
        monday(clock.at(date(2027, 10, 20), 600))
        drill = factories.item()
        change = date(2027, 10, 31)  # 25 hours
        take(drill, change, change)
        drill = listings.get_item(drill.id)

        assert list(free_days(drill, change - DAY, change + DAY).values()) == [1, 0, 1]
        assert titles(Wanted(first=change - DAY, last=change - DAY)) == ["Cordless drill"]
        assert titles(Wanted(first=change, last=change)) == []
        assert titles(Wanted(first=change + DAY, last=change + DAY)) == ["Cordless drill"]
    finally:
        clock.set_zone("Asia/Seoul")


# --- what ---


@pytest.mark.parametrize("words", ["drill", "DRILLS", "드릴", "공구", "tools dri", "전동 드라이버"])
def test_a_thing_is_found_by_its_title_and_by_its_category_in_both_languages(words):
    factories.item("Bosch GSB")
    factories.item("한강 텐트", category="camping-tents")

    assert titles(Wanted(words=words)) == ["Bosch GSB"]


def test_a_category_holds_all_below_it():
    factories.item("drill")
    factories.item("some tool", category="tools")
    factories.item("tent", category="camping-tents")

    assert titles(Wanted(category="tools")) == ["some tool", "drill"]
    assert titles(Wanted(category="drills")) == ["drill"]


def test_only_what_costs_nothing_if_asked_so():
    factories.item("for a fee", fee=1000)
    factories.item("free", deposit=5000)

    assert titles(Wanted(free_of_charge=True)) == ["free"]


def test_what_is_paused_hidden_or_withdrawn_is_not_found():
    for fact in ("paused_at", "hidden_at", "withdrawn_at"):
        setattr(factories.item(), fact, clock.now())

    found = find(Wanted())
    assert found.free.size + found.others.size == 0


def test_the_things_of_a_library_that_lends_no_more_are_not_found(browser):
    closed, lending = factories.library(open=False), factories.library()
    ladder = factories.item("ladder", of=closed)
    factories.item("saw", of=lending)

    assert titles(Wanted()) == ["saw"]
    assert browser.get(f"/items/{ladder.id}").status_code == 404


def test_things_for_the_members_of_a_group_are_found_by_them_and_their_owner_alone():
    member, owner, stranger = (factories.neighbour(name) for name in ("Jiwoo", "Minsu", "Hana"))
    club = factories.group(by=owner, members=[member])
    factories.item("club tent", owner, audience=Audience.GROUP, group_id=club.id)

    assert titles(Wanted()) == titles(Wanted(), stranger) == []
    assert titles(Wanted(), stranger, member_of=[club.id + 1]) == []
    assert titles(Wanted(), member, member_of=[club.id]) == ["club tent"]
    assert titles(Wanted(), owner) == ["club tent"]


# --- where ---


def test_the_nearest_cell_comes_first_and_within_it_the_older_thing():
    here = Point(37.55, 127.05)
    far = factories.item("far", point=Point(37.60, 127.05))
    first, second = factories.item("first"), factories.item("second")

    found = find(Wanted(near=here))

    assert found.free.tolist() == [first.id, second.id, far.id]
    [near, away] = cells.distances(here, np.array([first.cell, far.cell]))
    assert found.metres == {first.cell: pytest.approx(near), far.cell: pytest.approx(away)}
    assert find(Wanted(near=here, within=2000)).free.tolist() == [first.id, second.id]
    assert find(Wanted()).free.tolist() == [second.id, first.id, far.id]


# --- cost ---


def test_however_many_things_there_are_a_search_is_one_statement(statements):
    asked = Wanted("drill", "tools", WEDNESDAY, FRIDAY, 2, Point(37.5, 127), 10_000, free_of_charge=True)
    for n in range(3):
        factories.item(f"Drill {n}", units=3)
    with statements() as seen:
        assert find(asked).free.size == 3
    assert len(seen) == 1


def test_looking_for_the_next_free_days_of_many_is_one_statement(statements):
    many = listings.items([factories.item(f"Drill {n}", units=2).id for n in range(5)])
    with statements() as seen:
        assert len(next_free(many, 3, TODAY)) == 5
    assert len(seen) == 1
