"""Loans for programs: asking, answering, and giving up. Things change hands on the pages, where codes are shown."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, url_for

from marketplace.civic.groups.errors import NotYourGroup
from marketplace.civic.groups.service.behalf import for_group
from marketplace.kernel import db
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.words import _l
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.api._shared import LOANS, OFTEN, RULES, known
from marketplace.sharing.items.models.lending import Loan, Refusal
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.schemas.lending import LoanQuestions, LoanRecord, LoanWish, WholeLoanRecord, YesOrNo
from marketplace.sharing.items.schemas.loans import Days, Decline, Until, Why
from marketplace.sharing.items.service import loans, longer
from marketplace.web.access import current_person, residents
from marketplace.web.api import Created, Page, With, cut, endpoint, expect_unchanged
from marketplace.web.looking import looked
from marketplace.web.security import limited

bp = Blueprint("loans_api", __name__, url_prefix="/api/v1")

PROMISED = (errors.AlreadyPromised, errors.PromisedUntil)


# --- one's loans ---


@bp.get("/loans")
@residents
@endpoint(
    summary=_l("Your loans: what goes on, the next first, or what is over, the latest first."),
    tag=LOANS,
    query=LoanQuestions,
    answer=LoanRecord,
    paged=(date, int),
)
def list_loans(limit: int, after: tuple[date, int] | None, side: str, when: str) -> Page:
    """What the person borrows or lends."""
    over = when == "past"
    query = queries.loans_of(current_person(), lent=side == "lent", over=over)
    if after is not None:
        position, here = sa.tuple_(Loan.first_day, Loan.id), sa.tuple_(*after)
        query = query.where(position < here if over else position > here)
    rows: Sequence[Loan] = db.session.scalars(query.limit(limit + 1)).all()
    page = cut(rows, limit, lambda loan: (loan.first_day, loan.id))
    return Page([With(loan, side=_side(loan)) for loan in page.items], page.last)


@bp.get("/loans/<reference>")
@residents
@endpoint(summary=_l("One loan."), tag=LOANS, answer=WholeLoanRecord)
def get_loan(reference: str) -> With:
    """A loan of either side."""
    return _told(_seen(reference))


def _seen(reference: str) -> Loan:
    """A loan that the person may see; of a library's, who read it is put on record."""
    found, person = queries.get_loan(reference), current_person()
    reveal(policy.may_see, person, found)
    looked("items.loan", policy.offices(person, found))
    return found


def _told(loan: Loan) -> With:
    shown = policy.shows_address(current_person(), loan)
    address, note = (queries.address_of(loan), loan.item.pick_up_note) if shown else (None, None)
    return With(loan, side=_side(loan), address=address, pick_up_note=note)


def _side(loan: Loan) -> str:
    return "borrowed" if policy.borrows(current_person(), loan) else "lent"


# --- asking ---


@bp.post("/loans")
@residents
@limited(*OFTEN)
@endpoint(
    summary=_l("Ask for a thing; it is agreed at once where the owner trusts and you are trusted."),
    tag=LOANS,
    body=LoanWish,
    answer=WholeLoanRecord,
    status=201,
    refuses=(*RULES, *PROMISED, errors.AskedAlready, errors.TooManyRequests, NotYourGroup),
)
def ask(item: int, group: int | None, **details: Any) -> Created:
    """Ask in one step."""
    person, thing = current_person(), known(item)
    made = loans.request(person, thing, **details, behalf=for_group(person, group))
    return Created(_told(made), url_for(".get_loan", reference=made.reference))


@bp.post("/loans/<reference>/take-proposal")
@residents
@endpoint(
    summary=_l("Agree to the days that the owner proposed."),
    tag=LOANS,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, *PROMISED),
)
def take_proposal(reference: str) -> With:
    """Yes to other days."""
    return _told(loans.take_proposal(current_person(), _unchanged(reference)))


@bp.post("/loans/<reference>/withdraw")
@residents
@endpoint(
    summary=_l("Take back a request, or turn down the days proposed instead."),
    tag=LOANS,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen,),
)
def withdraw(reference: str) -> With:
    """Ask no more."""
    return _told(loans.withdraw(current_person(), _unchanged(reference)))


@bp.post("/loans/<reference>/cancel")
@residents
@endpoint(
    summary=_l("Give up what was agreed; the other side reads why."),
    tag=LOANS,
    body=Why,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, errors.TooLateToCancel, errors.ReasonMissing),
)
def cancel(reference: str, reason: str) -> With:
    """Either side, as long as it may."""
    return _told(loans.cancel(current_person(), _unchanged(reference), reason))


# --- answering ---


@bp.post("/loans/<reference>/accept")
@residents
@endpoint(
    summary=_l("Promise the thing for the days asked for."),
    tag=LOANS,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, *PROMISED),
)
def accept(reference: str) -> With:
    """The owner's yes."""
    return _told(loans.accept(current_person(), _unchanged(reference)))


@bp.post("/loans/<reference>/propose")
@residents
@endpoint(
    summary=_l("Propose other days, which the borrower may take. Nothing is held meanwhile."),
    tag=LOANS,
    body=Days,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, errors.InThePast, errors.TooMuchLonger, *PROMISED),
)
def propose(reference: str, first: date, last: date) -> With:
    """The owner's yes to other days."""
    return _told(loans.propose(current_person(), _unchanged(reference), first, last))


@bp.post("/loans/<reference>/decline")
@residents
@endpoint(
    summary=_l("Say no, with a reason of the list; another reason needs words."),
    tag=LOANS,
    body=Decline,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, errors.ReasonMissing),
)
def decline(reference: str, refusal: Refusal, words: str) -> With:
    """The owner's no."""
    return _told(loans.decline(current_person(), _unchanged(reference), refusal, words))


# --- longer ---


@bp.post("/loans/<reference>/ask-longer")
@residents
@endpoint(
    summary=_l("Ask to keep it longer; it is agreed at once where the owner trusts and nobody waits."),
    tag=LOANS,
    body=Until,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, errors.NotLonger, errors.TooMuchLonger, *PROMISED),
)
def ask_longer(reference: str, until: date) -> With:
    """A later last day."""
    return _told(longer.ask_longer(current_person(), _unchanged(reference), until))


@bp.post("/loans/<reference>/answer-longer")
@residents
@endpoint(
    summary=_l("Say whether it may be kept longer."),
    tag=LOANS,
    body=YesOrNo,
    answer=WholeLoanRecord,
    refuses=(errors.NoLongerOpen, *PROMISED),
)
def answer_longer(reference: str, yes: bool) -> With:
    """The owner's answer."""
    return _told(longer.allow_longer(current_person(), _unchanged(reference), yes=yes))


def _unchanged(reference: str) -> Loan:
    """A loan of the person's, if it is as the program read it."""
    found = _seen(reference)
    permit(policy.may_cancel, current_person(), found)
    expect_unchanged(WholeLoanRecord, _told(found))
    return found
