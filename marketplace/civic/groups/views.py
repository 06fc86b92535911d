"""Groups for residents: finding, founding and joining one, and looking after one's own."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.views import HOUR, LETTERS, own_session
from marketplace.civic.groups import policy, queries, schemas
from marketplace.civic.groups.errors import ChangedMeanwhile
from marketplace.civic.groups.models import DOCUMENTS, ROLES, SORTS, Group, GroupMember, GroupRequest, Role
from marketplace.civic.groups.service import groups, joining, verifying
from marketplace.civic.places.queries import districts
from marketplace.kernel import db, hooks, things
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, paging, tell
from marketplace.web.security import Limit, limited

bp = Blueprint("groups", __name__, url_prefix="/groups")

WISHES = (Limit("wish to join", 10, HOUR, own_session), *LETTERS[1:])
"""Each wish is told to every officer, also one taken back and sent again."""

CHANGES: dict[str, Callable[[Person, Group, int], None]] = {
    Role.MEMBER: groups.make_member,
    Role.OFFICER: groups.make_officer,
    Role.CONTACT: groups.make_contact,
}


# --- finding ---


@bp.get("/")
@public
def search() -> Response:
    """Groups by words and district."""
    form = Form(schemas.GroupSearch(), method="GET")
    found = queries.found(form.data.get("words", ""), form.data.get("district"))
    pages = paging(0 if form.errors else db.count(found))
    shown = db.session.scalars(found.limit(pages.size).offset(pages.offset)).all() if pages.total else []
    return form.page(
        "civic/groups/search.html",
        shown=shown, pages=pages, sizes=queries.sizes(shown), small=policy.SMALL, sorts=SORTS, districts=districts(),
    )  # fmt: skip


@bp.get("/<int:group_id>")
@public
def group(group_id: int) -> Response:
    """A group: what it is, who speaks for it, and how to join."""
    found, member = _found(group_id)
    person = current_person()
    return page(
        "civic/groups/group.html",
        group=found, member=member, size=queries.sizes([found]).get(found.id, 0), small=policy.SMALL, sorts=SORTS,
        documents=DOCUMENTS, roles=ROLES, officer=policy.may_look_after(person, found),
        wish=queries.request_of(found, person) if person and not member else None,
        may_verify=policy.may_verify(person, found, member),
        waiting=_waiting(queries.requests_to([found.id])) if policy.may_look_after(person, found) else [],
    )  # fmt: skip


@bp.get("/mine")
@residents
def mine() -> Response:
    """The groups one belongs to, and invitations to others."""
    person = current_person()
    memberships = queries.groups_of(person)
    return page(
        "civic/groups/mine.html",
        memberships=memberships, invitations=_invitations(person), sorts=SORTS, roles=ROLES,
        waiting=_waiting(queries.requests_to(queries.officer_group_ids(person))),
    )  # fmt: skip


def _found(group_id: int) -> tuple[Group, GroupMember | None]:
    found = queries.get_group(group_id)
    member = queries.member(found, current_person())
    reveal(policy.may_find, current_person(), found, member)
    return found, member


def _belonging(group_id: int) -> tuple[Group, GroupMember]:
    """A group of the person's own; for anyone else there is no such page."""
    found, member = _found(group_id)
    reveal(policy.may_see_members, current_person(), member)
    assert member is not None  # noqa: S101 - revealed to members alone
    return found, member


def _looked_after(group_id: int) -> Group:
    found = _belonging(group_id)[0]
    permit(policy.may_look_after, current_person(), found)
    return found


# --- founding and changing ---


@bp.route("/new", methods=["GET", "POST"])
@residents
def new() -> ResponseReturnValue:
    """Found a group."""
    with Form(schemas.GroupDetails()) as form:
        if form.submitted:
            made = groups.found(current_person(), **form.data)
            tell(_("The group is founded. Invite others, or wait until they ask to join."))
            return redirect(url_for(".group", group_id=made.id), 303)
    return form.page("civic/groups/new.html", sorts=list(SORTS.items()), districts=districts())


@bp.route("/<int:group_id>/edit", methods=["GET", "POST"])
@residents
def edit(group_id: int) -> ResponseReturnValue:
    """Change what the group says of itself."""
    found = _looked_after(group_id)
    schema = schemas.GroupChange()
    with Form(schema, **{name: getattr(found, name) for name in schema.fields}) as form:
        if form.submitted:
            groups.change(current_person(), found, **form.data)
            tell(_("The group is saved."))
            return redirect(url_for(".group", group_id=group_id), 303)
    changed = isinstance(form.refusal, ChangedMeanwhile)
    return form.page(
        "civic/groups/edit.html",
        group=queries.get_group(group_id), changed=changed, sorts=list(SORTS.items()), districts=districts(),
    )  # fmt: skip


@bp.post("/<int:group_id>/verification")
@residents
def ask_to_be_verified(group_id: int) -> ResponseReturnValue:
    """Have staff look at the group."""
    verifying.ask(current_person(), _looked_after(group_id))
    tell(_("A member of staff will look at your group and write to its contact."))
    return redirect(url_for(".group", group_id=group_id), 303)


@bp.route("/<int:group_id>/close", methods=["GET", "POST"])
@residents
def close(group_id: int) -> ResponseReturnValue:
    """End the group, after reading what that means."""
    found = _looked_after(group_id)
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            groups.close(current_person(), found)
            tell(_("The group is closed."))
            return redirect(url_for(".mine"), 303)
    return form.page("civic/groups/close.html", group=found)


# --- members ---


@bp.get("/<int:group_id>/members")
@residents
def members(group_id: int) -> Response:
    """Who belongs to the group, for those who do."""
    found, member = _belonging(group_id)
    pages, shown = listed(queries.members_of(found))
    return page(
        "civic/groups/members.html",
        group=found, own=member, pages=pages, roles=ROLES, shown=shown,
        removable={one.person_id for one in shown if policy.may_remove(current_person(), found, one)},
        changeable={one.person_id for one in shown if policy.may_change_role(current_person(), found, one)},
    )  # fmt: skip


@bp.post("/<int:group_id>/members/<int:person_id>/<role>")
@residents
def change_role(group_id: int, person_id: int, role: str) -> ResponseReturnValue:
    """Give a member more to do for the group, or less."""
    found = _belonging(group_id)[0]
    if role not in CHANGES:
        raise NotFound
    CHANGES[role](current_person(), found, person_id)
    tell(_("That is changed."))
    return redirect(url_for(".members", group_id=group_id), 303)


@bp.post("/<int:group_id>/members/<int:person_id>/remove")
@residents
def remove(group_id: int, person_id: int) -> ResponseReturnValue:
    """Have someone belong to the group no longer."""
    groups.remove(current_person(), _belonging(group_id)[0], person_id)
    tell(_("The member is removed and has been told."))
    return redirect(url_for(".members", group_id=group_id), 303)


@bp.route("/<int:group_id>/leave", methods=["GET", "POST"])
@residents
def leave(group_id: int) -> ResponseReturnValue:
    """Belong to the group no longer."""
    found, member = _belonging(group_id)
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            groups.leave(current_person(), found)
            tell(_("You have left the group."))
            return redirect(url_for(".mine"), 303)
    found, member = _belonging(group_id)
    return form.page("civic/groups/leave.html", group=found, member=member)


# --- invitations ---


@bp.route("/<int:group_id>/invitations", methods=["GET", "POST"])
@residents
@limited(*LETTERS)
def invitations(group_id: int) -> ResponseReturnValue:
    """Invite someone by e-mail; and who was invited."""
    found = _looked_after(group_id)
    with Form(schemas.Invitation()) as form:
        if form.submitted:
            joining.invite(current_person(), found, **form.data)
            tell(_("The invitation is on its way to {email}.", email=form.data["email"]))
            return redirect(url_for(".invitations", group_id=group_id), 303)
    return form.page(
        "civic/groups/invitations.html",
        group=queries.get_group(group_id), invitations=queries.invitations_by(found),
        days=policy.INVITATION_LASTS.days,
    )  # fmt: skip


@bp.post("/<int:group_id>/invitations/<int:invitation_id>/take-back")
@residents
def take_back(group_id: int, invitation_id: int) -> ResponseReturnValue:
    """Have an invitation let nobody in any more."""
    found = _looked_after(group_id)
    joining.take_back(current_person(), found, invitation_id)
    tell(_("The invitation is taken back."))
    return redirect(url_for(".invitations", group_id=group_id), 303)


@bp.route("/join/<link>", methods=["GET", "POST"])
@residents
def invited(link: str) -> ResponseReturnValue:
    """Say yes or no to an invitation, under the account one is signed in with."""
    person = current_person()
    with Form(schemas.Answer()) as form:
        if form.submitted and form.data["answer"] == "accept":
            joined = joining.accept(person, link)
            tell(_("You are a member now."))
            return redirect(url_for(".group", group_id=joined.id), 303)
        if form.submitted:
            joining.refuse(person, link)
            tell(_("The invitation is declined."))
            return redirect(url_for(".mine"), 303)
    invitation = queries.by_link(link)
    return form.page(
        "civic/groups/invited.html",
        invitation=invitation, group=invitation.group, person=person, sorts=SORTS,
    )  # fmt: skip


# --- asking to join ---


@bp.route("/<int:group_id>/join", methods=["GET", "POST"])
@residents
@limited(*WISHES)
def join(group_id: int) -> ResponseReturnValue:
    """Ask to join."""
    found, member = _found(group_id)
    if member is not None:
        return redirect(url_for(".group", group_id=group_id), 303)
    with Form(schemas.Wish()) as form:
        if form.submitted:
            joining.ask(current_person(), found, **form.data)
            tell(_("Your wish is sent. The group's officers answer it."))
            return redirect(url_for(".group", group_id=group_id), 303)
    return form.page("civic/groups/join.html", group=queries.get_group(group_id))


@bp.post("/<int:group_id>/withdraw")
@residents
def withdraw(group_id: int) -> ResponseReturnValue:
    """Wish to join no longer."""
    joining.withdraw(current_person(), _found(group_id)[0])
    tell(_("Your wish to join is taken back."))
    return redirect(url_for(".group", group_id=group_id), 303)


@bp.route("/requests/<int:request_id>", methods=["GET", "POST"])
@residents
def answer(request_id: int) -> ResponseReturnValue:
    """Say yes or no to someone who wishes to join."""
    found = queries.get_request(request_id, lock=request.method == "POST")
    reveal(policy.may_look_after, current_person(), found.group)
    with Form(schemas.Answer()) as form:
        if form.submitted:
            joining.answer(
                current_person(), found, accepted=form.data["answer"] == "accept", reason=form.data["reason"]
            )
            tell(_("Your answer is sent."))
            return redirect(url_for(".group", group_id=found.group_id), 303)
    return form.page("civic/groups/answer.html", request=queries.get_request(request_id))


# --- what other floors ask ---


def _invitations(person: Any) -> list[tuple[str, str]]:
    return [
        (_("{group} invites you", group=one.group.title), url_for("groups.invited", link=queries.link_of(one)))
        for one in queries.invitations_to(person)
    ]


def _waiting(wishes: Any, most: int = 50) -> list[Waiting]:
    return [_wish(one) for one in db.session.scalars(wishes.limit(most))]


def _wish(one: GroupRequest) -> Waiting:
    return Waiting(
        _("{name} wishes to join {group}", name=one.person.name, group=one.group.title),
        url_for("groups.answer", request_id=one.id),
        one.made_at + policy.ANSWER_WITHIN,
    )


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """Invitations to a person, and wishes to join that the person answers."""
    invited_to = [Waiting(title, href) for title, href in _invitations(person)]
    waiting = _waiting(queries.requests_to(queries.officer_group_ids(person))) + invited_to
    return Queue(_l("Groups"), url_for("groups.mine"), len(waiting), waiting) if waiting else None


@hooks.account_links.register
def account_links(person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The groups of a person, for my page."""
    own = [
        (f"{one.group.title} · {ROLES[one.role]}", url_for("groups.group", group_id=one.group_id))
        for one in queries.groups_of(person)
        if one.group.is_open
    ]
    return _l("My groups"), [*own, (_("All my groups and invitations"), url_for("groups.mine"))]


def _may_see(person: Any, found: Group) -> bool:
    return policy.may_find(person, found, queries.member(found, person))


things.register(
    things.Kind(
        name="group",
        label=_l("Group"),
        find=queries.groups,
        title=lambda found: found.title,
        link=lambda found: url_for("groups.group", group_id=found.id),
        may_see=_may_see,
        author_id=lambda found: found.contact.person_id if found.contact else found.founded_by_id,
        text=lambda found: "\n".join(filter(None, (found.name, found.name_en, found.about))),
        hide=groups.hide,
        remove=groups.forget_about,
    )
)
