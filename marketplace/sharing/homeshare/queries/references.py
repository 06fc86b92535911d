"""Finding those who speak for applicants, and the links of their letters."""

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.kernel import credentials, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare.errors import LinkOver
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.references import Reference
from marketplace.sharing.homeshare.queries.applications import hold


def get_reference(reference_id: int, *, lock: bool = False) -> Reference:
    """Someone named, with the application and who applied. Raises NotFound."""
    found = _find(reference_id, lock=lock)
    if found is None:
        raise NotFound
    return found


def link_of(reference: Reference) -> str:
    """What the link in the letter ends with; neither the database nor the job holds it."""
    return f"{reference.id}-{credentials.seal('homeshare reference', reference.id, reference.nonce)}"


def by_link(link: str) -> Reference:
    """Whom a link was sent to, if it can still be answered; nobody else answers meanwhile. Raises LinkOver."""
    text, _, word = link.partition("-")
    number = db.row_number(text)
    found = _find(number, lock=True) if number is not None else None
    if found is None or not credentials.is_seal(word, "homeshare reference", found.id, found.nonce):
        raise LinkOver
    over = found.answered_at is not None or found.check_id is not None
    if over or found.application.state is ApplicationState.CLOSED:
        raise LinkOver
    return found


def reached(reference: Reference) -> dict[str, str]:
    """Name and ways to reach them, for whoever named them and for coordinators; what they said is not among it."""
    return {column: unlock(reference, column) for column in ("name", "email", "phone")}


def _find(number: int, *, lock: bool) -> Reference | None:
    query = sa.select(Reference).where(Reference.id == number)
    if lock:
        hold(query)
    with_person = joinedload(Reference.application).joinedload(Application.person)
    return db.session.scalar(query.options(with_person, joinedload(Reference.check)))
