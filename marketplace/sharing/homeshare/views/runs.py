"""Runs of the pairing: for coordinators, for anyone who wants to recompute one, and for who has no room yet."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, hooks, jobs, looking
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.layouts import pairing
from marketplace.sharing.homeshare.models import reasons
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.overrides import OverrideKind
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run, RunState
from marketplace.sharing.homeshare.queries import applications
from marketplace.sharing.homeshare.queries import runs as queries
from marketplace.sharing.homeshare.schemas import runs as schemas
from marketplace.sharing.homeshare.service import runs
from marketplace.sharing.homeshare.views._application import OFFICE
from marketplace.web.access import current_person, public, residents, staff
from marketplace.web.downloads import attachment
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell
from matching.candidates.codes import Code, Unit
from matching.pairing import Change

bp = Blueprint("homeshare_runs", __name__)

SHOWN = 6
RUN = "homeshare.run"
looking.page(RUN, _l("A run of home share that pairs you"))


# --- coordinators ---


@bp.get("/homeshare/staff/runs")
@staff(Role.COORDINATOR)
def all_runs() -> Response:
    """Every run, what waits to be released first."""
    pages, shown = listed(queries.all_runs())
    return Form(schemas.TwoPeople()).page("sharing/homeshare/runs/list.html", pages=pages, shown=shown)


@bp.post("/homeshare/staff/runs")
@staff(Role.COORDINATOR)
def make() -> ResponseReturnValue:
    """Have a preview made: it may take a minute."""
    jobs.enqueue("homeshare.run", at_once=True)
    tell(_("A preview is being made. Look again in a minute."))
    return redirect(url_for(".all_runs"), 303)


@bp.get("/homeshare/staff/runs/<int:run_id>")
@staff(Role.COORDINATOR)
def run(run_id: int) -> Response:
    """What a run would do, why, and what was decided by hand for it."""
    return _page(queries.get_run(run_id))


@bp.post("/homeshare/staff/runs/<int:run_id>/release")
@staff(Role.COORDINATOR)
def release(run_id: int) -> ResponseReturnValue:
    """Propose its pairs to the people."""
    proposed = runs.release(current_person(), queries.get_run(run_id))
    tell(_("Released. Pairs proposed and asked for their answers: {n}.", n=len(proposed)))
    return redirect(url_for(".run", run_id=run_id), 303)


@bp.post("/homeshare/staff/runs/<int:run_id>/drop")
@staff(Role.COORDINATOR)
def drop(run_id: int) -> ResponseReturnValue:
    """Decide that nothing is proposed by it."""
    runs.drop(current_person(), queries.get_run(run_id))
    tell(_("This run is not released."))
    return redirect(url_for(".all_runs"), 303)


@bp.route("/homeshare/staff/runs/<int:run_id>/why", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def why(run_id: int) -> ResponseReturnValue:
    """Why a student and a home are a pair in it, or why not."""
    found = queries.get_run(run_id)
    answer = None
    with Form(schemas.TwoPeople()) as form:
        if form.submitted:
            answer = _why(found, form.data["student"], form.data["home"])
    return form.page("sharing/homeshare/runs/why.html", run=found, answer=answer)


@bp.route("/homeshare/staff/decisions", methods=["GET", "POST"])
@staff(Role.COORDINATOR)
def by_hand() -> ResponseReturnValue:
    """What coordinators decided by hand about two, and deciding more."""
    with Form(schemas.ByHand()) as form:
        if form.submitted:
            student, home = _both(form.data["student"], form.data["home"])
            said = {name: form.data[name] for name in ("reason", "until")}
            made = runs.decide(current_person(), form.data["kind"], student, home, **said)
            tell(
                _("Another coordinator has to agree, since they fail rules of the programme.")
                if made.waits_for_second
                else _("It counts from the next run on.")
            )
            return redirect(url_for(".by_hand"), 303)
    pages, shown = listed(queries.overrides())
    return form.page(
        "sharing/homeshare/runs/by_hand.html", shown=shown, pages=pages, kinds=OverrideKind, rules=reasons.RULES
    )


@bp.post("/homeshare/staff/decisions/<int:override_id>/agree")
@staff(Role.COORDINATOR)
def agree(override_id: int) -> ResponseReturnValue:
    """Agree to a pair that fails rules of the programme."""
    runs.second(current_person(), queries.get_override(override_id))
    tell(_("Agreed. It counts from the next run on."))
    return redirect(url_for(".by_hand"), 303)


@bp.post("/homeshare/staff/decisions/<int:override_id>/end")
@staff(Role.COORDINATOR)
def take_back(override_id: int) -> ResponseReturnValue:
    """End what was decided by hand."""
    runs.take_back(current_person(), queries.get_override(override_id))
    tell(_("Taken back. It counts from the next run on."))
    return redirect(url_for(".by_hand"), 303)


def _page(found: Run) -> Response:
    of = queries.standings(found)
    people = queries.people_of(found)
    read = [people[number].person_id for pair in found.proposed for number in pair if number in people]
    looked(RUN, dict.fromkeys(read, OFFICE))
    explained = queries.whys(of, found.proposed) if of else []
    why = {(one.seeker, one.home): pairing.reason(str(one.code), one.values) for one in explained}
    bands = {(s, h): (mine + 1, theirs + 1, a, b) for s, h, mine, theirs, a, b in found.market["pairs"]}
    return Form(schemas.TwoPeople()).page(
        "sharing/homeshare/runs/run.html",
        run=found, people=people, reasons=why, bands=bands,
        overrides=queries.overrides_of(found), may_release=_may_release(found), left_out=_left_out(found),
        wanting=sum(row[1] for row in found.market["seekers"]),
        unsure=[name for name, _value, _bound, proven in found.outcome["levels"] if not proven],
    )  # fmt: skip


def _may_release(found: Run) -> bool:
    return found.state is RunState.PREVIEW and clock.now() - found.made_at <= runs.GOOD_FOR


def _left_out(found: Run) -> list[tuple[str, str, Any]]:
    words = {"gone": _l("one of the two no longer takes part, or has a room"), "banned": _l("decided by hand")}
    rules = {str(code): text for code, text in reasons.RULES.items()}
    split = [line.split() for line in found.left_out]
    return [(seeker, home, words.get(code) or rules[code]) for seeker, home, code in split]


def _both(student: str, home: str) -> tuple[Application, Application]:
    found = queries.by_reference(student, Side.STUDENT), queries.by_reference(home, Side.HOST)
    for name, one in zip(("student", "home"), found, strict=True):
        if one is None:
            raise errors.NoSuchApplication(field=name)
    return found  # type: ignore[return-value]


def _why(found: Run, student: str, home: str) -> dict[str, Any]:
    of = queries.standings(found)
    if of is None:
        raise errors.ForgottenByNow
    both = _both(student, home)
    names = [of.name(one) for one in both]
    for field, name in zip(("student", "home"), names, strict=True):
        if name is None:
            raise errors.TookNoPart(field=field)
    explained = queries.why(of, str(names[0]), str(names[1]))
    rules = [
        (reasons.RULES[Code(code)], reasons.value(code, unit, round(excess)) if excess else None)
        for code, excess, unit in explained.values.get("rules", [])  # type: ignore[attr-defined]
    ]
    return {"said": pairing.reason(str(explained.code), explained.values), "rules": rules, "code": str(explained.code)}


# --- anyone ---


@bp.get("/homeshare/runs")
@public
def published() -> Response:
    """What was released, with what is needed to recompute it, and what the next run is bound to."""
    pages, shown = listed(queries.released_runs())
    return page("sharing/homeshare/runs/published.html", pages=pages, shown=shown, last=queries.last_run())


@bp.get("/homeshare/runs/<int:run_id>.json")
@public
def record(run_id: int) -> Response:
    """The record of a released run."""
    found = queries.get_run(run_id)
    return attachment(queries.published(found).encode(), f"run-{found.id}.json", "application/json")


# --- who has no room yet, or nobody for theirs ---


@bp.get("/homeshare/mine/<reference>/why")
@residents
def alone(reference: str) -> Response:
    """Why nobody is proposed to someone, what would change it, and what the city does."""
    found = applications.get_application(reference)
    reveal(policy.may_see, current_person(), found)
    if found.state is not ApplicationState.OPEN or queries.is_kept(found):
        raise NotFound
    told = queries.alone(found)
    pack = programme().pack
    would = _would(found, told) if told else []
    return page(
        "sharing/homeshare/runs/alone.html", application=found, told=told, would=would, longest_way=pack.longest_way
    )


def _by(change: Change) -> str | None:
    return reasons.value(change.rule, change.unit, round(change.by)) if change.by else None


def _would(application: Application, told: queries.Alone) -> list[tuple[Any, Any, int]]:
    """What would help: which rule, by how much, and how many it would bring."""
    if not application.is_host:
        return [
            (
                reasons.RULES[Code(one.rule)],
                reasons.value(one.rule, one.unit, round(one.by)) if one.by else None,
                one.homes,
            )
            for one in told.would[:SHOWN]
        ]
    found: dict[tuple[Code, Unit], list[int]] = {}
    for miss in told.near:
        found.setdefault((miss.code, miss.unit), []).append(miss.short_by or 0)
    most = sorted(found.items(), key=lambda one: -len(one[1]))[:SHOWN]
    return [(reasons.RULES[code], reasons.value(code, unit, max(short)), len(short)) for (code, unit), short in most]


# --- what other floors ask ---


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """A preview that waits to be released, for the desk of coordinators."""
    found = queries.last_preview() if policy.may_coordinate(person) else None
    if found is None or not _may_release(found):
        return None
    title = _("Preview of {day}: {n} pairs", day=found.day, n=len(found.proposed))
    waiting = [Waiting(title, url_for("homeshare_runs.run", run_id=found.id), found.made_at + runs.GOOD_FOR, 1)]
    return Queue(_l("Home share: to release"), url_for("homeshare_runs.all_runs"), 1, waiting)
