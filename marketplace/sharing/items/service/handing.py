"""A thing changing hands: one side says how it is and shows six digits, the other enters them and agrees."""

import hmac
import secrets
from collections.abc import Collection, Sequence

from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import clock, credentials, db
from marketplace.kernel.access import permit
from marketplace.kernel.errors import DomainError
from marketplace.kernel.things import subject
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Handover, HandoverPart, Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import line
from marketplace.sharing.items.service.loans import expect, let_go
from marketplace.sharing.items.service.telling import announce, record, tell_borrower, tell_lender

TRIES = 5
"""How often a code may be mistyped before the giver has to make another."""

MOST_PICTURES = 4
"""Of each side."""

BEFORE = {Way.OUT: LoanState.ACCEPTED, Way.BACK: LoanState.OUT}
"""In which state of the loan a thing goes which way."""


def offer(
    giver: Person,
    loan: Loan,
    way: Way,
    *,
    condition: Condition,
    counts: Sequence[int] = (),
    note: str = "",
    pictures: Collection[int] = (),
) -> tuple[Handover, str]:
    """Say how the thing is that one hands over, and make the code to show; said again, the last time counts.

    counts   how many of each accessory of the thing, in their order, come along; what is not counted is all there

    Raises NotYetHandedOver for a return before the hand-over, TooEarly before the first day.
    """
    permit(policy.may_give, giver, loan, way)
    _expect_turn(loan, way)
    if way is Way.OUT and clock.today() < loan.first_day:
        raise errors.TooEarly(first=loan.first_day)
    handover = queries.open_handover(loan, way)
    if handover is None:
        handover = Handover(loan_id=loan.id, way=way, parts=[])
        db.session.add(handover)
    handover.given_by_id, handover.condition, handover.note = giver.id, condition, note.strip()
    handover.nonce, handover.tries, handover.made_at = secrets.token_hex(16), 0, clock.now()
    handover.parts = parts(loan, counts)
    db.session.flush()
    uploads.attach(giver, pictures, subject("handover", handover.id), most=2 * MOST_PICTURES)
    return handover, code_of(handover)


def code_of(handover: Handover) -> str:
    """The six digits, which only the giver is shown. They stand nowhere: without the platform's secret none is made."""
    return f"{int(credentials.seal('handover', handover.id, handover.nonce), 16) % 10**6:06}"


def try_code(loan: Loan, way: Way, code: str) -> DomainError | None:
    """Why this is not the code, if it is not, with the try counted: that has to be kept, whatever is refused then."""
    handover = queries.open_handover(loan, way)
    refusal = _wrong(handover, code)
    if handover is not None and isinstance(refusal, errors.WrongCode):
        handover.tries += 1
        db.session.flush()
        if handover.tries >= TRIES:
            return errors.CodeUsedUp(field="code")
    return refusal


def take(
    taker: Person,
    loan: Loan,
    way: Way,
    code: str,
    *,
    agreed: bool = True,
    remark: str = "",
    pictures: Collection[int] = (),
) -> Handover:
    """Agree to what the giver said, or say what is different: from now on the taker has the thing.

    The tries of whoever guesses are counted by `try_code`. Raises NoCode, WrongCode, CodeUsedUp, RemarkMissing, or
    StillOut if one of the pieces is not back from someone else.
    """
    permit(policy.may_take, taker, loan, way)
    _expect_turn(loan, way)
    handover = queries.open_handover(loan, way)
    if refusal := _wrong(handover, code):
        raise refusal
    assert handover is not None  # noqa: S101 - else there was a refusal
    if not agreed and not remark.strip():
        raise errors.RemarkMissing(field="remark")
    handover.taken_by_id, handover.taken_at, handover.nonce = taker.id, clock.now(), ""
    handover.agreed, handover.remark = agreed, remark.strip()
    uploads.attach(taker, pictures, subject("handover", handover.id), most=2 * MOST_PICTURES)
    (go_out if way is Way.OUT else come_back)(loan)
    record(taker, loan, "taken", way=way.value)
    return handover


def go_out(loan: Loan) -> None:
    """The borrower has it now."""
    loan.state, loan.out_at, loan.reminded = LoanState.OUT, clock.now(), 0
    loan.changed += 1
    try:
        with db.session.begin_nested():
            for piece in loan.pieces:
                piece.is_out = True
            db.session.flush()
    except IntegrityError as error:
        if db.violates(error, "loan_pieces"):
            raise errors.StillOut from error
        raise
    announce(loan, "out")
    tell_lender(loan, "went_out")


def come_back(loan: Loan) -> None:
    """Its owner has it again; its pieces are free. For a day something may still be said of it, then it is over."""
    loan.state, loan.returned_at, loan.longer_until = LoanState.RETURNED, clock.now(), None
    loan.changed += 1
    let_go(loan)
    announce(loan, "returned")
    tell_borrower(loan, "came_back")
    if loan.item.owner_id is not None:
        tell_lender(loan, "is_back")
    line.offer(loan.item, loan.last_day)


def _expect_turn(loan: Loan, way: Way) -> None:
    if way is Way.BACK and loan.state is LoanState.ACCEPTED:
        raise errors.NotYetHandedOver
    expect(loan, BEFORE[way])
    if way is Way.OUT and loan.last_day < clock.today():
        raise errors.NoLongerOpen(state=LoanState.CANCELLED.words)


def _wrong(handover: Handover | None, code: str) -> DomainError | None:
    if handover is None or not handover.nonce:
        return errors.NoCode()
    if handover.tries >= TRIES:
        return errors.CodeUsedUp(field="code")
    typed = "".join(letter for letter in code if letter.isdecimal())
    right = hmac.compare_digest(typed.encode(), code_of(handover).encode())
    return None if right else errors.WrongCode(left=TRIES - handover.tries - 1, field="code")


def parts(loan: Loan, counts: Sequence[int]) -> list[HandoverPart]:
    """What comes along of each accessory; of those not counted, all."""
    expected = [(part.name, part.count * loan.quantity) for part in loan.item.accessories]
    counted = [*counts, *(many for _name, many in expected[len(counts) :])]
    return [
        HandoverPart(name=name, expected=many, counted=here)
        for (name, many), here in zip(expected, counted, strict=False)
    ]
