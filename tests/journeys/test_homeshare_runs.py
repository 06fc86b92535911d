"""A coordinator looks at a preview, decides by hand, sees the price and releases; a stranger recomputes; one waits."""

from datetime import timedelta
from time import monotonic, sleep

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import cells, clock
from marketplace.kernel.geo import Point
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES, Check, CheckKind, needed
from marketplace.sharing.homeshare.models.runs import Run
from matching.pairing.record import differences
from tests.factories import HOST_ANSWERS, STUDENT_ANSWERS
from tests.journeys.test_lending import BOTH

BY_THE_SEA = {"en": Point(35.15, 129.05), "ko": Point(34.75, 127.73)}
REASON = {"en": "They sing in the same choir.", "ko": "같은 합창단에서 노래합니다."}


@pytest.fixture
def taking_part(city, language):
    """A home and two students in a town of their own, ready to be paired; they are gone afterwards."""
    coordinator = city.ask(sa.select(Person.id).where(Person.email == f"coordinator@{DOMAIN}"))
    town = BY_THE_SEA[language]
    place = {"name": f"바다대학교 {language}", "name_en": "", "latitude": town.latitude, "longitude": town.longitude}
    city.change(sa.insert(Campus).values(place))
    city.typed.append(place["name"])
    campus = city.ask(sa.select(Campus.id).where(Campus.name == place["name"]))
    first, last = (str(clock.today() + timedelta(days=days)) for days in (20, 500))
    days = {"wanted_from": first, "wanted_until": last, "enrolled_until": last}
    host = {"side": Side.HOST, "answers": HOST_ANSWERS | {"free_from": first}}
    student = {"side": Side.STUDENT, "answers": STUDENT_ANSWERS | days | {"campus": campus}, "campus_id": campus}
    made = {
        who: apply(city, f"SEA{who[:3].upper()}{language.upper()}", who, coordinator, **facts)
        for who, facts in (
            ("admin", host | {"cell": cells.cell_of(town)}), ("moderator", student), ("manager", student),
        )
    }  # fmt: skip
    yield made
    over = {"state": ApplicationState.CLOSED, "closed_at": clock.now()}
    city.change(sa.update(Application).where(Application.reference.in_(made.values())).values(over))


def apply(city, reference: str, who: str, coordinator: int, **facts) -> str:
    """An application that takes part, with everything checked."""
    person = city.ask(sa.select(Person.id).where(Person.email == f"{who}@{DOMAIN}"))
    open_ = {"state": ApplicationState.OPEN, "sent_at": clock.now(), "waiting_since": clock.now()}
    city.change(sa.insert(Application).values(reference=reference, person_id=person, **open_, **facts))
    number = city.ask(sa.select(Application.id).where(Application.reference == reference))
    until = clock.today() + timedelta(days=700)
    checked = {"application_id": number, "passed": True, "checked_on": clock.today(), "good_until": until}
    for kind in needed(facts["side"]):
        for _turn in range(REFERENCES if kind is CheckKind.REFERENCE else 1):
            city.change(sa.insert(Check).values(kind=kind, by_id=coordinator, **checked))
    return reference


def preview(staff) -> int:
    """Have a preview made, and open it."""
    newest = sa.select(sa.func.coalesce(sa.func.max(Run.id), 0))
    before = staff.city.ask(newest)
    staff.go("/homeshare/staff/runs")
    staff.press("Make a preview now")
    staff.reads("A preview is being made. Look again in a minute.")
    deadline = monotonic() + 90
    while staff.city.ask(newest) == before and monotonic() < deadline:
        sleep(0.2)
    run = staff.city.ask(newest)
    staff.go(f"/homeshare/staff/runs/{run}")
    return int(run)


@BOTH
def test_a_run_is_looked_at_changed_by_hand_released_and_recomputed(visitor, taking_part, language, scripts, width):
    staff = visitor(language, scripts=scripts, width=width)
    staff.sign_in("coordinator")
    preview(staff)
    main = staff.page.locator("main").inner_text()
    assert taking_part["admin"] in main
    won = next(who for who in ("moderator", "manager") if taking_part[who] in main)
    lost = "manager" if won == "moderator" else "moderator"

    staff.follow("Why are two not a pair?")
    staff.field("Reference of the student's application").fill(taking_part[lost])
    staff.field("Reference of the home's application").fill(taking_part["admin"])
    staff.press("Ask")
    staff.reads("This was worked out again by a program that shares nothing with the one that paired them.")

    staff.go("/homeshare/staff/decisions")
    staff.field("Reference of the student's application").fill(taking_part[lost])
    staff.field("Reference of the home's application").fill(taking_part["admin"])
    staff.field("Pair these two").check()
    staff.field("Reason").fill(REASON[language])
    staff.city.typed.append(REASON[language])
    staff.press("Decide")
    staff.reads("It counts from the next run on.")
    run = preview(staff)
    staff.reads("What was decided by hand, and what it costs")
    assert REASON[language] in staff.page.locator("main").inner_text()
    staff.press("Release it")
    assert taking_part[lost] in staff.page.locator("main").inner_text()
    staff.go("/homeshare/staff/decisions")
    staff.press("Take it back")

    stranger = visitor(language, scripts=scripts, width=width)
    stranger.go("/homeshare/runs")
    link = stranger.page.locator(f'a[href$="/homeshare/runs/{run}.json"]').get_attribute("href")
    assert differences(stranger.fetch(stranger.city.address + str(link)).text()) == []

    waiting = visitor(language, scripts=scripts, width=width)
    waiting.sign_in(won)
    waiting.go(f"/homeshare/applications/{taking_part[won]}")
    waiting.follow("Why nobody is proposed to me yet")
    waiting.reads("What would change it")
    waiting.reads("What the city does")
