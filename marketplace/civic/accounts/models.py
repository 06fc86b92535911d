"""People, what they may do, and by what they are recognised."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _, _l


class Role(StrEnum):
    """What someone may do beyond what every resident may."""

    MANAGER = "manager"
    STAFF = "staff"
    MODERATOR = "moderator"
    SAFEGUARDING = "safeguarding"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"


class Method(StrEnum):
    """How staff made sure that someone lives in the city."""

    COUNTER = "counter"
    LETTER = "letter"
    REGISTER = "register"


ROLES: dict[str, Text] = {
    Role.MANAGER: _l("Building manager"),
    Role.STAFF: _l("Staff of a department"),
    Role.MODERATOR: _l("Moderator"),
    Role.SAFEGUARDING: _l("Safeguarding officer"),
    Role.COORDINATOR: _l("Home-share coordinator"),
    Role.ADMINISTRATOR: _l("Administrator"),
}
METHODS: dict[str, Text] = {
    Method.COUNTER: _l("At the counter"),
    Method.LETTER: _l("By a letter sent home"),
    Method.REGISTER: _l("By the city's register"),
}


class Purpose(StrEnum):
    """What a link in a letter is for."""

    CONFIRM = "confirm"
    CHANGE = "change"
    RESET = "reset"


_CONFIRMED = sa.text("confirmed_at IS NOT NULL")


class Name(sa.TypeDecorator[str]):
    """What a person is called; someone without a name is a former resident, in the reader's language."""

    impl = sa.String
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """The name, or what stands for those who have had it erased."""
        return _("Former resident") if value == "" else value


class Person(db.Base):
    """Someone with an account. An address belongs to one person once confirmed; until then anyone may claim it.

    So registering looks the same whether or not an account with the address exists.
    """

    __tablename__ = "people"
    __table_args__ = (
        sa.Index("uq_people_email", "email", unique=True, sqlite_where=_CONFIRMED, postgresql_where=_CONFIRMED),
        sa.Index("ix_people_claimed_email", "email", "id"),
        sa.CheckConstraint("(verified_at IS NULL) = (verified_method IS NULL)", name="verified_by_a_method"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Name(80), index=True)
    email: Mapped[str] = mapped_column(sa.String(254))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    language: Mapped[str] = mapped_column(sa.String(2), default="en")
    district_id: Mapped[int | None] = mapped_column(sa.ForeignKey("districts.id"), index=True)
    confirmed_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    verified_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    verified_method: Mapped[Method | None]
    suspended_until: Mapped[datetime | None]
    """Until when the person may only look; it is here so that asking costs no statement."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    erase_at: Mapped[datetime | None] = mapped_column(index=True)
    """When the account will be erased, as its person asked; until then it only waits for a change of mind."""
    erased_at: Mapped[datetime | None]
    """Since when the row stands for a former resident: it names nobody and nobody signs in."""
    version: Mapped[int] = mapped_column(default=1)

    grants: Mapped[list["RoleGrant"]] = relationship(
        back_populates="person", foreign_keys="RoleGrant.person_id", lazy="raise", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}
    __allow_unmapped__ = True

    session_token: str | None = None
    """By what this request's browser is recognised; not stored."""
    proved_at: datetime | None = None
    """When the person last proved in this request's browser who they are; not stored here."""
    second_step_at: str | None = None
    """The page to set up the second factor that the roles need and this request came without; not stored."""

    is_active = is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        """What the browser's cookie holds: the token of a session, which can be revoked, not the person's id."""
        if self.session_token is None:
            raise LookupError("this person did not come in by a session")
        return self.session_token

    @property
    def preferred_language(self) -> str:
        """The language to write to the person in."""
        return self.language

    @property
    def has_password(self) -> bool:
        """Whether the person may sign in by a password; an account opened elsewhere has none until one is set."""
        return bool(self.password_hash)

    @property
    def is_confirmed(self) -> bool:
        """Whether the person has shown that letters to the address arrive."""
        return self.confirmed_at is not None

    @property
    def is_verified(self) -> bool:
        """Whether staff made sure that the person lives here."""
        return self.verified_at is not None

    @property
    def is_suspended(self) -> bool:
        """Whether the person may look at everything, but neither book nor post for now."""
        return self.suspended_until is not None and self.suspended_until > clock.now()

    @property
    def is_staff(self) -> bool:
        """Whether the person works for the city in any role."""
        return bool(self.grants)

    def holds(self, *roles: str) -> bool:
        """Whether the person was given one of the roles anywhere, on duty or not."""
        return any(grant.role in roles for grant in self.grants)

    @property
    def on_duty(self) -> bool:
        """Whether the person's roles count now: not without the second factor that they need, nor while suspended."""
        return self.second_step_at is None and not self.is_suspended

    @property
    def _powers(self) -> Sequence["RoleGrant"]:
        return self.grants if self.on_duty else ()

    def is_a(self, role: str) -> bool:
        """Whether the person may act in the role anywhere."""
        return any(grant.role == role for grant in self._powers)

    def manages(self, building_id: int) -> bool:
        """Whether the person manages this building."""
        return any(grant.role == Role.MANAGER and grant.building_id == building_id for grant in self._powers)

    def serves(self, department_id: int) -> bool:
        """Whether the person works in this department."""
        return any(grant.role == Role.STAFF and grant.department_id == department_id for grant in self._powers)

    @property
    def building_ids(self) -> Sequence[int]:
        """The buildings the person manages."""
        return sorted(grant.building_id for grant in self._powers if grant.building_id is not None)


def _one_role(name: str, where: str, *columns: str) -> sa.Index:
    condition = sa.text(where)
    return sa.Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


class RoleGrant(db.Base):
    """A role given to a person: a manager's for one building, a staff member's for one department, others for all."""

    __tablename__ = "role_grants"
    __table_args__ = (
        sa.CheckConstraint("(role = 'manager') = (building_id IS NOT NULL)", name="managers_of_a_building"),
        sa.CheckConstraint("(role = 'staff') = (department_id IS NOT NULL)", name="staff_of_a_department"),
        _one_role("uq_role_grants_building", "building_id IS NOT NULL", "person_id", "building_id"),
        _one_role("uq_role_grants_department", "department_id IS NOT NULL", "person_id", "department_id"),
        _one_role("uq_role_grants_role", "building_id IS NULL AND department_id IS NULL", "person_id", "role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    role: Mapped[Role] = mapped_column(index=True)
    building_id: Mapped[int | None] = mapped_column(sa.ForeignKey("buildings.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(sa.ForeignKey("departments.id"), index=True)
    granted_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    granted_at: Mapped[datetime] = mapped_column(default=clock.now)

    person: Mapped[Person] = relationship(back_populates="grants", foreign_keys=[person_id], lazy="raise")


class PersonSession(db.Base):
    """A browser in which someone is signed in; the cookie holds the token, the row its digest.

    `proved_at` is when the person last proved there who they are, for acts that ask for it again.
    """

    __tablename__ = "person_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
    device: Mapped[str] = mapped_column(sa.String(60), default="")
    proved_at: Mapped[datetime | None] = mapped_column(default=clock.now)

    person: Mapped[Person] = relationship(lazy="raise")


class ApiToken(db.Base):
    """A token by which a program acts for a person."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_on: Mapped[date | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise")


class EmailToken(db.Base):
    """A link sent to an address, good once and for a short time.

    The link is a seal of the row's id and nonce, made when the letter is written: neither the database nor the job
    table holds it. `replaced` is the address that a change put out of use.
    """

    __tablename__ = "email_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    purpose: Mapped[Purpose]
    nonce: Mapped[str] = mapped_column(sa.String(64))
    email: Mapped[str] = mapped_column(sa.String(254))
    replaced: Mapped[str | None] = mapped_column(sa.String(254))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship(lazy="raise")


class Caller(db.Base):
    """How to reach someone without an account for whom staff entered something.

    The person has no password and an address, if any, that nobody confirmed: who asks for a new password from that
    address claims what was entered.
    """

    __tablename__ = "callers"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    phone: Mapped[str] = mapped_column(sa.String(30), default="", index=True)

    person: Mapped[Person] = relationship(lazy="raise")
