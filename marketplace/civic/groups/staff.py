"""For staff: groups that wait to be verified."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.groups import policy, queries, schemas
from marketplace.civic.groups.models import DOCUMENTS, SORTS, Group
from marketplace.civic.groups.service import verifying
from marketplace.kernel import clock, db, hooks, looking
from marketplace.kernel.access import permit
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell

bp = Blueprint("groups_staff", __name__, url_prefix="/groups/staff")

looking.page("groups.contact", _l("Verifying your group"))
looking.page("groups.caller", _l("Entering something for you, at the counter or on the telephone"))

ON_THE_DESK = 50
A_YEAR = timedelta(days=365)


@bp.get("/")
@staff(*policy.STAFF)
def groups() -> Response:
    """Groups that wait to be verified, or all that are found by words."""
    everyone = request.args.get("show") == "all"
    form = Form(schemas.GroupSearch(), method="GET")
    pages, shown = listed(queries.found(form.data.get("words", "")) if everyone else queries.to_verify())
    return page(
        "civic/groups/staff.html",
        shown=shown, pages=pages, everyone=everyone, form=form, sorts=SORTS, within=policy.ANSWER_WITHIN,
    )  # fmt: skip


@bp.route("/<int:group_id>", methods=["GET", "POST"])
@staff(*policy.STAFF)
def verify(group_id: int) -> ResponseReturnValue:
    """Look at a group, and put down that a document was seen, or why the group is not verified."""
    group = queries.get_group(group_id)
    person = current_person()
    permit(policy.may_verify, person, group, queries.member(group, person))
    with Form(schemas.Verification(), until=(clock.today() + A_YEAR).isoformat()) as form:
        if form.submitted:
            _answer(form, group)
        if form.submitted:
            tell(_("That is put down, and the group's contact is told."))
            return redirect(url_for(".groups"), 303)
    if group.contact:
        looked("groups.contact", {group.contact.person_id: {"role": person.grants[0].role}})
    return form.page(
        "civic/groups/verify.html",
        group=queries.get_group(group_id), sorts=SORTS, documents=list(DOCUMENTS.items()), all_documents=DOCUMENTS,
        size=queries.sizes([group]).get(group.id, 0),
    )  # fmt: skip


def _answer(form: Form, group: Group) -> None:
    person, answer = current_person(), form.data
    if answer["answer"] == "decline":
        say_no = verifying.decline if group.asked_at else verifying.withdraw
        say_no(person, group, answer["reason"])
    elif answer["document"] is None:
        form.refuse("document", _("Choose which kind of document you looked at."))
    elif answer["until"] is None:
        form.refuse("until", _("Enter until when it counts."))
    else:
        verifying.verify(person, group, answer["document"], answer["until"])


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """Groups to verify, for those who verify."""
    if not policy.may_verify_any(person):
        return None
    query = queries.to_verify()
    waiting = [
        Waiting(group.title, url_for("groups_staff.verify", group_id=group.id), group.asked_at + policy.ANSWER_WITHIN)
        for group in db.session.scalars(query.limit(ON_THE_DESK))
        if group.asked_at
    ]
    return Queue(_l("Groups to verify"), url_for("groups_staff.groups"), db.count(query), waiting)
