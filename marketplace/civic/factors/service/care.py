"""What the first second factor ends, and taking factors away: by the person, an administrator, or with the account."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Person
from marketplace.civic.factors import errors, policy, queries
from marketplace.civic.factors.models import Check, CodeApp, Passkey, RecoveryCode, SpentChallenge
from marketplace.civic.factors.service.letters import tell, tell_done_by
from marketplace.kernel import clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound

KEPT_CHALLENGES = timedelta(hours=1)
"""Longer than a challenge may be answered."""


def end_what_the_password_opened(person: Person) -> bool:
    """Before the first factor: end the other sessions and every token, which needed none. Says whether it is one."""
    first = not queries.has_factor(person)
    if first:
        accounts.end_other_sessions(person)
        accounts.end_tokens(person)
    return first


def remove_app(person: Person, *, required: bool) -> None:
    """Take no more codes of the app. Raises NotFound, or LastFactor where the person's roles require one."""
    if db.session.get(CodeApp, person.id) is None:
        raise NotFound
    _expect_another(person, required)
    db.session.execute(sa.delete(CodeApp).where(CodeApp.person_id == person.id))
    _drop_codes_without_factor(person)
    tell(person, "app_removed")


def remove_passkey(person: Person, passkey_id: int, *, required: bool) -> None:
    """Believe one of the person's passkeys no more. Raises NotFound, or LastFactor where the roles require one."""
    passkey = queries.passkey(person, passkey_id)
    _expect_another(person, required)
    db.session.delete(passkey)
    db.session.flush()
    _drop_codes_without_factor(person)
    tell(person, "passkey_removed", passkey=passkey.name)


def reset(administrator: Person | None, person: Person, checked: Check) -> None:
    """Take away everything of someone who lost it, once it is sure who they are; browsers and programs are out.

    The command line does it with no administrator, for the last one of them.
    """
    if administrator is not None:
        permit(policy.may_reset, administrator, person)
    erase(person)
    accounts.shut_out(person)
    tell_done_by(administrator.id if administrator else None, person, "reset", checked=checked)


def erase(person: Person) -> None:
    """Delete everything that the person proves who they are by, but the password."""
    for table in (CodeApp, RecoveryCode, Passkey):
        db.session.execute(sa.delete(table).where(table.person_id == person.id))


def sweep() -> None:
    """Forget challenges that are too old to be answered anyway."""
    db.session.execute(sa.delete(SpentChallenge).where(SpentChallenge.spent_at < clock.now() - KEPT_CHALLENGES))


def _expect_another(person: Person, required: bool) -> None:
    if required and person.is_staff and queries.factors_of(person).count < 2:
        raise errors.LastFactor


def _drop_codes_without_factor(person: Person) -> None:
    if not queries.has_factor(person):
        db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
