"""Libraries of things for those who run them: what it says, its things, its members."""

import os
from typing import BinaryIO, cast

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.models import CHANNELS, Channel
from marketplace.civic.groups.service.behalf import Behalf, for_caller
from marketplace.kernel import db, looking, progress, words
from marketplace.kernel.errors import NotFound
from marketplace.kernel.progress import LongWork
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.errors import LibraryChanged, TooLarge
from marketplace.sharing.items.layouts import catalogue as layout
from marketplace.sharing.items.layouts.labels import SHEETS, Label, pdf
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Condition, Library
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.schemas.libraries import (
    Confirmation,
    Labels,
    LibraryChange,
    NewLibrary,
    NewMember,
    NewThing,
    Table,
    as_typed,
)
from marketplace.sharing.items.service import catalogue, libraries
from marketplace.web import downloads
from marketplace.web.access import current_person, residents, reveal_by_role, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell, whole_address
from marketplace.web.security import MEGABYTE, takes_files

bp = Blueprint("libraries_staff", __name__)
LABELS_AT_ONCE = 480
"""Twenty sheets: about as long as someone waits for."""

LARGEST_FILE = 20 * MEGABYTE

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
    reveal_by_role(policy.may_set_up, person, library)
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


@bp.route("/libraries/<int:library_id>/things/new", methods=["GET", "POST"])
@residents
def add(library_id: int) -> ResponseReturnValue:
    """Add a thing to a library."""
    library = _run(library_id)
    with Form(NewThing(), pieces=1, longest_days=7) as form:
        if form.submitted:
            made = catalogue.add(current_person(), library, **form.data)
            tell(_("{title} is in the catalogue. Print its labels.", title=made.title))
            return redirect(url_for(".labels", library_id=library.id, item=made.id), 303)
    tree = categories.tree()
    grouped = [(top, [one for one in tree if one.parent == top.code]) for top in tree if top.parent is None]
    return form.page("sharing/items/library/add.html", library=library, categories=grouped, conditions=Condition)


# --- labels and catalogue ---


@bp.get("/libraries/<int:library_id>/labels")
@residents
def labels(library_id: int) -> Response:
    """Which labels to print."""
    library = _run(library_id)
    item_id = Form(Labels(), method="GET").data.get("item")
    form = Form(Labels(), sheet="a4", skip=0, item=item_id)
    many = db.count(queries.labels(library, item_id))
    return form.page("sharing/items/library/labels.html", library=library, many=many, at_once=LABELS_AT_ONCE,
                     sheets=SHEETS)  # fmt: skip


@bp.get("/libraries/<int:library_id>/labels.pdf")
@residents
def labels_pdf(library_id: int) -> Response:
    """The labels as a PDF."""
    library = _run(library_id)
    form = Form(Labels(), method="GET")
    if form.errors:
        raise NotFound
    asked = form.data or Labels().load({})
    query = queries.labels(library, asked["item"], asked["since"]).limit(LABELS_AT_ONCE)
    made = [
        Label(code, title, library.title, whole_address(url_for("libraries.thing", code=code)))
        for code, title in db.rows(query.offset((asked["part"] - 1) * LABELS_AT_ONCE))
    ]
    file = pdf(made, SHEETS[asked["sheet"]], skip=asked["skip"])
    return downloads.attachment(file, f"labels-{library.id}.pdf", "application/pdf")


@bp.route("/libraries/<int:library_id>/catalogue", methods=["GET", "POST"])
@residents
@takes_files
def table(library_id: int) -> ResponseReturnValue:
    """Send the catalogue as a table, to be taken in or tried out, and see what became of those sent before."""
    library = _run(library_id)
    with Form(Table(), trying=True) as form:
        if form.submitted and (work := _begun(form, library)):
            return redirect(url_for(".taking_in", library_id=library.id, work_id=work.id), 303)
    return form.page(
        "sharing/items/library/catalogue.html", library=library, heads=layout.HEADS, most=layout.MOST_ROWS,
        works=progress.of_subject(subject("library", library.id)),
    )  # fmt: skip


def _begun(form: Form, library: Library) -> LongWork | None:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        form.refuse("file", _("Choose a file."))
        return None
    if sent.stream.seek(0, os.SEEK_END) > LARGEST_FILE:
        raise TooLarge(most=LARGEST_FILE // MEGABYTE, field="file")
    sent.stream.seek(0)
    rows = layout.count(sent.stream.read())
    sent.stream.seek(0)
    name = "items.catalogue_trial" if form.data["trying"] else "items.catalogue"
    about, person = subject("library", library.id), current_person()
    return progress.begin(name, about, person.id, cast("BinaryIO", sent.stream), rows, library_id=library.id)


@bp.get("/libraries/<int:library_id>/catalogue/<int:work_id>")
@residents
def taking_in(library_id: int, work_id: int) -> Response:
    """How far a table has been taken in, and what became of its rows."""
    library = _run(library_id)
    work = progress.get(work_id, subject("library", library.id))
    if work is None:
        raise NotFound
    refused = [(one, progress.read_text(one["sentence"])) for one in work.told.get("refused", ())]
    return page(
        "sharing/items/library/taking_in.html", library=library, work=work, trying=work.name.endswith("_trial"),
        refused=refused,
    )  # fmt: skip


@bp.get("/libraries/<int:library_id>/catalogue.csv")
@residents
def export(library_id: int) -> Response:
    """The catalogue as a table."""
    library = _run(library_id)
    text = "".join(layout.write(iter(db.session.scalars(queries.items_of(library)))))
    return downloads.attachment(text, f"catalogue-{library.id}.csv", "text/csv; charset=utf-8")


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
    reveal_by_role(policy.may_run, current_person(), library)
    return library


def _looked(library: Library, people: list[int]) -> None:
    """Put on record that the present person reads about these people on the library's pages."""
    looked("items.library_members", dict.fromkeys(people, policy.office(current_person(), library)))
