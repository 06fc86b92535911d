"""Clubs, associations and institutions of residents, who belongs to them, and records made in someone else's name."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import clock, db, words
from marketplace.kernel.words import Text, _l


class Sort(StrEnum):
    """What a group is."""

    CLUB = "club"
    ASSOCIATION = "association"
    INSTITUTION = "institution"


class Role(StrEnum):
    """What a member does for the group. Officers look after it and act for it; one of them is its contact."""

    MEMBER = "member"
    OFFICER = "officer"
    CONTACT = "contact"


class Document(StrEnum):
    """What staff looked at to verify a group. No copy is kept."""

    STATUTES = "statutes"
    REGISTRATION = "registration"
    BUSINESS = "business"
    LETTER = "letter"


class Channel(StrEnum):
    """How someone came whose wish staff entered."""

    COUNTER = "counter"
    PHONE = "phone"


SORTS: dict[str, Text] = {
    Sort.CLUB: _l("Club"),
    Sort.ASSOCIATION: _l("Association"),
    Sort.INSTITUTION: _l("Institution"),
}
ROLES: dict[str, Text] = {
    Role.MEMBER: _l("Member"),
    Role.OFFICER: _l("Officer"),
    Role.CONTACT: _l("Officer and contact"),
}
DOCUMENTS: dict[str, Text] = {
    Document.STATUTES: _l("Statutes and minutes of the founding"),
    Document.REGISTRATION: _l("Registration of a non-profit body"),
    Document.BUSINESS: _l("Business registration"),
    Document.LETTER: _l("Letter of a public institution"),
}

CHANNELS: dict[str, Text] = {
    Channel.COUNTER: _l("At the counter"),
    Channel.PHONE: _l("On the telephone"),
}


class Group(db.Base):
    """A group that residents founded. A hidden one is seen by its members alone; a closed one only remembers."""

    __tablename__ = "groups"
    __table_args__ = (
        sa.CheckConstraint(
            "(verified_at IS NULL) = (verified_by_id IS NULL) AND (verified_at IS NULL) = (verified_document IS NULL)"
            " AND (verified_at IS NULL) = (verified_until IS NULL)",
            name="verified_by_a_document",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    name_en: Mapped[str | None] = mapped_column(sa.String(100))
    sort: Mapped[Sort]
    about: Mapped[str] = mapped_column(sa.Text, default="")
    district_id: Mapped[int | None] = mapped_column(sa.ForeignKey("districts.id"), index=True)
    founded_by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    founded_at: Mapped[datetime] = mapped_column(default=clock.now)
    closed_at: Mapped[datetime | None]
    hidden: Mapped[bool] = mapped_column(default=False)
    asked_at: Mapped[datetime | None] = mapped_column(index=True)
    """Since when the group waits to be verified."""
    verified_at: Mapped[datetime | None]
    verified_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    verified_document: Mapped[Document | None]
    verified_until: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)

    district: Mapped[District | None] = relationship(lazy="raise")
    members: Mapped[list["GroupMember"]] = relationship(lazy="raise", back_populates="group")
    officers: Mapped[list["GroupMember"]] = relationship(
        lazy="raise",
        viewonly=True,
        primaryjoin="and_(Group.id == GroupMember.group_id, GroupMember.role != 'member')",
        order_by="(GroupMember.joined_at, GroupMember.person_id)",
    )

    __mapper_args__ = {"version_id_col": version}

    @property
    def title(self) -> str:
        """The name in the reader's language, or as the group writes it."""
        return self.name if words.language.get() == "ko" else self.name_en or self.name

    @property
    def contact(self) -> "GroupMember | None":
        """The officer who speaks for the group in public; needs `officers`."""
        return next((officer for officer in self.officers if officer.role is Role.CONTACT), None)

    @property
    def is_open(self) -> bool:
        """Whether the group still goes on."""
        return self.closed_at is None

    @property
    def is_verified(self) -> bool:
        """Whether staff made sure, not too long ago, that the group is what it says."""
        return self.verified_until is not None and clock.today() <= self.verified_until


class GroupMember(db.Base):
    """Someone who belongs to a group."""

    __tablename__ = "group_members"
    __table_args__ = (
        sa.Index(
            "uq_group_members_contact",
            "group_id",
            unique=True,
            sqlite_where=sa.text("role = 'contact'"),
            postgresql_where=sa.text("role = 'contact'"),
        ),
    )

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(default=Role.MEMBER)
    joined_at: Mapped[datetime] = mapped_column(default=clock.now)

    group: Mapped[Group] = relationship(lazy="raise", back_populates="members")
    person: Mapped[Person] = relationship(lazy="raise")

    @property
    def is_officer(self) -> bool:
        """Whether the member looks after the group and acts for it."""
        return self.role is not Role.MEMBER


class GroupInvitation(db.Base):
    """A link sent to an address, good once: whoever follows it may join. The row holds no secret, only its nonce."""

    __tablename__ = "group_invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(sa.String(254), index=True)
    invited_by_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    nonce: Mapped[str] = mapped_column(sa.String(64))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    group: Mapped[Group] = relationship(lazy="raise")
    invited_by: Mapped[Person] = relationship(lazy="raise")

    @property
    def is_good(self) -> bool:
        """Whether it still lets someone in."""
        return self.used_at is None and clock.now() < self.expires_at


_WAITS = sa.text("answered_at IS NULL")


class GroupRequest(db.Base):
    """A resident's wish to join a group; one at a time."""

    __tablename__ = "group_requests"
    __table_args__ = (
        sa.Index(
            "uq_group_requests_waiting",
            "group_id",
            "person_id",
            unique=True,
            sqlite_where=_WAITS,
            postgresql_where=_WAITS,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("groups.id", ondelete="CASCADE"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    message: Mapped[str] = mapped_column(sa.String(500), default="")
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("people.id"))
    accepted: Mapped[bool | None]
    reason: Mapped[str] = mapped_column(sa.String(500), default="")

    group: Mapped[Group] = relationship(lazy="raise")
    person: Mapped[Person] = relationship(lazy="raise", foreign_keys=[person_id])


class OnBehalf:
    """Columns of a feature's own table: in whose name a record was made, where not simply in its maker's own.

    A person acts for a group, or staff enter what someone at the counter or on the telephone wishes.
    """

    channel: Mapped[Channel | None]

    @declared_attr
    def group_id(cls) -> Mapped[int | None]:
        """The group for which it was made."""
        return mapped_column(sa.ForeignKey("groups.id"), index=True)

    @declared_attr
    def entered_by_id(cls) -> Mapped[int | None]:
        """Who entered it, for someone who came or called."""
        return mapped_column(sa.ForeignKey("people.id"))

    @declared_attr
    def group(cls) -> Mapped[Group | None]:
        """With its officers, who all may act on the record."""
        return relationship(Group, lazy="raise")

    @declared_attr.directive
    def __table_args__(cls) -> tuple[sa.CheckConstraint, ...]:
        """Somebody else's name it is, and staff say how that somebody came."""
        return (
            sa.CheckConstraint("group_id IS NOT NULL OR entered_by_id IS NOT NULL", name="someone_else"),
            sa.CheckConstraint("(entered_by_id IS NULL) = (channel IS NULL)", name="came_by_a_channel"),
        )
