"""Whether there is a demo city, and how one signs in to it."""

from dataclasses import dataclass

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building, District
from marketplace.kernel import db

DOMAIN = "demo.maeul.example"
PASSWORD = "a-room-for-everyone"  # noqa: S105 - known to everyone: the demo city is for development only


@dataclass(frozen=True, slots=True)
class SignIn:
    """An account to look around with."""

    who: str
    name: str
    what: str

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.who}@{DOMAIN}"


SIGN_INS = (
    SignIn("resident", "한소라", "a resident, verified, with bookings"),
    SignIn("newcomer", "Emily Carter", "a resident, not verified yet, reading English"),
    SignIn("manager", "박도현", "manages two buildings and answers requests"),
    SignIn("staff", "윤지원", "works in a department"),
    SignIn("moderator", "서다은", "moderates"),
    SignIn("admin", "정하늘", "administrator"),
    SignIn("host", "한복순", "has a room to spare, proposed to a student"),
    SignIn("student", "이민준", "looks for a room, proposed to a host"),
    SignIn("coordinator", "문지안", "looks after home share"),
)


def is_empty() -> bool:
    """Whether nobody and nothing is in the database yet."""
    there = sa.or_(*(sa.exists().where(model.id.is_not(None)) for model in (Person, Building, District)))
    return not db.session.scalar(sa.select(there))


def has_places() -> bool:
    """Whether there are buildings or districts, demo or real."""
    there = sa.or_(*(sa.exists().where(model.id.is_not(None)) for model in (Building, District)))
    return bool(db.session.scalar(sa.select(there)))


def sign_ins() -> list[SignIn]:
    """The demo accounts there are."""
    addresses = [sign_in.email for sign_in in SIGN_INS]
    there = set(db.session.scalars(sa.select(Person.email).where(Person.email.in_(addresses))))
    return [sign_in for sign_in in SIGN_INS if sign_in.email in there]
