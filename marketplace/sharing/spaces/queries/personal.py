"""What rooms and bookings say about one person."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import Building
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.spaces.models import Booking, Closure, Space


def own_data(person: Person) -> list[Extract]:
    """A person's bookings; and as a manager, the answers given and the closures made."""
    where = (Space.name.label("room"), Building.name.label("building"))
    when = (Booking.reference, Booking.starts_at, Booking.ends_at, Booking.state)
    told = (Booking.people, Booking.purpose, Booking.fee, Booking.reason, Booking.created_at)
    bookings = _at_a_place(sa.select(*when, *where, *told), Booking.space_id)
    answers = _at_a_place(sa.select(*when, *where, Booking.reason), Booking.space_id)
    closures = _at_a_place(sa.select(*where, Closure.starts_at, Closure.ends_at, Closure.reason), Closure.space_id)
    return [
        extract("bookings", _l("Your bookings"), bookings.where(Booking.person_id == person.id)),
        extract("answers", _l("Answers you gave to requests"), answers.where(Booking.decided_by_id == person.id)),
        extract("closures", _l("Closures you made"), closures.where(Closure.made_by_id == person.id)),
    ]


def _at_a_place(query: sa.Select[*tuple[object, ...]], space_id: object) -> sa.Select[*tuple[object, ...]]:
    return query.join(Space, Space.id == space_id).join(Building, Building.id == Space.building_id)
