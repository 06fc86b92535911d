"""Parts that several pages of home share need."""

from typing import Any

from marketplace.kernel import looking
from marketplace.kernel.access import reveal
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.web.access import current_person
from marketplace.web.looking import looked

CASE, NOTES = "homeshare.case", "homeshare.notes"
OFFICE = {"role": "coordinator"}

looking.page(CASE, _l("Your application for home share"))
looking.page(NOTES, _l("Notes on your application for home share"))


def seen(reference: str) -> Application:
    """The application, for whoever applied and for coordinators, whose reading is put on record. Raises NotFound."""
    found = queries.get_application(reference)
    reveal(policy.may_see, current_person(), found)
    put_down(found, CASE)
    return found


def put_down(application: Application, page: str) -> None:
    """Put on record that a coordinator reads about someone."""
    if not policy.owns(current_person(), application):
        looked(page, {application.person_id: OFFICE})


def acting(application: Application) -> dict[str, Any]:
    """What each page of an application is given besides: whether someone else than the applicant reads it."""
    return {"application": application, "behalf": not policy.owns(current_person(), application)}
