"""Applying: answering page by page, sending, changing, pausing and ending."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act, expect_not_suspended
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.civic.places.queries import district_around
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import cells, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.geo import Point
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.answers import expect_sound
from marketplace.sharing.homeshare.models.applications import OWN_REASONS, Application, ApplicationState, Closed, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES
from marketplace.sharing.homeshare.models.locked import lock, unlock
from marketplace.sharing.homeshare.models.questions import Page
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.service import checks
from marketplace.sharing.homeshare.service.telling import record, subject, tell, touch

MOST_PICTURES = 8
ONE_EACH = ("uq_homeshare_applications_live", "homeshare_applications.person_id")


# --- beginning ---


def begin(person: Person, side: Side, behalf: Behalf | None = None) -> Application:
    """The person's application of a side: the one that has not ended, else a new one.

    behalf   who of the staff enters it, and how the person came
    """
    if behalf is None:
        expect_may_act(person)
    if known := queries.live_of(person.id, side):
        return known[0]
    entered = {"entered_by_id": behalf.entered_by.id, "channel": behalf.channel} if behalf and behalf.entered_by else {}
    made = Application(side=side, person_id=person.id, **entered)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except sa.exc.IntegrityError as clash:
        if not any(db.violates(clash, name) for name in ONE_EACH):
            raise
        return queries.live_of(person.id, side)[0]
    record(behalf.entered_by if behalf else person, made, "begun", side=side.value)
    return made


# --- answering ---


def answer(person: Person, application: Application, page: Page, given: Mapping[str, Any]) -> bool:
    """Keep the answers of a page. Whether something that had been checked changed, which is then checked again.

    Raises what `models.answers` says of answers that contradict each other, NoSuchCampus or NoLongerPossible.
    """
    application = _to_answer(person, application)
    expect_sound(page, given, clock.today())
    before = queries.answers_of(application)
    kept = dict(application.answers)
    for question in page.questions:
        value = given.get(question.name)
        if question.locked:
            lock(application, question.name, value or "")
        elif value is None:
            kept.pop(question.name, None)
        else:
            kept[question.name] = value
    application.answers = kept
    _into_columns(application, given)
    after = queries.answers_of(application)
    changed = any(before.get(question.name) != after.get(question.name) for question in page.questions)
    return _answered(person, application, page, changed=changed)


def place(person: Person, application: Application, page: Page, point: Point | None, address: str) -> bool:
    """Keep where the home is: its cell, its district and the address, locked. Whether it has to be visited again.

    Without a point the cell stays as it is. Raises NoPlaceOfHome if there is none, or OutsideTheCity.
    """
    application = _to_answer(person, application)
    before = (application.cell, unlock(application, "address"))
    if point is not None:
        application.cell, application.district_id = cells.cell_of(point), district_around(point)
    elif application.cell is None:
        raise errors.NoPlaceOfHome(field="near")
    lock(application, "address", address)
    changed = before != (application.cell, address)
    return _answered(person, application, page, changed=changed)


def _to_answer(person: Person, application: Application) -> Application:
    permit(policy.may_answer, person, application)
    expect_not_suspended(person)
    application = queries.held(application)
    if application.state is ApplicationState.CLOSED:
        raise errors.NoLongerPossible(state=application.state.words)
    return application


def _into_columns(application: Application, given: Mapping[str, Any]) -> None:
    """What the database itself looks at, or finds by, stands in columns as well."""
    promised = queries.people_promised(application) if {"people", "rooms"} & given.keys() else 0
    if promised and given.get("people", promised) != promised:
        raise errors.PromisedAlready(field="people")
    if given.get("rooms", promised) < promised:
        raise errors.PromisedAlready(field="rooms")
    if given.get("people") is not None:
        application.people = given["people"]
        if application.people == 1:
            application.friend = ""
    if given.get("rooms") is not None:
        application.rooms = given["rooms"]
    if given.get("campus") is not None:
        if queries.campus(given["campus"]) is None:
            raise errors.NoSuchCampus(field="campus")
        application.campus_id = given["campus"]
    if "needed_by" in given:
        application.needed_by = given["needed_by"] and date.fromisoformat(given["needed_by"])


def _answered(person: Person, application: Application, page: Page, *, changed: bool) -> bool:
    touch(application)
    again = changed and page.check is not None and checks.facts_changed(application, page.check)
    if changed and page.name == "people":
        again = checks.second_changed(application)
    if application.state is not ApplicationState.DRAFT and changed:
        record(person, application, "changed", page=page.name)
    checks.settle(application)
    return again


# --- pictures ---


def pictures(person: Person, application: Application, ids: Sequence[int], drop: Sequence[int] = ()) -> None:
    """Add pictures of the room and take others off."""
    application = _to_answer(person, application)
    uploads.detach(subject(application), drop)
    uploads.attach(person, ids, subject(application), most=MOST_PICTURES)
    touch(application)
    db.session.flush()


# --- sending, pausing, ending ---


def send(person: Person, application: Application) -> Application:
    """Send an application, which is then checked; sent again, nothing happens.

    Raises NotReadyToSend or FewReferences.
    """
    application = _to_answer(person, application)
    if application.state is not ApplicationState.DRAFT:
        return application
    if not all(section.done for section in queries.sections(application)):
        raise errors.NotReadyToSend
    if not queries.references_suffice(application, queries.references_of(application)):
        raise errors.FewReferences(least=REFERENCES)
    application.state, application.sent_at = ApplicationState.SENT, clock.now()
    touch(application)
    record(person, application, "sent")
    tell(application, "sent")
    checks.settle(application)
    return application


def pause(person: Person, application: Application) -> None:
    """Be proposed to nobody new for a while; who is proposed already stays so. Raises NoLongerPossible."""
    application = _to_answer(person, application)
    _expect(application, ApplicationState.SENT, ApplicationState.OPEN)
    application.state = ApplicationState.PAUSED
    touch(application)
    record(person, application, "paused")
    db.session.flush()


def resume(person: Person, application: Application) -> None:
    """Take part again, with one's old place in line, once all checks hold. Raises NoLongerPossible."""
    application = _to_answer(person, application)
    _expect(application, ApplicationState.PAUSED)
    application.state = ApplicationState.SENT
    touch(application)
    record(person, application, "resumed")
    checks.settle(application)


def close(person: Person, application: Application, because: Closed) -> None:
    """End an application. Only coordinators do not admit one. Raises StillMatched or NoLongerPossible."""
    application = _to_answer(person, application)
    if because is Closed.NOT_ADMITTED:
        checks.expect_looks_after(person, application)
    elif because not in OWN_REASONS:
        raise errors.NoLongerPossible(state=application.state.words)
    if queries.people_promised(application):
        raise errors.StillMatched
    end(application, because)
    record(person, application, "closed", because=because.value)
    if person.id != application.person_id:
        tell(application, "closed")


def end(application: Application, because: Closed) -> None:
    """Have an application stand as ended."""
    application.state, application.closed_at, application.closed_because = ApplicationState.CLOSED, clock.now(), because
    db.session.flush()


def take_over(coordinator: Person, application: Application) -> None:
    """Look after it from now on. Raises OwnCase."""
    checks.expect_looks_after(coordinator, application)
    application = queries.held(application)
    before = application.coordinator_id
    application.coordinator_id = coordinator.id
    record(coordinator, application, "taken_over", **({"from": before} if before else {}))
    db.session.flush()


def _expect(application: Application, *states: ApplicationState) -> None:
    if application.state not in states:
        raise errors.NoLongerPossible(state=application.state.words)
