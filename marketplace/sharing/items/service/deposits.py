"""Deposits in time credits: put aside with the request, given back when the loan is over, but for what is kept.

A deposit in the city's money is a promise between the two: nothing moves.
"""

from collections.abc import Iterable

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits import service as time_credits
from marketplace.kernel.things import subject
from marketplace.kernel.writing import show_minutes
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.listing import DepositUnit, Item
from marketplace.sharing.items.queries import problems as queries


def expect_enough(borrower: Person, item: Item, *, by_staff: bool) -> None:
    """Have the borrower's credits stand still, and refuse a deposit that is more than they are.

    Asked before anything else is locked. Raises DepositMissing; CallerDepositMissing where staff ask for someone, whose
    balance is none of their business.
    """
    if item.deposit_unit is not DepositUnit.TIME or not item.deposit:
        return
    missing = item.deposit - time_credits.available(borrower)
    if missing > 0:
        deposit, short = DepositUnit.TIME.show(item.deposit), show_minutes(missing)
        raise errors.CallerDepositMissing if by_staff else errors.DepositMissing(deposit=deposit, missing=short)


def hold(loan: Loan, by: Person) -> None:
    """Put the deposit of a request aside."""
    if loan.held:
        time_credits.hold_deposit(loan.borrower, loan.held, _about(loan), by=by.id)


def settle(loan: Loan) -> None:
    """Give the deposit of a loan that ends back, but for what its problems say is kept.

    That goes to the owner; of a library's loan, to the city, from where all credits come.
    """
    if loan.held:
        time_credits.release_deposit(_about(loan), keep=queries.kept_minutes(loan), to=loan.item.owner)


def lock(loans: Iterable[Loan]) -> None:
    """Lock all accounts between which the deposits of these loans may move; first of all, who settles several."""
    held = [loan for loan in loans if loan.held]
    if held:
        troubled = queries.troubled(loan.id for loan in held)
        keepers = [loan.item.owner for loan in held if loan.id in troubled]
        time_credits.lock_deposits([_about(loan) for loan in held], keepers)


def _about(loan: Loan) -> str:
    return subject("loan", loan.id)
