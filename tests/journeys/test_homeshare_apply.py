"""A host applies on the telephone, a student on the pages: both are checked, and then take part."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.places.models import Building, BuildingPoint
from marketplace.kernel import clock
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus
from marketplace.sharing.homeshare.models.checks import Finding
from tests.journeys.test_lending import BOTH

HOSTS = {"en": "Boksoon Han", "ko": "한복순"}
SPEAKS = {"en": ["Yuna Han", "Doyun Seo"], "ko": ["한유나", "서도윤"]}
WORDS = {"en": "We sang in the same choir for years.", "ko": "여러 해 같은 합창단에서 노래했습니다."}
NOTE = {"en": "A quiet house.", "ko": "조용한 집입니다."}
ADDRESS = {"en": "12 River Road, door 4", "ko": "강변로 12, 4호"}
CARD = {"en": "Card shown", "ko": "신분증 확인"}
FIRST, LAST = (clock.today() + timedelta(days=days) for days in (20, 400))
BOTH_SIDES: dict[str, dict[str, Any]] = {
    "phone": {"phone": "02-123-4567"},
    "about": {},
    "evenings": {"evenings": "3"},
    "pets": {},
    "guests": {"guests": "monthly", "least_guests": "never", "most_guests": "weekly"},
    "quiet": {"quiet": "after_eleven", "least_quiet": "any_time", "most_quiet": "after_nine"},
    "kitchen": {"kitchen": "any_time", "food": "sometimes"},
}
HOST: dict[str, dict[str, Any]] = BOTH_SIDES | {
    "eligible": {"eligible": "yes"},
    "languages": {"languages": ["ko"]},
    "room": {"rooms": "1", "square_metres": "12", "furniture": ["bed", "desk"], "lock": "yes"},
    "way_in": {"steps": "3", "lift": "no"},
    "allergens": {"allergens": ["plants"]},
    "dates": {"free_from": FIRST.isoformat(), "least_stay": "180", "notice": "30"},
    "rent": {"rent": "250000", "bills": "shared"},
    "help": {"hours": "5", "tasks": ["company"], "welcome_tasks": ["garden"]},
    "smoking": {"smoking": "no"},
}
STUDENT: dict[str, dict[str, Any]] = BOTH_SIDES | {
    "adult": {"adult": "yes"},
    "people": {"people": "1"},
    "languages": {"languages": ["ko", "en"]},
    "longest_way": {"longest_way": "8000"},
    "dates": {"wanted_from": FIRST.isoformat(), "wanted_until": LAST.isoformat(), "least_stay": "180"},
    "budget": {"budget": "280000"},
    "help": {"hours": "8", "tasks": ["company", "shopping"], "liked_tasks": ["company"]},
    "smokes": {"smokes": "no"},
    "avoids": {},
    "step_free": {"step_free": "no"},
}


@pytest.fixture
def coordinator(visitor, city):
    """A window of somebody who looks after home share."""

    def come(language, scripts, width):
        who = city.ask(sa.select(Person.id).where(Person.email == f"staff@{DOMAIN}"))
        if not city.ask(sa.select(RoleGrant.id).where(RoleGrant.person_id == who, RoleGrant.role == Role.COORDINATOR)):
            city.change(sa.insert(RoleGrant).values(person_id=who, role=Role.COORDINATOR))
        made = visitor(language, scripts=scripts, width=width)
        made.sign_in("staff")
        return made

    return come


def fill(visitor, given: Mapping[str, Any]) -> None:
    """Answer the questions of the page, whatever they look like."""
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            choice = visitor.page.locator(f'input[name="{name}"][value="{one}"]:is([type=radio], [type=checkbox])')
            if choice.count():
                choice.check()
            elif visitor.page.locator(f'select[name="{name}"]').count():
                visitor.page.locator(f'select[name="{name}"]').select_option(one)
            else:
                visitor.page.locator(f'[name="{name}"]').fill(one)


def answer_section(visitor, title: str, pages: Mapping[str, Mapping[str, Any]]) -> None:
    """Answer one page after the other, until the task list is back."""
    visitor.follow(title)
    while "/questions/" in visitor.page.url:
        fill(visitor, pages[visitor.page.url.partition("?")[0].rpartition("/")[2]])
        visitor.press("Save and go on")


def name_two(visitor, language: str, **reach: str) -> None:
    """A daughter and a neighbour speak for them."""
    visitor.city.typed += [*SPEAKS[language], WORDS[language], NOTE[language], ADDRESS[language], CARD[language]]
    visitor.follow("People who know you")
    for number, relation in enumerate(("family", "neighbour")):
        named = {"name": SPEAKS[language][number], "relation": relation, "language": language}
        fill(visitor, named | {way: where.format(number) for way, where in reach.items()})
        visitor.press("Save")
    visitor.follow("That is enough. Back to all parts")


def send(visitor) -> str:
    """Check all answers and send them; the number of the application."""
    visitor.follow("Check your answers and send")
    visitor.press("Send")
    visitor.reads("Sent. A coordinator reads it and gets in touch.")
    return str(visitor.page.url.partition("?")[0].rpartition("/")[2])


def put_down(staff, reference: str, *kinds: str) -> None:
    """Record that these were checked and found good."""
    for kind in kinds:
        staff.go(f"/homeshare/staff/applications/{reference}")
        staff.click(staff.page.locator(f'a[href*="/checks/{kind}"]').first)
        staff.field("Yes").check()
        staff.field("How was it checked?").fill(CARD[staff.language])
        staff.press("Put down")


def hear(staff, reference: str, how: str) -> None:
    """Put down what both who speak for someone said."""
    for number in (0, 1):
        staff.go(f"/homeshare/staff/applications/{reference}")
        staff.click(staff.page.locator('a[href*="/staff/references/"]').first)
        if how == "letter":
            staff.reads(WORDS[staff.language])
        staff.field("Yes").check()
        staff.press("Put down")
        assert staff.page.locator('a[href*="/staff/references/"]').count() == 1 - number


def state_of(city, reference: str) -> Any:
    """Where an application stands."""
    return city.ask(sa.select(Application.state).where(Application.reference == reference))


@BOTH
def test_a_host_applies_on_the_telephone_is_visited_and_takes_part(coordinator, city, language, scripts, width):
    staff = coordinator(language, scripts, width)
    city.typed.append(HOSTS[language])
    placed = sa.select(Building.name).join(BuildingPoint, BuildingPoint.building_id == Building.id)
    near = city.ask(placed.order_by(Building.id))
    staff.go("/homeshare/staff")
    staff.follow("Enter an application for someone")
    fill(staff, {"side": "host", "channel": "phone", "name": HOSTS[language], "phone": "02-123-4567"})
    fill(staff, {"language": language})
    staff.press("Begin")
    pages = HOST | {"place": {"near": near, "address": ADDRESS[language]}}
    for section in ("About you", "Your home", "When and how long", "Rent and help", "Living together"):
        answer_section(staff, section, pages)
    name_two(staff, language, phone="02-987-654{}")
    reference = send(staff)

    staff.follow("The case")
    staff.press("Look after it")
    staff.follow("Make an appointment")
    fill(staff, {"kind": "visit", "day": (clock.today() + timedelta(days=3 + scripts)).isoformat(), "starts": "10:00"})
    staff.press("Agree on it")
    put_down(staff, reference, "identity", "record", "interview")
    staff.click(staff.page.locator('a[href*="/checks/visit"]').first)
    fill(staff, {"found": [one.value for one in Finding], "square_metres": "12", "note": NOTE[language]})
    staff.press("Put down")
    assert state_of(city, reference) == ApplicationState.SENT
    hear(staff, reference, "phone")

    staff.reads("taking part")
    assert state_of(city, reference) == ApplicationState.OPEN
    staff.follow("Read the notes")
    staff.reads(NOTE[language])
    staff.go("/homeshare/staff")
    staff.reads("Who waits longest")


@BOTH
def test_a_student_applies_is_spoken_for_by_letter_and_takes_part(visitor, coordinator, city, language, scripts, width):
    who = {"en": "resident", "ko": "newcomer"}[language]
    if not city.ask(sa.select(Campus.id)):
        city.change(sa.insert(Campus).values(name="강변대학교", name_en="", latitude=37.55, longitude=126.99))
        city.typed.append("강변대학교")
    student, staff = visitor(language, scripts=scripts, width=width), coordinator(language, scripts, width)
    student.sign_in(who)
    student.go("/homeshare")
    student.follow("Apply as a student")
    student.press("Begin")
    pages = STUDENT | {"campus": {"campus": str(city.ask(sa.select(Campus.id)))}}
    answer_section(student, "About you", pages)
    student.follow("Living together")
    fill(student, {"smokes": "no"})
    student.press("Save and go on")
    student.go(re.sub(r"questions/.*", "questions/guests", student.page.url))
    fill(student, {"guests": "monthly", "least_guests": "often", "most_guests": "never"})
    student.press("Save and go on")
    student.reads("The least you could live with is more than the most. Change one of the two.")
    assert student.page.locator('input[name="least_guests"][value="often"]').is_checked()
    student.follow("All parts")
    for section in ("Where you study", "When and how long", "Rent and help", "Living together"):
        answer_section(student, section, pages)
    name_two(student, language, email="speaks{}." + f"{language}@example.org")
    reference = send(student)

    for number in (0, 1):
        staff.go(f"/homeshare/staff/applications/{reference}")
        staff.click(staff.page.locator("form[action*='/ask'] button").first)
        speaker = visitor(language, scripts=scripts, width=width)
        speaker.email, speaker.letters_before = f"speaks{number}.{language}@example.org", 0
        speaker.open_letter("A word about {name}")
        speaker.click(speaker.page.locator(".letter a[href*='/homeshare/references/']"))
        fill(speaker, {"recommends": "yes", "words": WORDS[language]})
        speaker.press("Send")
        speaker.reads("What you wrote has arrived. Only coordinators read it.")
    hear(staff, reference, "letter")
    put_down(staff, reference, "identity", "enrolment", "record", "interview")

    assert state_of(city, reference) == ApplicationState.OPEN
    student.open_letter("You take part in home share")
    student.click(student.page.locator(".letter a[href*='/homeshare/applications/']"))
    student.reads("taking part")
