"""Libraries of things for those who run them: what it says, its things, its members."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.models import CHANNELS, Channel
from marketplace.civic.groups.service.behalf import Behalf, for_caller
from marketplace.kernel import looking, words
from marketplace.kernel.access import reveal
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.errors import LibraryChanged
from marketplace.sharing.items.models.listing import Library
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.schemas.libraries import (
    Confirmation,
    LibraryChange,
    NewLibrary,
    NewMember,
    as_typed,
)
from marketplace.sharing.items.service import libraries
from marketplace.web.access import current_person, residents, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell

bp = Blueprint("libraries_staff", __name__)

looking.page("items.library_members", _l("The list of a library's members"))


# --- the library ---


@bp.route("/libraries/new", methods=["GET", "POST"])
@staff(Role.ADMINISTRATOR)
def new() -> ResponseReturnValue:
    """Open a library."""
    weekday = {f"hours_{day}": "10:00-18:00" for day in range(5)}
    with Form(NewLibrary(), open=True, building=request.args.get("building"), **weekday) as form:
        if form.submitted:
            made = libraries.found(current_person(), **form.data)
            tell(_("The library is open. Its building's managers run it."))
            return redirect(url_for("libraries.library", library_id=made.id), 303)
    return form.page("sharing/items/library/change.html", library=None, may_found=True, changed_meanwhile=False)


@bp.route("/libraries/<int:library_id>/change", methods=["GET", "POST"])
@residents
def change(library_id: int) -> ResponseReturnValue:
    """Name, what it says of itself, and when it is open."""
    library, person = queries.get_library(library_id), current_person()
    reveal(policy.may_set_up, person, library)
    with Form(LibraryChange(), **as_typed(library)) as form:
        if form.submitted:
            libraries.change(person, library, **form.data)
            tell(_("The library is changed."))
            return redirect(url_for("libraries.library", library_id=library.id), 303)
    meanwhile = isinstance(form.refusal, LibraryChanged)
    return form.page(
        "sharing/items/library/change.html",
        library=queries.get_library(library_id) if form.refusal else library,
        may_found=policy.may_found(person), changed_meanwhile=meanwhile,
    )  # fmt: skip


@bp.get("/libraries/<int:library_id>/things")
@residents
def things(library_id: int) -> Response:
    """The things of a library, piece by piece."""
    library = _run(library_id)
    pages, shown = listed(queries.items_of(library, request.args.get("words", "")))
    return page("sharing/items/library/things.html", library=library, shown=shown, pages=pages,
                words=request.args.get("words", ""))  # fmt: skip


# --- members ---


@bp.get("/libraries/<int:library_id>/members")
@residents
def members(library_id: int) -> Response:
    """Who belongs to a library, or no longer does."""
    library = _run(library_id)
    current = request.args.get("show") != "past"
    pages, shown = listed(queries.members_of(library, current=current))
    _looked(library, [one.person_id for one in shown])
    return page("sharing/items/library/members.html", library=library, shown=shown, pages=pages, current=current)


@bp.route("/libraries/<int:library_id>/members/new", methods=["GET", "POST"])
@residents
def admit(library_id: int) -> ResponseReturnValue:
    """Make someone at the counter a member."""
    library, person = _run(library_id), current_person()
    with Form(NewMember(), language=words.language.get(), channel=Channel.COUNTER.value) as form:
        if form.submitted:
            card, until, channel = (form.data.pop(name) for name in ("card", "until", "channel"))
            joining = for_caller(person, policy.office(person, library), **form.data)
            behalf = Behalf(entered_by=person, channel=channel)
            member = libraries.admit(person, library, joining, behalf, card=card, until=until)
            tell(_("{name} is a member now. The card is {card}.", name=joining.name, card=member.card))
            return redirect(url_for(".members", library_id=library.id), 303)
    return form.page("sharing/items/library/admit.html", library=library, channels=list(CHANNELS.items()))


@bp.post("/libraries/members/<int:member_id>/end")
@residents
def end_membership(member_id: int) -> ResponseReturnValue:
    """End a membership."""
    member = queries.get_member(member_id)
    library = _run(member.library_id)
    with Form(Confirmation()):
        libraries.end_membership(current_person(), library, member)
        tell(_("The membership has ended, and the person is told."))
    return redirect(url_for(".members", library_id=library.id), 303)


def _run(library_id: int) -> Library:
    library = queries.get_library(library_id)
    reveal(policy.may_run, current_person(), library)
    return library


def _looked(library: Library, people: list[int]) -> None:
    """Put on record that the present person reads about these people on the library's pages."""
    looked("items.library_members", dict.fromkeys(people, policy.office(current_person(), library)))
