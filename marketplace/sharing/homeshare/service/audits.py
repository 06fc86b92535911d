"""What people say of themselves for the audit: said, changed, taken back."""

from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.access import permit
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.audits import AuditFacts


def say(person: Person, application: Application, **facts: Any) -> None:
    """Keep what someone says of themselves in place of what they said before; nothing said is nothing kept."""
    permit(policy.owns, person, application)
    db.session.execute(sa.delete(AuditFacts).where(AuditFacts.application_id == application.id))
    if any(value is not None for value in facts.values()):
        db.session.add(AuditFacts(application_id=application.id, said_at=clock.now(), **facts))
        db.session.flush()


def erase(person: Person) -> None:
    """Delete what someone who leaves said of themselves."""
    own = sa.select(Application.id).where(Application.person_id == person.id)
    db.session.execute(sa.delete(AuditFacts).where(AuditFacts.application_id.in_(own)))
