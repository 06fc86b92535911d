"""The page on which either side says what living together did for them."""

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import money
from marketplace.kernel.words import _
from marketplace.sharing.homeshare.models.outcomes import Outcome
from marketplace.sharing.homeshare.queries import outcomes as queries
from marketplace.sharing.homeshare.schemas.outcomes import Answers
from marketplace.sharing.homeshare.service import outcomes
from marketplace.sharing.homeshare.views._match import own
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("homeshare_outcomes", __name__)


@bp.route("/homeshare/matches/<reference>/outcome", methods=["GET", "POST"])
@residents
def say(reference: str) -> ResponseReturnValue:
    """Say what it did for oneself, or take it back."""
    match, side = own(reference)
    asked = queries.of_side(match, side)
    with Form(Answers(), **_said(asked)) as form:
        if form.submitted:
            outcomes.answer(current_person(), match, **form.data)
            tell(_("Thank you. Only sums over many answers are shown."))
            return redirect(url_for("homeshare_matches.match", reference=reference), 303)
    return form.page("sharing/homeshare/matches/outcome.html", match=match, asked=asked)


def _said(asked: Outcome | None) -> dict[str, str]:
    """What was said before, as the form has it."""
    if asked is None:
        return {}
    answers = {name: getattr(asked, name) for name in queries.QUESTIONS}
    words = {name: str(value).lower() for name, value in answers.items() if value is not None}
    return words if asked.saved is None else words | {"saved": money.plain(asked.saved)}
