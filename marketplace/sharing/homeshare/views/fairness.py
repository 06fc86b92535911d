"""Whether all are treated alike: the coordinators' panel, and the page on which people say of themselves."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.kernel import tables
from marketplace.kernel.access import reveal
from marketplace.kernel.disclosure import Hidden
from marketplace.kernel.words import _
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.audits import Age, Income
from marketplace.sharing.homeshare.queries import applications, fairness
from marketplace.sharing.homeshare.schemas.audits import Facts
from marketplace.sharing.homeshare.service import audits
from marketplace.web import downloads
from marketplace.web.access import current_person, residents, staff
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell
from matching.fairness import FOUR_FIFTHS

bp = Blueprint("homeshare_fairness", __name__)


@bp.get("/homeshare/staff/fairness")
@staff(Role.COORDINATOR)
def panel() -> Response:
    """Matched shares and mean bands by group, with ratios and alarms."""
    return page(
        "sharing/homeshare/fairness.html",
        panel=fairness.panel(), least=fairness.LEAST_GROUP, four_fifths=FOUR_FIFTHS,
    )  # fmt: skip


@bp.get("/homeshare/staff/fairness.csv")
@staff(Role.COORDINATOR)
def panel_csv() -> Response:
    """The same as a file."""
    head = ("side", "fact", "group", "people", "matched", "percent", "mean_band", "ratio", "low", "high", "alarm")
    body = tables.csv_text(head, list(_rows()))
    return downloads.attachment(body, "homeshare-fairness.csv", "text/csv; charset=utf-8")


def _rows() -> Iterator[tuple[object, ...]]:
    for number, one in enumerate(fairness.panel()):
        for group in one.groups:
            ratio = group.ratio
            shown = "" if isinstance(group.of, Hidden) else group.of
            compared = (ratio.ratio, ratio.low, ratio.high, ratio.alarms) if ratio else ("", "", "", "")
            side = one.side.value if number else ""
            yield side, one.fact, group.name, shown, group.matched, group.percent, group.band, *compared


@bp.route("/homeshare/audit/<reference>", methods=["GET", "POST"])
@residents
def say(reference: str) -> ResponseReturnValue:
    """Say of oneself what shows whether all are treated alike, or take it back."""
    person, application = current_person(), applications.get_application(reference)
    reveal(policy.owns, person, application)
    with Form(Facts(), **_said(application)) as form:
        if form.submitted:
            audits.say(person, application, **form.data)
            tell(_("Thank you. This is kept apart from your application."))
            return redirect(url_for(".say", reference=reference), 303)
    return form.page("sharing/homeshare/audit.html", application=application, incomes=list(Income), ages=list(Age))


def _said(application: Any) -> dict[str, str]:
    """What was said before, as the form has it."""
    facts = fairness.said(application)
    if facts is None:
        return {}
    words = {"income": facts.income and facts.income.value, "age": facts.age and facts.age.value}
    answers = {name: getattr(facts, name) for name in ("first_to_study", "from_abroad", "step_free")}
    words |= {name: str(value).lower() for name, value in answers.items() if value is not None}
    return {name: value for name, value in words.items() if value}
