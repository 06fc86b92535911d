"""Waiting for a thing: who came first is asked first, nobody twice."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock, db
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import InLine, LoanState, Refusal, Way
from marketplace.sharing.items.queries import line as queries
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import line, loans
from tests.factories import item, loan, neighbour, person
from tests.sharing.items.test_loans import anew, at, held, march, news, owner_of
from tests.sharing.items.test_loans_handing import taken
from tests.sharing.items.test_loans_late import out


def waits(thing, length: int = 2, who=None):
    """Someone who waits for it, from now on."""
    made = who or neighbour()
    line.join(made, listings.get_item(thing.id), length)
    db.session.commit()
    return made


def turn(of) -> bool:
    return "items.your_turn" in news(of)


def place(of, thing) -> InLine:
    found = queries.place_of(of, thing)
    assert found is not None
    return found


def test_position_and_day_are_known(monday):
    drill = item()
    out(drill, monday)
    first, second = waits(drill), waits(drill, 3)

    assert [queries.position_of(place(one, drill)) for one in (first, second)] == [1, 2]
    assert queries.expected(listings.get_item(drill.id), 3) == march(7)


def test_who_came_first_is_offered_it_when_it_comes_back_and_it_is_held(monday):
    one = out(item(), monday)
    first, second = waits(one.item), waits(one.item)
    monday(at(5, 9))

    taken(one, Way.BACK)

    assert (turn(first), turn(second)) == (True, False)
    assert place(first, one.item).offered_until == clock.now() + timedelta(hours=24)
    assert held(one.item) == 2
    with pytest.raises(errors.AlreadyPromised):
        loan(one.item, 5, 6)


def test_an_offer_taken_up_stays_held_until_the_owner_answers(monday):
    one = out(item(), monday)
    first, second = waits(one.item), waits(one.item)
    monday(at(5, 9))
    taken(one, Way.BACK)

    mine = loan(one.item, 5, 6, by=first)
    monday(at(5, 20))
    with pytest.raises(errors.AlreadyPromised):
        loan(one.item, 6, 6)
    loans.accept(owner_of(one.item), anew(mine))

    assert held(one.item) == 2
    assert not turn(second)
    assert queries.place_of(first, one.item) is None


def test_an_offer_taken_up_and_declined_goes_to_the_next(monday):
    one = out(item(), monday)
    first, second = waits(one.item), waits(one.item)
    monday(at(5, 9))
    taken(one, Way.BACK)
    mine = loan(one.item, 5, 6, by=first)

    loans.decline(owner_of(one.item), anew(mine), Refusal.NEEDED)

    assert turn(second)


def test_an_offer_that_runs_out_goes_to_the_next_and_to_nobody_twice(monday):
    one = out(item(), monday)
    first, second = waits(one.item), waits(one.item)
    monday(at(5, 9))
    taken(one, Way.BACK)

    monday(at(6, 9))
    line.run_out()
    assert (turn(second), queries.place_of(first, one.item)) == (True, None)
    monday(at(7, 9))
    line.run_out()

    assert [news(who).count("items.your_turn") for who in (first, second)] == [1, 1]
    assert held(one.item) == 0


def test_a_cancelled_loan_frees_its_days_for_the_line(monday):
    drill = item()
    now = loan(drill, 1, 6)
    later = loan(drill, 7, 9)
    for one in (now, later):
        loans.accept(owner_of(drill), one)
    first = waits(drill, 3)

    loans.cancel(later.borrower, later, "No longer needed")

    assert turn(first)
    assert held(drill) == 6 + 3


def test_who_needs_it_longer_than_it_is_free_stays_in_line(monday):
    drill = item()
    one = out(drill, monday)
    loans.accept(owner_of(drill), loan(drill, 7, 10))
    longer, shorter = waits(drill, 3), waits(drill, 2)
    monday(at(5, 9))

    taken(one, Way.BACK)

    assert (turn(longer), turn(shorter)) == (False, True)
    assert queries.position_of(place(longer, drill)) == 1


def test_whoever_leaves_passes_it_on(monday):
    one = out(item(), monday)
    first, second = waits(one.item), waits(one.item)
    line.leave(place(first, one.item))
    monday(at(5, 9))
    taken(one, Way.BACK)

    assert (turn(first), turn(second)) == (False, True)


def test_there_is_a_line_only_for_what_others_have(monday):
    drill = item()
    thing = listings.get_item(drill.id)
    with pytest.raises(errors.FreeNow):
        line.join(neighbour(), thing, 2)
    out(drill, monday)
    with pytest.raises(errors.NotVerified):
        line.join(person(), thing, 2)
    with pytest.raises(errors.TooLong):
        line.join(neighbour(), thing, 8)
    twice = waits(drill)
    with pytest.raises(errors.InLineAlready):
        line.join(twice, thing, 2)


def test_a_request_for_other_days_keeps_the_place(monday):
    drill = item()
    out(drill, monday)
    first = waits(drill)

    assert loan(drill, 20, 21, by=first).state is LoanState.REQUESTED
    assert queries.position_of(place(first, drill)) == 1
