"""The people of the fictional city, their roles, and the accounts to look around with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

import sqlalchemy as sa

from marketplace.civic.accounts.models import Method, Person, Role, RoleGrant
from marketplace.civic.departments.models import Department
from marketplace.civic.places.models import Building, District
from marketplace.kernel import clock, credentials, db
from marketplace.portal.demo import queries
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.houses import kind_of

FROM_ABROAD, CONFIRMED, VERIFIED = 0.12, 0.96, 0.6
BUILDINGS_OF_A_MANAGER = 3
RESIDENTS_BOOKINGS = 16
"""How many bookings the demo resident has, roughly."""


@dataclass(slots=True)
class Crowd:
    """Who lives here, who books how much, and who runs which building."""

    people: list[Person]
    managers: dict[int, int]
    bookers: list[Person]
    weights: list[float]
    shown: dict[str, Person]
    """The accounts to look around with, by the first word of their addresses."""


def populate(
    random: Random, count: int, homes: list[District], houses: list[Building], bookings: int, password: str
) -> Crowd:
    """Write so many people, all with the same password, and give roles to some."""
    ids = rows.numbers(Person)
    now = clock.at(clock.today(), 0)
    stored = credentials.hashed(password)
    people = [_someone(random, next(ids), homes, now) for _ in range(count - len(queries.SIGN_INS))]
    shown = [_sign_in(sign_in, next(ids), homes[0], now) for sign_in in queries.SIGN_INS]
    people += shown
    by_who = dict(zip((sign_in.who for sign_in in queries.SIGN_INS), shown, strict=True))
    admin = by_who["admin"]
    for person in people:
        person.password_hash = stored
        person.verified_by_id = admin.id if person.verified_at and person is not admin else None
    rows.write([admin, *(person for person in people if person is not admin)])  # nobody before who verified them
    managers = _grant(random, people, by_who, houses)
    resident = by_who["resident"]
    bookers = [person for person in people if person.confirmed_at and (person is resident or person not in shown)]
    weights = [random.paretovariate(1.6) for _ in bookers]
    weights[bookers.index(resident)] = RESIDENTS_BOOKINGS / max(bookings, 1) * sum(weights)
    return Crowd(people, managers, bookers, list(accumulate(weights)), by_who)


def _someone(random: Random, number: int, homes: list[District], now: datetime) -> Person:
    names = words.names()
    joined = now - timedelta(minutes=random.randrange(100 * 1440, 900 * 1440))
    if random.random() < FROM_ABROAD:
        name = random.choice(names["from_abroad"])
        latin, language = name.lower().replace(" ", "."), random.choice(("en", "en", "ko"))
    else:
        (family, family_latin), (given, given_latin) = random.choice(names["family"]), random.choice(names["given"])
        name, latin, language = family + given, f"{given_latin}.{family_latin}", "ko"
    confirmed = random.random() < CONFIRMED
    verified = confirmed and random.random() < VERIFIED
    return Person(
        id=number,
        name=name,
        email=f"{latin}.{number}@example.{random.choice(('org', 'com', 'net'))}",
        language=language,
        district_id=random.choice(homes).id,
        confirmed_at=joined + timedelta(minutes=random.randrange(2, 600)) if confirmed else None,
        verified_at=joined + timedelta(days=random.randrange(1, 30)) if verified else None,
        verified_method=random.choice(list(Method)) if verified else None,
        created_at=joined,
        version=1,
    )


def _sign_in(sign_in: queries.SignIn, number: int, home: District, now: datetime) -> Person:
    verified = sign_in.who != "newcomer"
    joined = now - timedelta(days=400 if verified else 100)
    return Person(
        id=number,
        name=sign_in.name,
        email=sign_in.email,
        language="ko" if verified else "en",
        district_id=home.id,
        confirmed_at=joined + timedelta(minutes=7),
        verified_at=joined + timedelta(days=2) if verified else None,
        verified_method=Method.COUNTER if verified else None,
        created_at=joined,
        version=1,
    )


def _grant(random: Random, people: list[Person], by_who: dict[str, Person], houses: list[Building]) -> dict[int, int]:
    """Give out the roles; says who manages each building."""
    admin, departments = by_who["admin"], _departments()
    others = [person for person in people if person.verified_at and person not in by_who.values()]
    random.shuffle(others)
    managers = _managers(by_who["manager"], others, houses)
    given: list[tuple[Person, Role, Building | None, Department | None]] = [
        (admin, Role.ADMINISTRATOR, None, None),
        (by_who["moderator"], Role.MODERATOR, None, None),
        (by_who["coordinator"], Role.COORDINATOR, None, None),
        (by_who["staff"], Role.STAFF, None, departments[0]),
        *((person, Role.MANAGER, building, None) for building, person in managers),
        *((person, Role.STAFF, None, of) for of, person in zip(departments, reversed(others), strict=False)),
    ]
    ids = rows.numbers(RoleGrant)
    rows.write(
        [
            RoleGrant(
                id=next(ids),
                person_id=person.id,
                role=role,
                building_id=building.id if building else None,
                department_id=department.id if department else None,
                granted_by_id=admin.id,
                granted_at=admin.created_at + timedelta(days=30),
            )
            for person, role, building, department in given
        ]
    )
    return {building.id: person.id for building, person in managers}


def _managers(shown: Person, others: list[Person], houses: list[Building]) -> list[tuple[Building, Person]]:
    near = [building for building in houses if building.district_id == houses[0].district_id]
    own = [houses[0], next((building for building in near if _has_requests(building)), houses[1])]
    rest = [building for building in houses if building not in own]
    half = others[: max(len(others) // 2, 1)]
    return [(building, shown) for building in own] + [
        (building, half[place // BUILDINGS_OF_A_MANAGER % len(half)]) for place, building in enumerate(rest)
    ]


def _has_requests(building: Building) -> bool:
    return any(room.get("rules", {}).get("by_request") for room in kind_of(building)["rooms"])


def _departments() -> list[Department]:
    """Those of the city; if it has none yet, a few."""
    known = list(db.session.scalars(sa.select(Department).order_by(Department.id)))
    if not known:
        ids = rows.numbers(Department)
        known = [
            Department(id=next(ids), code=code, name_ko=korean, name_en=english)
            for code, korean, english in words.names()["departments"]
        ]
        rows.write(known)
    return known
