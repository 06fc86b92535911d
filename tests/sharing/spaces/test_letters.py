"""Each letter about a booking, as its reader gets it, with the calendar entry that comes along."""

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa
from icalendar import Calendar, Event
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import db
from marketplace.sharing.spaces.models import Booking, Space
from marketplace.sharing.spaces.queries import bookings as queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.service import bookings
from marketplace.sharing.spaces.service import rooms as running
from tests import factories
from tests.factories import march


@dataclass(frozen=True)
class Letter:
    """A letter as its reader sees it."""

    to: str
    subject: str
    body: str
    entry: Event | None


@pytest.fixture
def mail(letters: Callable[[], list[str]]) -> Callable[[], list[Letter]]:
    """Do the waiting jobs and read what they wrote."""

    def read() -> list[Letter]:
        found = []
        for text in letters():
            letter = message_from_bytes(text.encode(), policy=policy.default)
            body, entry = letter.get_body(("plain",)), None
            for part in letter.iter_attachments():
                assert part.get_content_type() == "text/calendar"
                entry = Calendar.from_ical(part.get_content()).events[0]
            assert body is not None
            found.append(Letter(letter["To"], letter["Subject"], body.get_content(), entry))
        return found

    return read


@pytest.fixture
def library():
    return factories.building("강변도서관", name_en="Riverside Library", road_address="강변로 1")


@pytest.fixture
def room(library) -> Space:
    return factories.space("회의실", name_en="Meeting room", building=library, by_request=True, base_fee=5_000)


@pytest.fixture
def manager(library) -> Person:
    return factories.person("Manager", "manager@example.org", roles=[(Role.MANAGER, library)])


def resident(language: str = "en") -> Person:
    return factories.person("Jiwoo Park", f"{language}@example.org", language=language)


def again(booking: Booking) -> Booking:
    """The booking as the next request finds it."""
    return queries.get_booking(booking.reference)


def back(person: Person) -> Person:
    """Someone as the next request finds them."""
    found = sa.select(Person).where(Person.id == person.id).options(selectinload(Person.grants))
    return db.session.scalars(found).one()


def test_a_booking_made_at_once_is_confirmed_with_an_entry_for_the_calendar(library, mail):
    room = factories.space("회의실", name_en="Meeting room", building=library, base_fee=5_000)
    booking = factories.booking(room, march(10, 18, 20), by=resident())

    (letter,) = mail()

    assert letter.to == "en@example.org"
    assert letter.subject == "Your room is booked: Wed 10 March, 18:00 to 20:00"
    for words in (booking.reference, "Meeting room, Riverside Library", "강변로 1", "₩10,000", "Tue 9 March, 18:00"):
        assert words in letter.body
    assert f"http://localhost/spaces/bookings/{booking.reference}" in letter.body
    assert letter.entry is not None
    assert letter.entry["UID"] == f"{booking.reference}@maeul"
    assert letter.entry["SUMMARY"] == "Meeting room, Riverside Library"
    assert letter.entry["LOCATION"] == "강변로 1"
    assert letter.entry["STATUS"] == "CONFIRMED"
    assert letter.entry["SEQUENCE"] == 0
    assert (letter.entry.start, letter.entry.end) == (booking.starts_at, booking.ends_at)


def test_a_booking_too_late_to_cancel_promises_no_cancelling(mail):
    booking = factories.booking(factories.space(cancel_hours=48), march(2, 18, 20), by=resident())

    (letter,) = mail()

    assert "You may change or cancel until" not in letter.body
    assert f"See your booking:\nhttp://localhost/spaces/bookings/{booking.reference}" in letter.body


def test_the_entry_in_the_calendar_follows_the_booking(room, manager, mail):
    booking = factories.booking(room, march(10, 18, 20), by=resident())
    bookings.accept(back(manager), again(booking))
    mail()
    bookings.move(again(booking).person, again(booking), march(11, 18, 20), version=again(booking).version)
    mail()
    bookings.cancel(again(booking).person, again(booking))

    entries = [letter.entry for letter in mail() if letter.entry is not None]

    assert {entry["UID"] for entry in entries} == {f"{booking.reference}@maeul"}
    assert [entry["STATUS"] for entry in entries] == [
        "CONFIRMED",
        "TENTATIVE",
        "CANCELLED",
    ]  # a new time is a new request
    sequences = [entry["SEQUENCE"] for entry in entries]
    assert sequences == sorted(set(sequences))
    assert entries[1].start == march(11, 18, 20).starts_at


def test_a_request_is_written_to_both_sides(room, manager, mail):
    booking = factories.booking(room, march(10, 18, 20), by=resident())

    to_resident, to_manager = sorted(mail(), key=lambda letter: letter.to)

    assert to_resident.subject == "Your request is sent: Wed 10 March, 18:00 to 20:00"
    assert "answers your request by Thu 4 March, 09:00" in to_resident.body
    assert to_resident.entry is None
    assert to_manager.to == manager.email
    assert to_manager.subject == "A request waits for your answer: Wed 10 March, 18:00 to 20:00"
    for words in ("Jiwoo Park asks for a room.", "People: 5", "A reading circle"):
        assert words in to_manager.body
    assert f"http://localhost/spaces/staff/bookings/{booking.reference}" in to_manager.body


def test_a_manager_is_not_asked_about_what_was_withdrawn_meanwhile(room, manager, mail):
    booking = factories.booking(room, march(10, 18, 20), by=resident())
    bookings.cancel(booking.person, booking)

    assert manager.email not in [letter.to for letter in mail()]


def test_a_refusal_gives_the_buildings_reason_and_a_way_on(room, manager, mail):
    booking = factories.booking(room, march(10, 18, 20), by=resident())
    mail()
    bookings.decline(back(manager), again(booking), "The choir has it & <won't> move.")

    letter = mail()[-1]

    assert letter.subject == "Your request was declined: Wed 10 March, 18:00 to 20:00"
    assert "The choir has it & <won't> move." in letter.body
    assert f"http://localhost/spaces/{room.id}" in letter.body
    assert letter.entry is not None
    assert letter.entry["STATUS"] == "CANCELLED"


def test_a_closure_tells_everyone_why(room, manager, mail):
    people = [resident("en"), resident("ko")]
    made = [factories.booking(room, march(10 + n, 18, 20), by=person) for n, person in enumerate(people)]
    mail()
    before = len(mail())
    week = march(8, 0, 24 * 7)
    running.close(
        back(manager),
        rooms.get_space(room.id),
        week,
        "The floor is renewed.",
        cancelling=[booking.id for booking in made],
    )

    told = mail()[before:]

    assert sorted(letter.to for letter in told) == ["en@example.org", "ko@example.org"]
    for letter in told:
        assert "The floor is renewed." in letter.body
        assert letter.entry is not None
        assert letter.entry["STATUS"] == "CANCELLED"


def test_who_was_not_answered_is_told(room, manager, mail, monday):
    booking = factories.booking(room, march(10, 18, 20), by=resident())
    mail()
    monday(booking.starts_at)
    bookings.lapse()

    assert mail()[-1].subject == "Your request was not answered in time: Wed 10 March, 18:00 to 20:00"


def test_every_letter_is_in_the_language_of_its_reader(room, manager, mail):
    """Dates, names and the calendar entry need no translation catalogue to be Korean."""
    person = resident("ko")
    booking = factories.booking(room, march(10, 18, 20), by=person)
    mail()
    bookings.accept(back(manager), again(booking))
    mail()
    bookings.move(person, again(booking), march(11, 18, 20), version=again(booking).version)
    mail()
    bookings.cancel(person, again(booking))
    second = factories.booking(rooms.get_space(room.id), march(12, 18, 20), by=person)
    mail()
    bookings.decline(back(manager), again(second), "공사 중입니다")

    own = [letter for letter in mail() if letter.to == person.email]

    assert len(own) == 6
    for letter in own:
        assert "수요일" in letter.subject or "목요일" in letter.subject or "금요일" in letter.subject
        assert "회의실, 강변도서관" in letter.body
        assert "Meeting room" not in letter.body
        if letter.entry is not None:
            assert letter.entry["SUMMARY"] == "회의실, 강변도서관"
    assert "공사 중입니다" in own[-1].body
