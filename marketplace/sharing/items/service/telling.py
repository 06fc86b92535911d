"""Telling both sides of a loan, the record and the city's other systems what became of it."""

from collections.abc import Collection

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import audit, db, events, things
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan


def tell_borrower(loan: Loan, news: str) -> None:
    """Tell who borrows; for a group every officer."""
    _tell(policy.borrowers(loan), loan, news)


def tell_lender(loan: Loan, news: str) -> None:
    """Tell the owner, or those who run the library."""
    _tell(policy.lenders(loan.item) - policy.borrowers(loan), loan, news)


def tell_both(loan: Loan, news: str, but: Person | None = None) -> None:
    """Tell both sides, but whoever did it."""
    _tell((policy.borrowers(loan) | policy.lenders(loan.item)) - {but.id if but else 0}, loan, news)


def _tell(people: Collection[int], loan: Loan, news: str) -> None:
    db.session.flush()
    notifications.tell(people, f"items.{news}", things.of("loan", loan))


def record(person: Person | None, loan: Loan, what: str, **detail: int | str) -> None:
    """Put it on record, without what anyone wrote: the record is never erased, the loan's words are."""
    audit.record(person.id if person else None, f"items.{what}", f"loan:{loan.id}", **detail)


def announce(loan: Loan, what: str) -> None:
    """Tell the city's other systems, which learn what and when, and never who."""
    events.emit(
        f"loan.{what}",
        f"loan:{loan.id}",
        state=loan.state.value,
        first_day=loan.first_day.isoformat(),
        last_day=loan.last_day.isoformat(),
        category=loan.item.category,
        library_id=loan.item.library_id,
    )
