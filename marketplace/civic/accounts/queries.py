"""Finding people, and by what they are recognised."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts import policy
from marketplace.civic.accounts.errors import LinkOver, NobodyHere
from marketplace.civic.accounts.models import (
    ROLES,
    ApiToken,
    Caller,
    EmailToken,
    Person,
    PersonSession,
    Purpose,
    Role,
    RoleGrant,
)
from marketplace.civic.departments.models import Department
from marketplace.civic.places.models import Building, District
from marketplace.kernel import clock, credentials, db
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import Text, _l


class Held(NamedTuple):
    """A role as people read it; `where` is the building or the department."""

    grant: RoleGrant
    role: Text
    where: str


def one_spelling(email: str) -> str:
    """The address as it is stored."""
    return email.strip().casefold()


def person(person_id: int) -> Person:
    """A person with their roles. Raises NotFound."""
    own = sa.select(Person).where(Person.id == person_id).options(selectinload(Person.grants))
    if (found := db.session.scalars(own).first()) is None:
        raise NotFound
    return found


def by_email(email: str) -> Person | None:
    """Whose address it is: who confirmed it, else who claimed it last."""
    claims = sa.select(Person).where(Person.email == one_spelling(email)).options(selectinload(Person.grants))
    return db.session.scalars(claims.order_by(Person.confirmed_at.is_(None), Person.id.desc()).limit(1)).first()


def somebody(email: str) -> Person:
    """Whoever confirmed an address. Raises NobodyHere."""
    found = by_email(email)
    if found is None or not found.is_confirmed:
        raise NobodyHere(field="email")
    return found


def letters_arrive() -> sa.ColumnElement[bool]:
    """Whether letters reach a person: the address is confirmed, or was given to staff by whoever came or called.

    Whoever registers an address is not believed until its letter is answered.
    """
    given_to_staff = sa.and_(Person.email != "", sa.exists().where(Caller.person_id == Person.id).correlate(Person))
    return sa.or_(Person.confirmed_at.is_not(None), given_to_staff)


def one_at_a_time(*person_ids: int) -> None:
    """Let what these people count as having stay true until the transaction ends."""
    people = sa.select(Person.id).where(Person.id.in_(person_ids)).order_by(Person.id)
    db.session.execute(people.with_for_update(key_share=True)).all()


def is_taken(email: str, but_for: Person) -> bool:
    """Whether someone else confirmed the address."""
    taken = sa.exists().where(
        Person.email == one_spelling(email), Person.confirmed_at.is_not(None), Person.id != but_for.id
    )
    return bool(db.session.scalar(sa.select(taken)))


# --- recognising ---


def session_of(token: str) -> PersonSession | None:
    """The sign-in that this token stands for, with the person and their roles, in one statement."""
    own = sa.select(PersonSession).where(PersonSession.token_hash == credentials.digest(token))
    found = db.session.scalars(own.options(joinedload(PersonSession.person).joinedload(Person.grants))).unique().first()
    return found if found and policy.is_alive(found, clock.now()) else None


def api_token(token: str) -> ApiToken | None:
    """The token for programs, with the person and their roles, unless revoked or run out."""
    own = sa.select(ApiToken).where(
        ApiToken.token_hash == credentials.digest(token),
        ApiToken.revoked_at.is_(None),
        sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > clock.now()),
    )
    return db.session.scalars(own.options(joinedload(ApiToken.person).joinedload(Person.grants))).unique().first()


def link_of(token: EmailToken) -> str:
    """What the letter's link ends with."""
    return f"{token.id}-{credentials.seal('link', token.id, token.nonce)}"


def email_token(token_id: int) -> EmailToken | None:
    """A row of the table, with the person."""
    return db.session.scalars(_tokens().where(EmailToken.id == token_id)).unique().first()


def by_link(link: str, *purposes: Purpose) -> EmailToken:
    """What a letter's link stands for, used or not; nobody else uses it meanwhile. Raises LinkOver."""
    text, _, word = link.partition("-")
    if (number := db.row_number(text)) is None:
        raise LinkOver
    locked = _tokens().where(EmailToken.id == number, EmailToken.purpose.in_(purposes))
    found = db.session.scalars(locked.with_for_update(of=EmailToken)).unique().first()
    if found is None or not credentials.is_seal(word, "link", found.id, found.nonce):
        raise LinkOver
    if found.used_at is None and found.expires_at <= clock.now():
        raise LinkOver
    return found


def _tokens() -> sa.Select[EmailToken]:
    return sa.select(EmailToken).options(joinedload(EmailToken.person).selectinload(Person.grants))


# --- lists ---


def sessions_of(person: Person) -> list[PersonSession]:
    """Where the person is signed in, latest first."""
    own = sa.select(PersonSession).where(PersonSession.person_id == person.id)
    rows = db.session.scalars(own.options(joinedload(PersonSession.person).selectinload(Person.grants)))
    now = clock.now()
    return sorted((row for row in rows if policy.is_alive(row, now)), key=lambda row: row.seen_at, reverse=True)


def api_tokens_of(person: Person) -> list[ApiToken]:
    """The tokens that still work, newest first."""
    own = sa.select(ApiToken).where(
        ApiToken.person_id == person.id,
        ApiToken.revoked_at.is_(None),
        sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > clock.now()),
    )
    return list(db.session.scalars(own.order_by(ApiToken.id.desc())))


def held_by(person: Person) -> list[Held]:
    """A person's roles, with the names of the places."""
    rows = db.session.execute(
        sa.select(RoleGrant, Building, Department)
        .outerjoin(Building, Building.id == RoleGrant.building_id)
        .outerjoin(Department, Department.id == RoleGrant.department_id)
        .where(RoleGrant.person_id == person.id)
        .order_by(RoleGrant.id)
    )
    return [
        Held(grant, ROLES[grant.role], building.title if building else department.name if department else "")
        for grant, building, department in rows
    ]


def search_people(words: str) -> sa.Select[Person]:
    """People whose name or address holds these words, by name."""
    found = sa.select(Person).where(Person.erased_at.is_(None)).options(selectinload(Person.grants))
    found = found.order_by(Person.name, Person.id)
    for word in words.split()[:5]:
        held = sa.or_(Person.name.icontains(word, autoescape=True), Person.email.icontains(word, autoescape=True))
        found = found.where(held)
    return found


def count_administrators() -> int:
    """How many there are."""
    return db.session.scalar(sa.select(sa.func.count()).where(RoleGrant.role == Role.ADMINISTRATOR)) or 0


def district_choices() -> list[tuple[int, str]]:
    """The districts to choose one's own from."""
    return sorted(((one.id, one.name) for one in db.session.scalars(sa.select(District))), key=lambda pair: pair[1])


def building_choices() -> list[tuple[int, str]]:
    """The buildings someone may manage."""
    return sorted(((one.id, one.title) for one in db.session.scalars(sa.select(Building))), key=lambda pair: pair[1])


# --- what is held about someone ---


def own_data(person: Person) -> list[Extract]:
    """Everything that accounts hold about a person; of passwords and tokens there are only scrambled forms."""
    about = sa.select(
        Person.name, Person.email, Person.language, District.name_ko.label("district"), Person.created_at,
        Person.confirmed_at, Person.verified_at, Person.verified_method, Person.suspended_until, Person.erase_at,
    ).outerjoin(District, District.id == Person.district_id)  # fmt: skip
    sessions = sa.select(PersonSession.device, PersonSession.created_at, PersonSession.seen_at)
    roles = (
        sa.select(RoleGrant.role, Building.name.label("building"), Department.name_ko.label("department"))
        .add_columns(RoleGrant.granted_at)
        .outerjoin(Building, Building.id == RoleGrant.building_id)
        .outerjoin(Department, Department.id == RoleGrant.department_id)
    )
    tokens = sa.select(
        ApiToken.name, ApiToken.created_at, ApiToken.last_used_on, ApiToken.expires_at, ApiToken.revoked_at
    )
    links = sa.select(EmailToken.purpose, EmailToken.email, EmailToken.replaced, EmailToken.expires_at)
    own = [
        ("account", _l("Your account"), about.where(Person.id == person.id)),
        ("sessions", _l("Where you are signed in"), sessions.where(PersonSession.person_id == person.id)),
        ("roles", _l("Your roles"), roles.where(RoleGrant.person_id == person.id)),
        ("tokens", _l("Tokens for programs"), tokens.where(ApiToken.person_id == person.id)),
        (
            "links",
            _l("Links sent to you by e-mail"),
            links.add_columns(EmailToken.used_at).where(EmailToken.person_id == person.id),
        ),
    ]
    return [extract(*one) for one in own]
