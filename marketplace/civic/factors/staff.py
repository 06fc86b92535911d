"""For administrators: helping someone who lost every second factor."""

from flask import Blueprint, redirect, url_for

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.models import Person
from marketplace.civic.factors import policy, queries, schemas
from marketplace.civic.factors.models import CHECKS
from marketplace.civic.factors.service import care
from marketplace.kernel import hooks
from marketplace.kernel.access import permit
from marketplace.kernel.words import Text, _, _l
from marketplace.web.access import current_person, staff, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("factors_staff", __name__, url_prefix="/staff/people")


@hooks.acts_on_person.register
def link(administrator: Person, person: Person) -> tuple[Text, str] | None:
    """Where someone's second factors are taken away, if there are any."""
    if not policy.may_reset(administrator, person) or not queries.has_factor(person):
        return None
    return _l("Take away the second factors"), url_for("factors_staff.reset", person_id=person.id)


@bp.route("/<int:person_id>/second-factor", methods=["GET", "POST"])
@staff("administrator")
@stepped_up
def reset(person_id: int):
    """Take away the second factors of someone who lost them."""
    person = people.person(person_id)
    permit(policy.may_reset, current_person(), person)
    with Form(schemas.Reset()) as form:
        if form.submitted:
            care.reset(current_person(), person, **form.data)
            tell(_("The second factors of {name} are taken away. A letter tells them.", name=person.name))
            return redirect(url_for("accounts_staff.person", person_id=person.id), 303)
    return form.page("civic/factors/reset.html", person=person, checks=list(CHECKS.items()))
