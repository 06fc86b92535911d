import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.accounts.service import recognise
from marketplace.civic.places.models import Building, BuildingPoint, DistrictShape
from marketplace.civic.places.queries import district_at
from marketplace.kernel import clock, db, occupancy, search
from marketplace.kernel.intervals import Interval
from marketplace.portal.demo import queries, service
from marketplace.portal.demo.errors import AlreadyInhabited
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import AGREED, Booking, BookingState, Closure, Space
from marketplace.sharing.spaces.queries.rooms import SEARCH_KIND, whole
from tests.conftest import copy_of

SMALL = service.SIZES["small"]
SALTED = {"password_hash", "address", "place"}


def seed(number: int = 1) -> dict[str, int]:
    return service.seed(SMALL, number, city="하늘시")


def dump() -> str:
    """A digest of every row of every table, ids included; hashes and locked texts are never the same twice."""
    digest = hashlib.sha256()
    for table in db.Base.metadata.sorted_tables:
        if table.name == "audit_entries":
            continue  # chained by hashes of the moment they are written
        columns = [column for column in table.c if column.name not in SALTED]
        for row in db.session.execute(sa.select(*columns).order_by(*table.primary_key)):
            digest.update(json.dumps([table.name, *row], default=str).encode())
    return digest.hexdigest()


@pytest.fixture
def spaces() -> dict[int, Space]:
    seed()
    return {space.id: space for space in db.session.scalars(whole(sa.select(Space)))}


def bookings() -> Iterator[Booking]:
    yield from db.session.scalars(sa.select(Booking).order_by(Booking.created_at))


def test_the_small_city_has_what_was_asked_for():
    counts = seed()

    assert counts["districts"] == 3
    assert counts["buildings"] == 10
    assert 35 <= counts["rooms"] <= 45
    assert counts["people"] == 30
    assert counts["bookings"] == len([*bookings()])
    assert counts["bookings"] > 3_000


def test_every_booking_kept_its_rooms_rules_when_it_was_made(spaces):
    for booking in bookings():
        space = spaces[booking.space_id]
        assert booking.created_at <= clock.now()
        with clock.frozen(booking.created_at):
            assert policy.broken_rule(space, booking.interval, booking.people) is None
        assert booking.fee == space.fee(booking.minutes)


def test_what_is_agreed_is_held_with_its_buffers(spaces):
    of_rooms = sa.select(occupancy.Occupancy).where(occupancy.Occupancy.kind != occupancy.Kind.LOAN)
    held = {one.id: one for one in db.session.scalars(of_rooms)}
    for booking in bookings():
        if booking.state in AGREED:
            space, one = spaces[booking.space_id], held.pop(booking.occupancy_id or 0)
            assert one.resource_id == space.resource_id
            assert one.interval == booking.interval.widened(space.before, space.after)
        else:
            assert booking.occupancy_id is None
    closures = {closure.occupancy_id: closure.interval for closure in db.session.scalars(sa.select(Closure))}
    assert {number: one.interval for number, one in held.items()} == closures


def test_holding_a_hall_holds_its_halves(spaces):
    halves = [space for space in spaces.values() if space.part_of_id]
    assert len(halves) >= 4
    season = Interval(clock.now() - timedelta(days=40), clock.now() + timedelta(days=100))
    busy = occupancy.busy([space.resource_id for space in spaces.values()], season)
    for half in halves:
        hall = spaces[half.part_of_id]
        booked = next(b for b in bookings() if b.space_id == hall.id and b.state is BookingState.CONFIRMED)
        assert any(span.contains(booked.interval) for span in busy[half.resource_id])
        assert half.building_id == hall.building_id


def test_requests_wait_for_an_answer_with_a_date(spaces):
    requests = [booking for booking in bookings() if booking.state is BookingState.REQUESTED]

    assert requests
    for booking in requests:
        assert spaces[booking.space_id].by_request
        assert booking.starts_at > clock.now()
        assert booking.due_at
        assert booking.created_at < booking.due_at <= booking.starts_at
    assert all(booking.due_at is None for booking in bookings() if booking.state is not BookingState.REQUESTED)


def test_evenings_are_full_and_mornings_are_not(spaces):
    evening = morning = 0
    for booking in bookings():
        start = clock.local(booking.starts_at)
        if start.weekday() < 5:
            evening += start.hour >= 18
            morning += start.hour < 11
    assert evening > 4 * morning


def test_districts_are_apart_and_hold_their_buildings():
    seed()
    areas: dict[int, Any] = dict(db.session.execute(sa.select(DistrictShape.district_id, DistrictShape.shape)).all())

    assert all(area.is_valid for area in areas.values())
    assert all(a.intersection(b).area < 1e-12 for a, b in combinations(areas.values(), 2))
    places = sa.select(Building.district_id, BuildingPoint.point).join(BuildingPoint)
    assert [district for district, _ in db.session.execute(places)] == [
        district_at(point) for _, point in db.session.execute(places)
    ]


def test_rooms_and_buildings_are_found_by_their_words(spaces):
    space = spaces[1]
    found = db.session.scalars(search.matching(SEARCH_KIND, f"{space.name} {space.building.name}"))
    assert space.id in set(found)


@pytest.mark.no_database
def test_the_same_seed_makes_the_same_city(template_url, tmp_path):
    digests = []
    for number in (7, 7, 8):
        engine = db.connect(copy_of(template_url, tmp_path))
        with db.transaction():
            seed(number)
            digests.append(dump())
        engine.dispose()

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_new_rows_come_after_the_made_ones(spaces):
    person = Person(name="신입", email="new@example.org", password_hash="-")
    db.session.add(person)
    occupancy.add_resource()
    db.session.flush()
    assert person.id == SMALL.people + 1


def test_an_inhabited_database_is_left_alone():
    seed()
    with pytest.raises(AlreadyInhabited):
        seed(2)


def test_everyone_shown_can_sign_in_and_does_what_is_said():
    seed()
    assert queries.sign_ins() == list(queries.SIGN_INS)
    for shown in queries.SIGN_INS:
        assert recognise(shown.email, queries.PASSWORD).name == shown.name
    grants = sa.select(Person.email, RoleGrant.role).join(RoleGrant, RoleGrant.person_id == Person.id)
    roles = dict(db.session.execute(grants).all())
    assert roles[f"admin@{queries.DOMAIN}"] is Role.ADMINISTRATOR
    assert roles[f"manager@{queries.DOMAIN}"] is Role.MANAGER
    assert roles[f"staff@{queries.DOMAIN}"] is Role.STAFF
    assert roles[f"moderator@{queries.DOMAIN}"] is Role.MODERATOR
    assert f"resident@{queries.DOMAIN}" not in roles
    managed = set(db.session.scalars(sa.select(RoleGrant.building_id)))
    assert managed >= set(db.session.scalars(sa.select(Building.id)))


def test_the_manager_shown_has_requests_to_answer():
    seed()
    waiting = (
        sa.select(sa.func.count(Booking.id))
        .join(Space)
        .join(RoleGrant, RoleGrant.building_id == Space.building_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(Person.email == f"manager@{queries.DOMAIN}", Booking.state == BookingState.REQUESTED)
    )
    assert db.session.scalar(waiting)
