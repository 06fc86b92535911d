"""Forgetting: what applications say, once nobody has done anything about them for a year, or whoever applied leaves."""

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import clock, db
from marketplace.kernel.things import subject
from marketplace.sharing.homeshare.models.applications import LIVE, Application, Closed
from marketplace.sharing.homeshare.models.appointments import Appointment
from marketplace.sharing.homeshare.models.checks import Check
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match
from marketplace.sharing.homeshare.models.references import Reference
from marketplace.sharing.homeshare.models.supporters import Supporter
from marketplace.sharing.homeshare.service import runs
from marketplace.sharing.homeshare.service.applications import end
from marketplace.sharing.homeshare.service.telling import tell

KEPT = timedelta(days=365)
CLOSED_AFTER = timedelta(days=335)
"""A month before it is forgotten an application ends, and its person is told."""

AT_ONCE = 200


def _of_them() -> sa.ColumnElement[bool]:
    return sa.or_(Match.student_id == Application.id, Match.home_id == Application.id)


def thin() -> None:
    """End what nobody did anything about, and forget it a month later, some at a time."""
    quiet = Application.touched_at <= clock.now() - CLOSED_AFTER
    going_on = sa.exists().where(_of_them(), Match.state.in_(GOING_ON))
    ending = sa.select(Application).where(Application.state.in_(LIVE), quiet, ~going_on).order_by(Application.id)
    for application in db.session.scalars(ending.limit(AT_ONCE)):
        end(application, Closed.QUIET)
        tell(application, "closed")
    old = Application.touched_at <= clock.now() - KEPT
    over = sa.select(Application).where(Application.closed_at.is_not(None), old, ~going_on)
    there = sa.or_(~sa.exists().where(_of_them()), sa.cast(Application.answers, sa.String) != "{}")
    forget(db.session.scalars(over.where(there).order_by(Application.id).limit(AT_ONCE)).all())


def close_all(person: Person) -> None:
    """End a person's applications, because they leave."""
    own = sa.select(Application).where(Application.person_id == person.id, Application.closed_at.is_(None))
    for application in db.session.scalars(own):
        end(application, Closed.LEFT)


def erase(person: Person) -> None:
    """Forget a person's applications, by whom they were stood by, and by whom they stand."""
    close_all(person)
    forget(db.session.scalars(sa.select(Application).where(Application.person_id == person.id)).all())
    theirs = sa.or_(Supporter.person_id == person.id, Supporter.email == person.email)
    db.session.execute(sa.delete(Supporter).where(theirs))


def forget(applications: Sequence[Application]) -> None:
    """Delete applications; of those that had a match only that there was one stays."""
    ids = [one.id for one in applications]
    for one in applications:
        uploads.detach(subject("homeshare", one.id))
    runs.forget(ids)
    for table in (Reference, Check, Appointment, Supporter):
        db.session.execute(sa.delete(table).where(table.application_id.in_(ids)))
    matched = sa.select(Match.student_id).union(sa.select(Match.home_id))
    emptied: dict[str, object] = {
        "answers": {},
        "phone": "",
        "address": "",
        "friend": "",
        "cell": None,
        "needed_by": None,
    }
    db.session.execute(sa.update(Application).where(Application.id.in_(ids)).values(**emptied))
    db.session.execute(sa.delete(Application).where(Application.id.in_(ids), Application.id.not_in(matched)))
    db.session.expire_all()
