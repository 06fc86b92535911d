"""For administrators: finding people, verifying residents, giving and taking roles."""

from flask import Blueprint, redirect, url_for

from marketplace.civic.accounts import policy, queries, schemas, service
from marketplace.civic.accounts.models import METHODS, ROLES, Person, Role
from marketplace.civic.departments.queries import all_departments
from marketplace.kernel import audit, clock, hooks, looking
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, staff, stepped_up
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell
from marketplace.web.security import afterwards

bp = Blueprint("accounts_staff", __name__, url_prefix="/staff/people")

looking.page("accounts.person", _l("Your account"))


@bp.get("/")
@staff("administrator")
def people():
    """People by name or address."""
    with Form(schemas.PeopleSearch(), method="GET") as form:
        found = queries.search_people(form.data.get("words", ""))
    pages, shown = listed(found)
    reader, on_page = current_person().id, {"found": pages.total, "page": pages.number}
    afterwards(lambda: audit.record(reader, "accounts.people_listed", "people", **on_page))
    return form.page("civic/accounts/people.html", people=shown, pages=pages)


def _look(at: Person) -> None:
    """A person is looked at when their account is opened; a name in a list of those found is not yet a look."""
    looked("accounts.person", {at.id: {"role": Role.ADMINISTRATOR}})


@bp.get("/<int:person_id>")
@staff("administrator")
def person(person_id: int):
    """One person's account."""
    found = queries.person(person_id)
    _look(found)
    return page(
        "civic/accounts/person.html",
        person=found,
        roles=queries.held_by(found),
        methods=METHODS,
        verified_by=queries.person(found.verified_by_id).name if found.verified_by_id else "",
        may_grant=policy.may_grant(current_person(), found),
        acts=hooks.acts_on_person.ask(current_person(), found),
    )


@bp.route("/<int:person_id>/roles", methods=["GET", "POST"])
@staff("administrator")
@stepped_up
def grant(person_id: int):
    """Give the person a role."""
    found = queries.person(person_id)
    permit(policy.may_grant, current_person(), found)
    _look(found)
    with Form(schemas.GrantRequest()) as form:
        if form.submitted:
            service.grant(current_person(), found, **form.data)
            tell(_("The role is given."))
            return redirect(url_for(".person", person_id=found.id), 303)
    return form.page(
        "civic/accounts/grant.html",
        person=found,
        roles=list(ROLES.items()),
        buildings=queries.building_choices(),
        departments=[(one.id, one.name) for one in all_departments()],
    )


@bp.post("/<int:person_id>/roles/<int:grant_id>/revoke")
@staff("administrator")
@stepped_up
def revoke(person_id: int, grant_id: int):
    """Take a role away."""
    given = next((one for one in queries.person(person_id).grants if one.id == grant_id), None)
    if given is None:
        raise NotFound
    service.revoke(current_person(), given)
    tell(_("The role is taken away."))
    return redirect(url_for(".person", person_id=person_id), 303)


@bp.route("/<int:person_id>/verify", methods=["GET", "POST"])
@staff("administrator")
def verify(person_id: int):
    """Put down that the person lives in the city."""
    found = queries.person(person_id)
    permit(policy.may_verify, current_person(), found)
    _look(found)
    with Form(schemas.Verification(), day=clock.today().isoformat()) as form:
        if form.submitted:
            service.verify(current_person(), found, **form.data)
            tell(_("The resident is verified."))
            return redirect(url_for(".person", person_id=found.id), 303)
    return form.page("civic/accounts/verify.html", person=found, methods=list(METHODS.items()), today=clock.today())
