"""What the pages about a match share: who may read it, and what each side reads of the other."""

from collections.abc import Mapping
from typing import Any

from marketplace.kernel import looking
from marketplace.kernel.access import reveal
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.layouts.agreements import side_by_side
from marketplace.sharing.homeshare.models import questions, reasons
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.matches import Match
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service.matches import other, own_side
from marketplace.sharing.homeshare.views._application import OFFICE
from marketplace.web.access import current_person
from marketplace.web.looking import looked

MATCH = "homeshare.match"
looking.page(MATCH, _l("Your match of home share"))

TOLD = {
    Side.HOST: (
        "rooms", "square_metres", "furniture", "lock", "steps", "lift", "allergens", "free_from", "free_until",
        "least_stay", "rent", "bills", "notice", "tasks", "welcome_tasks", "about",
    ),
    Side.STUDENT: ("people", "wanted_from", "wanted_until", "least_stay", "tasks", "liked_tasks", "about"),
}  # fmt: skip
"""What the other side reads of someone before both said yes: nothing that names them, no limits, nothing of health."""


def own(reference: str) -> tuple[Match, Side]:
    """A match of the present person, and on which side they are. Raises NotFound."""
    found = queries.get_match(reference)
    return found, own_side(current_person(), found)


def tended(reference: str) -> Match:
    """A match for a coordinator who takes no part in it; their reading is put on record. Raises NotFound."""
    found = queries.get_match(reference)
    reveal(policy.may_tend, current_person(), found)
    looked(MATCH, {found.student.person_id: OFFICE, found.home.person_id: OFFICE})
    return found


def facts_of(application: Application) -> list[tuple[object, str]]:
    """What is told of someone who is not known yet, by the question it answers."""
    asked = {one.name: one for page in questions.pages(application.side) for one in page.questions}
    told: list[tuple[object, str]] = []
    if application.is_host:
        told.append((_l("District"), application.district.name if application.district else ""))
    elif application.campus is not None:
        told.append((_l("Place of study"), application.campus.title))
    answers: Mapping[str, Any] = application.answers
    said = [name for name in TOLD[application.side] if answers.get(name) not in (None, "") and name in asked]
    told.extend((asked[name].label, asked[name].read(answers[name])) for name in said)
    return told


def card_of(match: Match, side: Side) -> dict[str, Any]:
    """All that a side reads of the other and of why they were proposed; the other side's score is not in it."""
    score = match.card.get(side.value, {})
    return {
        "facts": facts_of(match.of(other(side))),
        "points": score.get("points"),
        "parts": reasons.parts(match.card, side.value),
        "rules": reasons.rules(match.card),
        "together_words": side_by_side(match.student.answers, match.home.answers),
    }


def contact_of(match: Match, side: Side) -> dict[str, str]:
    """How to reach the other side, once both said yes; the address once a coordinator has confirmed it."""
    theirs = match.of(other(side))
    known = dict.fromkeys(("name", "phone", "email", "address"), "")
    if policy.shows_names(match):
        known |= {"name": theirs.person.name, "phone": unlock(theirs, "phone"), "email": theirs.person.email}
    if side is Side.STUDENT and policy.shows_address(match):
        known["address"] = unlock(theirs, "address")
    return known


def place_of(match: Match) -> str:
    """Where they meet."""
    return unlock(match.meeting, "place") if match.meeting else ""
