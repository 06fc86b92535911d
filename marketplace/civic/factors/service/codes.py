"""Codes: of an app every half minute, and on paper for when the phone is lost."""

import secrets
from dataclasses import dataclass

import pyotp
import sqlalchemy as sa

from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.factors import errors, policy, queries
from marketplace.civic.factors.models import CodeApp, RecoveryCode
from marketplace.civic.factors.service.care import end_what_the_password_opened
from marketplace.civic.factors.service.letters import tell
from marketplace.kernel import clock, credentials, db, vault

WINDOW = 1
"""How many half minutes a phone's clock may be wrong."""
CODES = 10
LETTERS, LENGTH = "0123456789abcdefghjkmnpqrstvwxyz", 12
"""Crockford's alphabet: none of its 32 signs is taken for another."""
TAKEN_FOR = str.maketrans("oil", "011", " -")


# --- an app ---


@dataclass(frozen=True, slots=True)
class Seed:
    """The secret that an app and the city will share; `locked` is for the form, readable by the city alone."""

    secret: str
    locked: str

    @property
    def grouped(self) -> str:
        """The secret as someone types it."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))

    def link(self, person: Person, city: str) -> str:
        """What an app reads, from the picture or by a tap."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=person.email, issuer_name=city)


def new_seed(person: Person) -> Seed:
    """A secret for an app to be set up."""
    secret = pyotp.random_base32()
    return Seed(secret, vault.lock(secret, f"new_code_app:{person.id}"))


def seed_of(person: Person, locked: str) -> Seed:
    """The secret that was shown to this person. Raises PageTooOld."""
    try:
        return Seed(vault.unlock(locked, f"new_code_app:{person.id}"), locked)
    except vault.Unreadable:
        raise errors.PageTooOld from None


def set_up_app(person: Person, seed: Seed, code: str) -> None:
    """Take codes of this app from now on, and of none before; its first code shows that it works. Raises WrongCode."""
    if not policy.may_set_up(person):
        raise NotConfirmed
    step = _step(seed.secret, code)
    one_at_a_time(person.id)
    first = end_what_the_password_opened(person)
    db.session.execute(sa.delete(CodeApp).where(CodeApp.person_id == person.id))
    secret = vault.lock(seed.secret, f"code_apps:{person.id}")
    db.session.add(CodeApp(person_id=person.id, secret=secret, last_step=step))
    db.session.flush()
    tell(person, "app_added", first=first)


def prove_by_app(person: Person, code: str) -> None:
    """Believe a code that the app shows now, once, even if it is sent twice in the same moment. Raises WrongCode."""
    app = db.session.get(CodeApp, person.id)
    if app is None:
        raise errors.WrongCode(field="code")
    step = _step(vault.unlock(app.secret, f"code_apps:{person.id}"), code)
    newer = sa.update(CodeApp).where(CodeApp.person_id == person.id, CodeApp.last_step < step)
    if not db.changed(newer.values(last_step=step)):
        raise errors.WrongCode(field="code")


def _step(secret: str, code: str) -> int:
    """The half minute that a code belongs to."""
    digits = "".join(code.split())
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(digits, for_time=clock.now(), valid_window=WINDOW)
    except pyotp.exceptions.OTPVerificationError:
        raise errors.WrongCode(field="code") from None


# --- on paper ---


def new_recovery_codes(person: Person) -> list[str]:
    """A new set instead of the old one; the codes are told only now. Raises NoFactor."""
    one_at_a_time(person.id)
    if not queries.has_factor(person):
        raise errors.NoFactor
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    codes = ["".join(secrets.choice(LETTERS) for _ in range(LENGTH)) for _ in range(CODES)]
    db.session.add_all(
        RecoveryCode(person_id=person.id, number=number, digest=_digest(person, code))
        for number, code in enumerate(codes, 1)
    )
    db.session.flush()
    tell(person, "codes_made")
    return ["-".join(code[start : start + 4] for start in range(0, LENGTH, 4)) for code in codes]


def prove_by_recovery_code(person: Person, code: str) -> None:
    """Believe a code of the person's set, once. Raises WrongRecoveryCode."""
    unused = sa.update(RecoveryCode).where(
        RecoveryCode.person_id == person.id,
        RecoveryCode.digest == _digest(person, code.casefold().translate(TAKEN_FOR)),
        RecoveryCode.used_at.is_(None),
    )
    if not db.changed(unused.values(used_at=clock.now())):
        raise errors.WrongRecoveryCode(field="recovery_code")
    tell(person, "recovery_used", left=queries.factors_of(person).codes_left)


def _digest(person: Person, code: str) -> str:
    return credentials.seal("recovery code", person.id, code)
