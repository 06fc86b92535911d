"""Linking an account to whom the identity provider knows, opening one for them, and unlinking."""

import sqlalchemy as sa

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.queries import one_spelling
from marketplace.civic.identity import errors, policy
from marketplace.civic.identity.models import Identity
from marketplace.civic.identity.service.provider import Claims
from marketplace.kernel import audit, clock, db, hooks, jobs
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import Text, _l


def link(person: Person, claims: Claims) -> Identity:
    """Let who the provider named open this account from now on; a letter tells.

    Raises LinkedToAnother or LinkedAlready.
    """
    identity = _join(person, claims)
    _tell(person, "linked", _l("Your account was linked to another way of signing in"))
    return identity


def open_account(claims: Claims, name: str, email: str, language: str) -> Person:
    """Open an account for who the provider named; it has no password.

    The address counts as confirmed if the provider made sure of it, it was not changed, and nobody else's it is;
    otherwise a letter asks. Raises LinkedToAnother.
    """
    sure = claims.email_verified and one_spelling(claims.email) == one_spelling(email)
    person = accounts.open_account(name, email, language, confirmed=sure)
    _join(person, claims)
    audit.record(person.id, "identity.account_opened", f"person:{person.id}")
    return person


def unlink(person: Person, identity: Identity | None) -> None:
    """Let the provider open this account no more; a letter tells. Raises NotFound or LastWayIn."""
    if identity is None or identity.person_id != person.id:
        raise NotFound
    if not policy.may_unlink(person, identity):
        raise errors.LastWayIn
    db.session.delete(identity)
    db.session.flush()
    _tell(person, "unlinked", _l("A way of signing in was taken off your account"))


def note_use(identity: Identity) -> None:
    """Remember when someone last came this way."""
    identity.used_at = clock.now()


def forget(person: Person) -> None:
    """Delete every link of an account."""
    db.session.execute(sa.delete(Identity).where(Identity.person_id == person.id))


def _join(person: Person, claims: Claims) -> Identity:
    identity = Identity(person_id=person.id, issuer=claims.issuer, subject=claims.subject)
    try:
        with db.session.begin_nested():
            db.session.add(identity)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        if db.violates(clash, "uq_identities_person_id") or db.violates(clash, "identities.person_id"):
            raise errors.LinkedAlready from clash
        raise errors.LinkedToAnother from clash
    return identity


def _tell(person: Person, what: str, told: Text) -> None:
    audit.record(person.id, f"identity.{what}", f"person:{person.id}")
    jobs.enqueue("identity.letter", person_id=person.id, what=what)
    hooks.account_changed.ask(person, told)
