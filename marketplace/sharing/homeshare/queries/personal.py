"""What home share holds about one person."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.appointments import Appointment
from marketplace.sharing.homeshare.models.checks import Check
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.references import Reference
from marketplace.sharing.homeshare.models.supporters import Supporter
from marketplace.sharing.homeshare.queries.references import reached


def own_applications(person: Person) -> list[Extract]:
    """A person's applications, what was checked, whom they named, appointments, and who stands by whom.

    What others said of them in confidence, and what coordinators noted, is not among it.
    """
    mine = Application.person_id == person.id
    checks = sa.select(
        Application.reference, Check.kind, Check.passed, Check.checked_on, Check.good_until, Check.method, Check.facts,
        Check.withdrawn_at,
    ).join(Application, Application.id == Check.application_id)  # fmt: skip
    made = sa.select(Check.kind, Check.passed, Check.checked_on, Check.made_at).where(Check.by_id == person.id)
    met = sa.select(Appointment.kind, Appointment.starts_at, Appointment.ends_at, Appointment.place).join(
        Application, Application.id == Appointment.application_id
    )
    stands = sa.select(Supporter.email, Supporter.invited_at, Supporter.accepted_at, Supporter.ended_at)
    invited = stands.join(Application, Application.id == Supporter.application_id).where(mine)
    supports = stands.where(sa.or_(Supporter.person_id == person.id, Supporter.email == person.email))
    met = met.where(sa.or_(mine, Appointment.coordinator_id == person.id)).order_by(Appointment.id)
    return [
        Extract("homeshare", _l("Your applications for home share"), _applications(person)),
        Extract("homeshare_references", _l("Whom you named to speak for you"), _references(person)),
        extract("homeshare_checks", _l("What was checked for home share"), checks.where(mine).order_by(Check.id)),
        extract("homeshare_checked", _l("What you checked for home share"), made.order_by(Check.id)),
        extract("homeshare_appointments", _l("Appointments for home share"), met),
        extract("homeshare_supporters", _l("Who stands by you in home share"), invited.order_by(Supporter.id)),
        extract("homeshare_supports", _l("By whom you stand in home share"), supports.order_by(Supporter.id)),
    ]


def _applications(person: Person) -> Iterator[Mapping[str, object]]:
    for one in db.session.scalars(sa.select(Application).where(Application.person_id == person.id)):
        yield {
            "reference": one.reference,
            "side": one.side.value,
            "state": one.state.value,
            "answers": one.answers,
            "phone": unlock(one, "phone"),
            "address": unlock(one, "address"),
            "friend": unlock(one, "friend"),
            "begun_at": one.created_at,
            "sent_at": one.sent_at,
            "takes_part_since": one.waiting_since,
            "ended_at": one.closed_at,
            "ended_because": one.closed_because.value if one.closed_because else None,
        }


def _references(person: Person) -> Iterator[Mapping[str, object]]:
    named = sa.select(Reference).join(Reference.application).where(Application.person_id == person.id)
    for one in db.session.scalars(named.order_by(Reference.id)):
        yield {**reached(one), "relation": one.relation.value, "named_at": one.named_at, "asked_at": one.asked_at}
