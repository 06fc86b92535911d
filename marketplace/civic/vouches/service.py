"""Vouching for someone in a building's name, agreeing to it, and ending it."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.notifications import service as notifications
from marketplace.civic.vouches import errors, policy, queries
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import audit, clock, db, things
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject

KEPT = timedelta(days=365)
AT_ONCE = 500


def vouch(manager: Person, building_id: int, person: Person) -> Vouch:
    """Say in a building's name that it knows someone, who is told and has to agree. Raises ForYourself, VouchedAlready.

    What two managers say at once is decided by the database.
    """
    permit(policy.may_vouch, manager, building_id)
    if person.id == manager.id:
        raise errors.ForYourself(field="email")
    made = Vouch(person_id=person.id, building_id=building_id, made_by_id=manager.id)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError as error:
        if db.violates(error, "vouches"):
            raise errors.VouchedAlready(field="email") from error
        raise
    _record(manager, made, "made")
    _tell(made, "asked")
    return made


def agree(person: Person, vouch: Vouch) -> None:
    """Let others see it. Raises VouchOver."""
    permit(policy.may_agree, person, vouch)
    expect_may_act(person)
    vouch = queries.get_vouch(vouch.id, lock=True)
    if vouch.ended_at is not None or vouch.agreed_at is not None:
        raise errors.VouchOver
    vouch.agreed_at = clock.now()
    _record(person, vouch, "agreed")


def end(person: Person, vouch: Vouch, reason: str = "") -> None:
    """Say no to it, take it back as the person, or end it for the building with a reason that the person reads.

    Raises VouchOver or ReasonMissing.
    """
    permit(policy.may_end, person, vouch)
    vouch = queries.get_vouch(vouch.id, lock=True)
    if vouch.ended_at is not None:
        raise errors.VouchOver
    own = vouch.person_id == person.id
    if not own and not reason.strip():
        raise errors.ReasonMissing(field="reason")
    vouch.ended_at, vouch.ended_by_id, vouch.reason = clock.now(), person.id, "" if own else reason.strip()
    _record(person, vouch, "taken_back" if own else "ended")
    if not own:
        _tell(vouch, "ended")


def _record(person: Person, vouch: Vouch, what: str) -> None:
    """Put it on record, without the reason: the record is never erased."""
    db.session.flush()
    detail = {"vouch": vouch.id, "building_id": vouch.building_id}
    audit.record(person.id, f"vouches.{what}", subject("person", vouch.person_id), **detail)


def _tell(vouch: Vouch, news: str) -> None:
    told = things.of("vouch", queries.get_vouch(vouch.id))
    notifications.tell(vouch.person_id, f"vouches.{news}", told)


# --- forgetting ---


def erase(person: Person) -> None:
    """Forget who vouched for a person, and that the person vouched for others; the building's word stands."""
    as_it_stands = {"synchronize_session": False}
    db.session.execute(sa.delete(Vouch).where(Vouch.person_id == person.id), execution_options=as_it_stands)
    for column in (Vouch.made_by_id, Vouch.ended_by_id):
        nobody = sa.update(Vouch).where(column == person.id).values({column: None})
        db.session.execute(nobody, execution_options=as_it_stands)


def thin() -> None:
    """Forget what ended a year ago, some at a time."""
    old = sa.select(Vouch.id).where(Vouch.ended_at <= clock.now() - KEPT).order_by(Vouch.ended_at, Vouch.id)
    db.session.execute(sa.delete(Vouch).where(Vouch.id.in_(list(db.session.scalars(old.limit(AT_ONCE))))))
