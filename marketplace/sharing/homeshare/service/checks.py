"""Making sure: recording checks, taking them back, and who takes part because all of them hold."""

from datetime import date, timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.access import permit
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState
from marketplace.sharing.homeshare.models.checks import (
    MUST_BE_THERE,
    Check,
    CheckKind,
    Finding,
    deciding,
    needed,
)
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.references import Reference, Relation
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import checks as check_queries
from marketplace.sharing.homeshare.service.telling import record as put_on_record
from marketplace.sharing.homeshare.service.telling import tell, touch

WARNED_BEFORE = (timedelta(days=30), timedelta(days=7))
"""How long before a check runs out its person is told, once each."""

AT_ONCE = 500


def record(
    coordinator: Person,
    application: Application,
    kind: CheckKind,
    *,
    passed: bool,
    checked_on: date,
    until: date | None = None,
    method: str = "",
    note: str = "",
    of_second: bool = False,
    facts: dict[str, bool | int] | None = None,
) -> Check:
    """Put down that something was made sure of, or was not found good. No document is kept.

    until   the last day on which it holds; by default as long as its kind does
    Raises OwnCase, NotNeeded, NotYetChecked, TooLateToHold or NoLongerPossible.
    """
    expect_looks_after(coordinator, application)
    application = queries.held(application)
    _expect_wanted(application, kind, of_second)
    if checked_on > clock.today():
        raise errors.NotYetChecked(field="checked_on")
    last = (until or checked_on + timedelta(days=kind.good_for)) if passed else None
    if last is not None and last < clock.today():
        raise errors.TooLateToHold(field="until")
    made = Check(
        application_id=application.id, kind=kind, passed=passed, checked_on=checked_on, good_until=last,
        method=method.strip(), facts=facts or {}, by_id=coordinator.id, of_second=of_second,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    lock(made, "note", note.strip())
    touch(application)
    put_on_record(coordinator, application, "checked", kind=kind.value, passed=str(passed).lower())
    settle(application)
    return made


def visit(
    coordinator: Person,
    application: Application,
    found: dict[Finding, bool],
    square_metres: int,
    *,
    checked_on: date,
    note: str = "",
) -> Check:
    """Put down what was found in a home. Without lock, smoke alarm and way out it is not passed, whatever else."""
    facts: dict[str, bool | int] = {one.value: bool(found.get(one)) for one in Finding}
    passed = all(facts[one.value] for one in MUST_BE_THERE)
    return record(
        coordinator, application, CheckKind.VISIT, passed=passed, checked_on=checked_on, note=note,
        facts=facts | {"square_metres": square_metres},
    )  # fmt: skip


def hear(
    coordinator: Person, reference: Reference, *, passed: bool, method: str, note: str = "", checked_on: date
) -> Check:
    """Put down what came of asking someone who speaks for an applicant. Raises ReferenceAnswered if it was before."""
    application = reference.application
    application = queries.held(application)
    if reference.check_id is not None:
        raise errors.ReferenceAnswered
    made = record(
        coordinator, application, CheckKind.REFERENCE, passed=passed, checked_on=checked_on, method=method, note=note,
        of_second=reference.of_second, facts={"family": reference.relation is Relation.FAMILY},
    )  # fmt: skip
    reference.check_id = made.id
    db.session.flush()
    return made


def take_back(coordinator: Person, check: Check) -> None:
    """Have a check count no more, because it was a mistake or something came to light."""
    expect_looks_after(coordinator, check.application)
    application = queries.held(check.application)
    if check.withdrawn_at is None:
        check.withdrawn_at = clock.now()
        touch(application)
        put_on_record(coordinator, application, "check_taken_back", kind=check.kind.value)
        settle(application)


def facts_changed(application: Application, kind: CheckKind) -> bool:
    """What checks of a kind stood on was changed: they count no more. Whether there was one."""
    return _count_no_more(application, Check.kind == kind)


def second_changed(application: Application) -> bool:
    """Another friend comes along, or none: what was checked of the first counts no more, and nobody speaks for them."""
    db.session.execute(sa.delete(Reference).where(Reference.application_id == application.id, Reference.of_second))
    return _count_no_more(application, Check.of_second.is_(True))


def _count_no_more(application: Application, which: sa.ColumnElement[bool]) -> bool:
    mine = sa.update(Check).where(Check.application_id == application.id, which, Check.withdrawn_at.is_(None))
    return bool(db.changed(mine.values(withdrawn_at=clock.now()), synchronize_session="fetch"))


def settle(application: Application) -> None:
    """Take part once all that is needed holds, and no more once it does not; the person is told."""
    db.session.flush()
    holds = check_queries.holds(application, check_queries.checks_of(application))
    if holds and application.state is ApplicationState.SENT:
        application.state = ApplicationState.OPEN
        application.waiting_since = application.waiting_since or clock.now()
        tell(application, "takes_part")
    elif not holds and application.state is ApplicationState.OPEN:
        application.state = ApplicationState.SENT
        tell(application, "ran_out")
    db.session.flush()


def expect_looks_after(coordinator: Person, application: Application) -> None:
    """Go on only for a coordinator, and not in their own case. Raises OwnCase."""
    permit(policy.may_coordinate, coordinator)
    if policy.owns(coordinator, application):
        raise errors.OwnCase


def _expect_wanted(application: Application, kind: CheckKind, of_second: bool) -> None:
    if kind not in needed(application.side) or (of_second and application.people < 2):
        raise errors.NotNeeded
    if application.state in (ApplicationState.DRAFT, ApplicationState.CLOSED):
        raise errors.NoLongerPossible(state=application.state.words)


# --- by night ---


def run_out() -> None:
    """Take out who has a check that ran out, and warn who has one that soon will."""
    today = clock.today()
    for application, checks in _with_checks_until(today + WARNED_BEFORE[0]):
        if check_queries.holds(application, checks):
            _warn(application, checks, today)
        else:
            settle(application)


def _with_checks_until(day: date) -> list[tuple[Application, list[Check]]]:
    """Who takes part or is paused and has a check that counts no longer after a day."""
    soon = sa.select(Check.application_id).where(Check.good_until <= day, Check.withdrawn_at.is_(None))
    states = (ApplicationState.OPEN, ApplicationState.PAUSED)
    found = sa.select(Application).where(Application.state.in_(states), Application.id.in_(soon))
    applications = list(db.session.scalars(found.order_by(Application.id)))
    checks = check_queries.checks_of_all(applications)
    return [(one, checks[one.id]) for one in applications]


def _warn(application: Application, checks: list[Check], today: date) -> None:
    for check in deciding(application, checks) or ():
        left = (check.good_until or date.max) - today
        told = clock.local(check.warned_at).date() if check.warned_at else None
        due = [before for before in WARNED_BEFORE if left <= before]
        if due and (told is None or told < (check.good_until or date.max) - due[-1]):
            check.warned_at = clock.now()
            tell(application, "runs_out", kind=check.kind.value, day=(check.good_until or date.max).isoformat())
