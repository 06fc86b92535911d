"""The counter of a library of things: scan a piece or a card, hand out, take back. Scanners type a code and Enter."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.groups.models import CHANNELS, Channel
from marketplace.civic.groups.service.behalf import Behalf, for_caller
from marketplace.kernel import clock, looking, words
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_date
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan, Way
from marketplace.sharing.items.models.libraries import LibraryMember
from marketplace.sharing.items.models.listing import Condition, ItemUnit, Library
from marketplace.sharing.items.queries import counter as queries
from marketplace.sharing.items.queries import libraries
from marketplace.sharing.items.queries.loans import get_loan
from marketplace.sharing.items.schemas.libraries import HandOut, LendToCaller, LendToMember, Scan, TakeBack
from marketplace.sharing.items.service import counter as service
from marketplace.sharing.items.service import repairs
from marketplace.sharing.items.views._running import reads_about, run
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("counter", __name__)

ANEW = "anew"
"""In place of a loan's reference: nothing agreed before is handed out, the piece is lent to someone now."""

looking.page("items.counter", _l("The counter of a library of things"))


@bp.get("/libraries/<int:library_id>/counter")
@residents
def counter(library_id: int) -> ResponseReturnValue:
    """Scan a piece to see who has it or is promised it; scan a card to see what its member has."""
    library, asked = run(library_id), Form(Scan(), method="GET")
    code, card = (asked.data.get(name, "") for name in ("code", "card"))
    member = libraries.member_by_card(library, card) if card else None
    if not code:
        return _page(library, asked, member=member)
    unit = _piece(library, code)
    if unit is not None:
        form, reference = _lending(library, unit, member), asked.data.get("loan")
        return _page(library, form, unit=unit, member=member, reference=reference)
    if found := libraries.member_by_card(library, code):
        return redirect(url_for(".counter", library_id=library.id, card=found.card), 303)
    asked.refuse("code", _("No piece and no card of this library has the code {code}.", code=code))
    return _page(library, asked, member=member)


@bp.post("/libraries/<int:library_id>/counter/<code>/lend")
@residents
def lend(library_id: int, code: str) -> ResponseReturnValue:
    """Hand a piece at once to a member, by card, or to someone else."""
    library, unit = _known(library_id, code)
    with_card = "card" in Form(Scan()).source
    with Form(LendToMember() if with_card else LendToCaller()) as form:
        if form.submitted:
            made = _lend(library, unit, form)
            tell(_("Lent to {name} until {day}.", name=made.borrower.name, day=show_date(made.last_day)))
            return redirect(url_for(".counter", library_id=library.id, card=form.data.get("card")), 303)
    member = libraries.member_by_card(library, form.value("card")) if with_card else None
    library, unit = _known(library_id, code)  # anew: what was undone is forgotten
    return _page(library, form, unit=unit, member=member, reference=ANEW)


def _lend(library: Library, unit: ItemUnit, form: Form) -> Loan:
    staff, said = current_person(), form.data
    if "card" in said:
        member = libraries.member_by_card(library, said["card"])
        if member is None:
            raise NotFound
        borrower, channel = member.person, Channel.COUNTER
    else:
        who = {name: said[name] for name in ("name", "email", "phone", "language")}
        borrower, channel = for_caller(staff, policy.office(staff, library), **who), said["channel"]
    behalf = Behalf(entered_by=staff, channel=channel)
    how = {name: said[name] for name in ("condition", "counts", "note")}
    return service.lend(staff, unit, borrower, behalf, said["last"], **how)


@bp.post("/libraries/<int:library_id>/counter/<code>/out")
@residents
def hand_out(library_id: int, code: str) -> ResponseReturnValue:
    """Hand out what was agreed before."""
    library, unit = _known(library_id, code)
    with Form(HandOut()) as form:
        if form.submitted:
            loan = _loan(library, form.data.pop("reference"))
            service.over_counter(current_person(), loan, Way.OUT, unit=unit, **form.data)
            tell(_("Handed out to {name} until {day}.", name=loan.borrower.name, day=show_date(loan.last_day)))
            return redirect(url_for(".counter", library_id=library.id), 303)
    library, unit = _known(library_id, code)
    return _page(library, form, unit=unit, reference=form.value("reference"))


@bp.post("/libraries/<int:library_id>/counter/<code>/back")
@residents
def take_back(library_id: int, code: str) -> ResponseReturnValue:
    """Take back what was out; if something is wrong with the piece, it goes to repair."""
    library, unit = _known(library_id, code)
    with Form(TakeBack()) as form:
        if form.submitted:
            problem = form.data.pop("problem")
            loan = _loan(library, form.data.pop("reference"))
            service.over_counter(current_person(), loan, Way.BACK, **form.data)
            if problem:
                repairs.open_ticket(current_person(), unit, problem)
            tell(_("Taken back from {name}.", name=loan.borrower.name))
            return redirect(url_for(".counter", library_id=library.id), 303)
    library, unit = _known(library_id, code)
    return _page(library, form, unit=unit)


# --- parts ---


def _piece(library: Library, code: str) -> ItemUnit | None:
    unit = libraries.unit_by_code(code)
    return unit if unit is not None and unit.item.library_id == library.id else None


def _known(library_id: int, code: str) -> tuple[Library, ItemUnit]:
    library = run(library_id)
    if (unit := _piece(library, code)) is None:
        raise NotFound
    return library, unit


def _loan(library: Library, reference: str) -> Loan:
    loan = get_loan(reference)
    if loan.item.library_id != library.id:
        raise NotFound
    reveal(policy.may_see, current_person(), loan)
    return loan


def _lending(library: Library, unit: ItemUnit, member: LibraryMember | None) -> Form:
    """The form to lend a piece, filled in as it usually is: for as long as may be, until a day that is open."""
    days = [clock.today() + timedelta(days=n) for n in range(unit.item.longest_days)]
    last = next((day for day in reversed(days) if policy.openings(library, day)), days[-1])
    usual: dict[str, Any] = {"condition": unit.item.condition.value, "last": last.isoformat()}
    if member is not None:
        return Form(LendToMember(), **usual, card=member.card)
    return Form(LendToCaller(), **usual, language=words.language.get(), channel=Channel.COUNTER.value)


def _chosen(due: list[Loan], member: LibraryMember | None, reference: str | None) -> Loan | None:
    """Which agreed loan to hand out: the one asked for, else the member's, else the first; none to lend it anew."""
    if reference is not None:
        return next((loan for loan in due if loan.reference == reference), None)
    return next((loan for loan in due if member is None or loan.borrower_id == member.person_id), None)


def _page(
    library: Library,
    form: Form,
    *,
    unit: ItemUnit | None = None,
    member: LibraryMember | None = None,
    reference: str | None = None,
) -> Response:
    out = queries.loan_out(unit) if unit else None
    promised = queries.promised(unit.item) if unit else []
    due = [loan for loan in promised if loan.first_day <= clock.today()]
    theirs = queries.loans_with(member.person, library) if member else []
    seen = {loan.borrower_id for loan in (*([out] if out else []), *promised, *theirs)}
    reads_about(library, "items.counter", seen | ({member.person_id} if member else set()))
    return form.page(
        "sharing/items/library/counter.html",
        library=library, unit=unit, member=member, out=out, promised=promised, theirs=theirs,
        due=due, chosen=_chosen(due, member, reference),
        conditions=Condition, channels=list(CHANNELS.items()), today=clock.today(),
        ticket=libraries.open_ticket(unit) if unit else None,
    )  # fmt: skip
