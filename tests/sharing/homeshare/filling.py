"""What hosts and students type, page by page."""

from typing import Any

from marketplace.kernel import db
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.references import Relation
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.service import references
from tests import factories
from tests.factories import NEAR_THE_RIVER

BETWEEN = {
    "guests": {"guests": "monthly", "least_guests": "never", "most_guests": "weekly"},
    "quiet": {"quiet": "after_eleven", "least_quiet": "any_time", "most_quiet": "after_nine"},
    "kitchen": {"kitchen": "any_time", "food": "sometimes"},
}
STUDENT: dict[str, dict[str, Any]] = {
    "adult": {"adult": "yes"},
    "people": {"people": "1"},
    "languages": {"languages": ["ko", "en"]},
    "phone": {"phone": "010-2345-6789"},
    "about": {"about": "I sing in a choir."},
    "campus": {"campus": "0"},
    "longest_way": {"longest_way": "8000"},
    "dates": {"wanted_from": "2027-03-10", "wanted_until": "2028-02-28", "least_stay": "180"},
    "budget": {"budget": "280,000"},
    "help": {"hours": "8", "tasks": ["company", "shopping"], "liked_tasks": ["company"]},
    "evenings": {"evenings": "4"},
    "smokes": {"smokes": "no"},
    "pets": {},
    "avoids": {},
    "step_free": {"step_free": "no"},
    **BETWEEN,
}
HOST: dict[str, dict[str, Any]] = {
    "eligible": {"eligible": "yes"},
    "languages": {"languages": ["ko"]},
    "phone": {"phone": "02-123-4567"},
    "place": {
        "latitude": NEAR_THE_RIVER.latitude,
        "longitude": NEAR_THE_RIVER.longitude,
        "address": "12 River Road, door 4",
    },
    "room": {"rooms": "1", "square_metres": "12", "furniture": ["bed", "desk"], "lock": "yes"},
    "way_in": {"steps": "3", "lift": "no"},
    "allergens": {"allergens": ["plants"]},
    "dates": {"free_from": "2027-03-05", "least_stay": "180", "notice": "30"},
    "rent": {"rent": "250000", "bills": "shared"},
    "help": {"hours": "5", "tasks": ["company"], "welcome_tasks": ["garden"]},
    "evenings": {"evenings": "3"},
    "smoking": {"smoking": "no"},
    "pets": {},
    **BETWEEN,
}


def typed(side: Side) -> dict[str, dict[str, Any]]:
    """What is typed on each page of a side; a student studies at a place made for it."""
    if side is Side.HOST:
        return HOST
    return STUDENT | {"campus": {"campus": str(factories.campus().id)}}


def answer(browser: Any, application: Application, page: str, **given: Any) -> Any:
    """Send one page."""
    return browser.send(f"/homeshare/applications/{application.reference}/questions/{page}", **given)


def answer_all(browser: Any, application: Application) -> None:
    """Answer every page and name two people."""
    for page, given in typed(application.side).items():
        sent = answer(browser, application, page, **given)
        assert sent.status_code == 303, (page, sent.text)
    name_two(read(application))


def name_two(application: Application, *, of_second: bool = False) -> None:
    """A daughter and a neighbour speak for them."""
    by = read(application).person
    for relation, name in ((Relation.FAMILY, "Ms Daughter"), (Relation.NEIGHBOUR, "Mr Neighbour")):
        references.name(
            by, read(application), name=name, relation=relation, email="speaks@example.org", language="en",
            of_second=of_second,
        )  # fmt: skip
    db.session.commit()


def read(application: Application) -> Application:
    """The application as it stands now."""
    return queries.get_application(application.reference)
