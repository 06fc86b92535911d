"""What follows from decisions: what is out of sight, and who is suspended. Always worked out anew from what stands."""

from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation.models import Case
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.notifications.service import tell
from marketplace.kernel import db, things


def refresh(case: Case) -> None:
    """Hide or show the thing of a case, and suspend its author or not, as the decisions that stand say."""
    db.session.flush()
    thing = things.find(case.subject)
    if thing is not None and thing.kind.hide is not None:
        thing.kind.hide(thing.record, queries.is_hidden(case.subject))
    if case.author_id is not None:
        longest = db.session.scalars(queries.suspensions(case.author_id).limit(1)).first()
        until = longest.until if longest else None
        db.session.execute(sa.update(Person).where(Person.id == case.author_id).values(suspended_until=until))
    db.session.flush()


def author_of(case: Case) -> list[int]:
    """Whom to tell of the case: its author, if it has one."""
    return [] if case.author_id is None else [case.author_id]


def tell_keepers(case: Case, news: str, **facts: Any) -> None:
    """Tell those who look after the thing of a case that nobody in particular wrote."""
    thing = things.find(case.subject)
    if thing is not None:
        tell(thing.keepers, news, thing, **facts)
