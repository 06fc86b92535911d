"""Reminders, things not brought back, and later last days."""

from datetime import date

import pytest

from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Loan, LoanState, Way, days
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import line, loans, longer
from tests.factories import item, loan, neighbour
from tests.sharing.items.test_loans import anew, at, held, march, news, owner_of
from tests.sharing.items.test_loans_handing import taken


def out(thing, monday, first: int = 4, last: int = 6, **facts) -> Loan:
    """Handed over on the morning of its first day."""
    one = loan(thing, first, last, **facts)
    if one.state is LoanState.REQUESTED:
        loans.accept(owner_of(thing), one)
    monday(at(first, 9))
    taken(one)
    return one


def told(one: Loan, monday, *mornings: int) -> list[str]:
    """What the borrower is reminded of on these mornings of March."""
    for day in mornings:
        monday(at(day, 9))
        longer.hold_late()
        longer.remind()
    return [name.removeprefix("items.") for name in news(one.borrower)]


# --- reminders ---


def test_both_sides_are_reminded_the_day_before_the_first(monday):
    drill = item()
    agreed, today = loan(drill, 4, 6), loan(drill, 3, 3)
    loans.accept(owner_of(drill), agreed)
    monday(at(2, 20))
    loans.accept(owner_of(drill), today)

    assert told(agreed, monday, 2, 3, 4) == ["accepted", "fetch_tomorrow"]
    assert "items.give_tomorrow" in news(owner_of(drill))
    assert "items.fetch_tomorrow" not in news(today.borrower)


def test_a_borrower_is_reminded_before_and_after_the_last_day_and_the_owner_told(monday):
    one = out(item(), monday)

    assert told(one, monday, 5) == ["accepted", "back_tomorrow"]
    assert told(one, monday, *range(6, 30)) == ["accepted", "back_tomorrow", "late", "late", "late"]
    assert news(owner_of(one.item)).count("items.not_back") == 3


def test_a_worker_that_slept_sends_one_reminder_and_not_all(monday):
    one = out(item(), monday)

    assert told(one, monday, 15) == ["accepted", "late"]


def test_staff_look_after_what_is_two_weeks_late(monday):
    one = out(item(), monday)
    monday(at(19, 12))
    assert db.count(queries.long_late()) == 0
    monday(at(20, 0))
    assert [found.id for found in db.session.scalars(queries.long_late())] == [one.id]


# --- not back ---


def test_what_is_not_back_is_promised_to_nobody(monday):
    one = out(item(), monday)
    monday(at(7, 0.1))
    longer.hold_late()
    with pytest.raises(errors.PromisedUntil) as refusal:
        loan(one.item, 7, 9)
    assert refusal.value.details["earliest"] == march(9)
    monday(at(9, 0.1))
    longer.hold_late()
    assert held(one.item) == 7

    taken(one, Way.BACK)
    assert held(one.item) == 0
    assert loan(one.item, 9, 9).state is LoanState.REQUESTED


def test_whoever_was_promised_it_next_keeps_the_promise_and_is_told(monday):
    one = out(item(), monday)
    following = loan(one.item, 8, 9)
    loans.accept(owner_of(one.item), following)

    assert told(following, monday, 6, 7, 8, 9) == ["accepted", "fetch_tomorrow", "still_out", "still_out"]
    assert held(one.item) == 4 + 2  # until the 7th, and the promise
    assert anew(following).state is LoanState.ACCEPTED


# --- longer, by leave ---


def test_a_trusting_owner_leaves_it_longer_at_once(monday):
    one = out(item(trusts=True), monday)

    longer.ask_longer(one.borrower, one, march(8))

    assert (one.last_day, one.longer_until, held(one.item)) == (march(8), None, 5)
    assert news(owner_of(one.item))[-1] == "items.kept_longer"


def test_else_the_owner_answers(monday):
    one = out(item(), monday)
    owner = owner_of(one.item)

    longer.ask_longer(one.borrower, one, march(8))
    assert (one.last_day, one.longer_until) == (march(6), march(8))
    longer.allow_longer(owner, one, yes=False)
    assert (one.last_day, one.longer_until) == (march(6), None)
    with pytest.raises(errors.NoLongerOpen):
        longer.allow_longer(owner, one, yes=True)
    longer.ask_longer(one.borrower, one, march(8))
    with pytest.raises(Forbidden):
        longer.allow_longer(one.borrower, one, yes=True)
    longer.allow_longer(owner, one, yes=True)

    assert (one.last_day, held(one.item)) == (march(8), 5)
    assert news(one.borrower)[-2:] == ["items.not_longer", "items.longer"]


def test_a_promise_to_others_goes_before(monday):
    one = out(item(units=2, trusts=True), monday, quantity=2)
    thing, owner = one.item, owner_of(one.item)
    following = loan(thing, 8, 9)
    loans.accept(owner, following)

    with pytest.raises(errors.AlreadyPromised):
        longer.ask_longer(one.borrower, one, march(8))
    assert held(thing) == 2 * 3 + 2
    longer.ask_longer(one.borrower, one, march(7))
    assert held(thing) == 2 * 4 + 2


def test_what_was_promised_since_it_was_asked_refuses_all_pieces(monday):
    one = out(item(units=2), monday, quantity=2)
    longer.ask_longer(one.borrower, one, march(8))
    loans.accept(owner_of(one.item), loan(one.item, 8, 9))

    with pytest.raises(errors.AlreadyPromised):
        longer.allow_longer(owner_of(one.item), one, yes=True)
    assert held(one.item) == 2 * 3 + 2


def test_nothing_is_kept_at_once_longer_than_usual_or_while_someone_waits(monday):
    usual, waited_for = out(item(trusts=True, longest_days=4), monday), item("Saw", trusts=True)
    longer.ask_longer(usual.borrower, usual, march(8))
    assert usual.longer_until == march(8)
    monday(at(1, 9))
    one = out(waited_for, monday)
    line.join(neighbour(), listings.get_item(waited_for.id), 2)
    longer.ask_longer(one.borrower, one, march(7))
    assert one.longer_until == march(7)


@pytest.mark.parametrize(
    ("until", "refusal"),
    [
        (date(2027, 3, 6), errors.NotLonger),
        (date(2027, 3, 1), errors.NotLonger),
        (date(2027, 7, 1), errors.TooMuchLonger),
    ],
)
def test_days_that_make_no_sense_are_refused(monday, until, refusal):
    one = out(item(), monday)
    with pytest.raises(refusal):
        longer.ask_longer(one.borrower, one, until)
    with pytest.raises(Forbidden):
        longer.ask_longer(owner_of(one.item), one, march(8))


def test_a_late_loan_may_become_longer_and_is_no_longer_late(monday):
    one = out(item(), monday)
    told(one, monday, 7)
    longer.ask_longer(one.borrower, one, march(9))
    longer.allow_longer(owner_of(one.item), one, yes=True)

    assert not one.is_late
    assert told(one, monday, 8)[-1] == "back_tomorrow"
    whole = occupancy.busy([one.item.units[0].resource_id], days(march(1), march(31)))
    assert [span for spans in whole.values() for span in spans] == [days(march(4), march(9))]
    assert clock.now() == at(8, 9)
