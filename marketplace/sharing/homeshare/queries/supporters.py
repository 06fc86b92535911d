"""Finding who stands by an applicant, and the links of invitations."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.kernel import clock, credentials, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare.errors import LinkOver
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.supporters import Supporter
from marketplace.sharing.homeshare.queries.applications import hold

_WHOLE = (
    joinedload(Supporter.person),
    joinedload(Supporter.application).options(
        joinedload(Application.person), joinedload(Application.coordinator)
    ),
)  # fmt: skip


def link_of(supporter: Supporter) -> str:
    """What the link of an invitation ends with."""
    return f"{supporter.id}-{credentials.seal('homeshare supporter', supporter.id, supporter.nonce)}"


def by_link(link: str) -> Supporter:
    """Whom a link invites, if it is still good; nobody else answers meanwhile. Raises LinkOver."""
    text, _, word = link.partition("-")
    number = db.row_number(text)
    query = sa.select(Supporter).where(Supporter.id == number)
    if number is not None:
        hold(query)
    found = db.session.scalar(query.options(*_WHOLE)) if number is not None else None
    if found is None or not credentials.is_seal(word, "homeshare supporter", found.id, found.nonce):
        raise LinkOver
    if not found.is_good or found.application.closed_at is not None:
        raise LinkOver
    return found


def get_supporter(supporter_id: int) -> Supporter:
    """Someone invited, with the application and both people. Raises NotFound."""
    found = db.session.scalar(sa.select(Supporter).where(Supporter.id == supporter_id).options(*_WHOLE))
    if found is None:
        raise NotFound
    return found


def of_application(application: Application) -> Sequence[Supporter]:
    """Who stands by an applicant, or may still say that they do."""
    invited = sa.and_(Supporter.accepted_at.is_(None), Supporter.expires_at > clock.now())
    mine = sa.select(Supporter).where(Supporter.application_id == application.id, Supporter.ended_at.is_(None))
    mine = mine.where(sa.or_(Supporter.accepted_at.is_not(None), invited)).options(*_WHOLE)
    return list(db.session.scalars(mine.order_by(Supporter.id)))


def supported_by(person_id: int) -> Sequence[Supporter]:
    """By whom a person stands."""
    theirs = sa.select(Supporter).where(Supporter.person_id == person_id, Supporter.ended_at.is_(None))
    return list(db.session.scalars(theirs.options(*_WHOLE).order_by(Supporter.id)))
