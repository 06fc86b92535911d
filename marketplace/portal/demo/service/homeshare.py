"""Who applied for home share in the fictional city, and what coordinators made sure of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.kernel import cells, clock
from marketplace.kernel.geo import Point, haversine_m
from marketplace.portal.demo.service import land, rows, words
from marketplace.portal.demo.service.dwellings import Dwelling, Dwellings
from marketplace.portal.demo.service.people import Crowd
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES, Check, CheckKind, needed
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.questions import BILLS, FOOD, FURNITURE, KITCHEN

DAY = timedelta(days=1)
YEAR, LATELY = 380, 14
"""For how many days people have applied, and how lately that they are still being checked."""

JUST_READY, FRESH = LATELY + 1, 0.07
COORDINATORS = 3
TWO_COME, MORE_ROOMS, SMOKES, AVOIDS, STEP_FREE, SAYS_SOMETHING = 0.05, 0.15, 0.1, 0.15, 0.04, 0.7
WAYS = (4_000, 6_000, 6_000, 8_000, 10_000)


@dataclass(slots=True)
class Applied:
    """Everyone who applied, with what was checked of each."""

    students: list[Application]
    homes: list[Application]
    campuses: dict[int, Campus]
    checks: dict[int, list[Check]] = field(default_factory=dict)
    coordinators: list[Person] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    """The accounts to look around with."""


def apply(
    random: Random, students: int, homes: int, campuses: int, crowd: Crowd, ground: land.Land, dwellings: Dwellings
) -> Applied:  # fmt: skip
    """So many students and homes, the accounts shown among them, and what was checked; `live` writes them."""
    shown = {person.id for person in crowd.shown.values()}
    others = [one for one in crowd.people if one.verified_at and one.id not in shown]
    looked_after = _coordinators(random, others, crowd)
    others = [one for one in others if one not in looked_after]
    hosts = [crowd.shown["host"], *random.sample(others, min(homes, len(others) // 3) - 1)]
    free = [one for one in crowd.bookers if one.id not in shown and one not in hosts and one not in looked_after]
    seekers = [crowd.shown["student"], *random.sample(free, min(students, len(free)) - 1)]
    made = Applied([], [], {one.id: one for one in _campuses(random, campuses, ground)}, coordinators=looked_after)
    made.people = {one.id: one for one in crowd.shown.values()}
    writing = _Writing(random, made)
    living = dwellings.of(hosts)
    for person in hosts:
        writing.home(person, living[person.id], is_shown=person.id in shown)
    for person in seekers:
        writing.student(person, is_shown=person.id in shown)
    return made


def _coordinators(random: Random, others: list[Person], crowd: Crowd) -> list[Person]:
    more = random.sample(others, min(COORDINATORS - 1, len(others) // 50))
    ids, admin = rows.numbers(RoleGrant), crowd.shown["admin"]
    since = admin.created_at + 40 * DAY
    rows.write(
        [
            RoleGrant(
                id=next(ids), person_id=one.id, role=Role.COORDINATOR, granted_by_id=admin.id, granted_at=since
            )
            for one in more
        ]
    )  # fmt: skip
    return [crowd.shown["coordinator"], *more]


def _campuses(random: Random, count: int, ground: land.Land) -> list[Campus]:
    ids = rows.numbers(Campus)
    named = words.homeshare()["campuses"][:count]
    made = []
    for number, (korean, english) in enumerate(named):
        (spot,) = ground.spots(random, number % len(ground.districts), 1)
        made.append(
            Campus(id=next(ids), name=korean, name_en=english, latitude=spot.latitude, longitude=spot.longitude)
        )
    rows.write(made)
    return made


class _Writing:
    def __init__(self, random: Random, made: Applied) -> None:
        self.random, self.made, self.today = random, made, clock.today()
        self.pack = programme().pack
        self.ids, self.check_ids = rows.numbers(Application), rows.numbers(Check)

    def student(self, person: Person, *, is_shown: bool) -> None:
        """Someone who looks for a room near their place of study."""
        random, known = self.random, self.pack.words
        sent_on = self._sent_on(is_shown)
        people = 2 if random.random() < TWO_COME and not is_shown else 1
        from_ = sent_on + random.randrange(20, 60) * DAY
        until = from_ + random.choice((183, 365, 365, 730)) * DAY
        campus_id = random.choice(list(self.made.campuses)) if not is_shown else self._nearest_campus()
        doing = _some(random, known.tasks[:6], 3 if not is_shown else 6)
        answers = {
            "campus": campus_id, "adult": True, "people": people,
            "wanted_from": str(from_), "wanted_until": str(max(until, self.today + 400 * DAY)), "least_stay": 180,
            "budget": random.randrange(22, 31) * 10_000 if not is_shown else 300_000,
            "hours": random.randrange(3, 11), "evenings": random.randrange(2, 7),
            "tasks": doing, "liked_tasks": _some(random, doing, 1), "smokes": random.random() < SMOKES and not is_shown,
            "pets": [], "avoids": [random.choice(known.allergens)] if random.random() < AVOIDS else [],
            "step_free": random.random() < STEP_FREE and not is_shown,
            "longest_way": random.choice(WAYS) if not is_shown else 10_000,
            "languages": _spoken(random, person), "kitchen": random.choice(list(KITCHEN)),
            "food": random.choice(list(FOOD)), **self._manners(is_shown),
        }  # fmt: skip
        if random.random() < SAYS_SOMETHING or is_shown:
            answers["about"] = _said(random, "students", person)
        application = self._application(Side.STUDENT, person, sent_on, answers, is_shown)
        application.campus_id, application.people = campus_id, people
        if random.random() < 0.2:
            application.needed_by = from_ + random.randrange(0, 30) * DAY
        self.made.students.append(application)
        self._check(application, sent_on)

    def home(self, person: Person, dwelling: Dwelling, *, is_shown: bool) -> None:
        """An older resident with a room to spare, or two."""
        random, known = self.random, self.pack.words
        sent_on = self._sent_on(is_shown)
        rooms = random.choice((2, 2, 3)) if random.random() < MORE_ROOMS and not is_shown else 1
        wanted = _some(random, known.tasks[:6], 1)[:2]
        has = [random.choice(("cat", "dog", "plants"))] if random.random() < AVOIDS and not is_shown else []
        answers = {
            "eligible": True, "rooms": rooms, "free_from": str(sent_on + random.randrange(5, 40) * DAY),
            "least_stay": 180, "rent": random.randrange(20, 31) * 10_000 if not is_shown else 250_000, "deposit": 0,
            "hours": random.randrange(0, 9), "evenings": random.randrange(0, 5), "tasks": wanted,
            "welcome_tasks": _some(random, [one for one in known.tasks if one not in wanted], 1),
            "smoking": random.random() < SMOKES, "pets": [], "allergens": has,
            "steps": random.choice((0, 0, 3, 12, 24)),
            "lift": random.random() < 0.6, "languages": ["ko"], "square_metres": random.randrange(8, 19),
            "furniture": _some(random, list(FURNITURE), 2), "lock": True, "notice": random.choice((14, 30, 30, 60)),
            "bills": random.choice(list(BILLS)), "kitchen": random.choice(list(KITCHEN)),
            "food": random.choice(list(FOOD)), **self._manners(is_shown),
        }  # fmt: skip
        if random.random() < SAYS_SOMETHING or is_shown:
            answers["about"] = _said(random, "hosts", person)
        if is_shown:
            answers |= {"hours": 3, "evenings": 2}
        application = self._application(Side.HOST, person, sent_on, answers, is_shown)
        application.rooms, application.cell, application.district_id = rooms, dwelling.cell, dwelling.district_id
        lock(application, "address", dwelling.address)
        self.made.homes.append(application)
        self._check(application, sent_on)

    def _sent_on(self, is_shown: bool) -> date:
        """How long ago someone sent it; some are ready since yesterday, so that last night's preview has pairs."""
        if is_shown:
            return self.today - 40 * DAY
        return self.today - (JUST_READY if self.random.random() < FRESH else self.random.randrange(1, YEAR)) * DAY

    def _nearest_campus(self) -> int:
        """The place of study next to the home of the account to look around with."""
        home = cells.centre(self.made.homes[0].cell or 0)
        return min(
            self.made.campuses.values(),
            key=lambda one: haversine_m(home, Point(one.latitude, one.longitude)),
        ).id

    def _manners(self, is_shown: bool) -> dict[str, str]:
        """How often guests come and how quiet the nights are: at best, and between which red lines."""
        said: dict[str, str] = {}
        for scale in ("guests", "quiet"):
            levels = getattr(self.pack.words, scale)
            at = self.random.randrange(1, len(levels) - 1) if not is_shown else 2
            low, high = max(0, at - self.random.choice((1, 2))), min(len(levels) - 1, at + self.random.choice((1, 2)))
            said |= {scale: levels[at], f"least_{scale}": levels[low], f"most_{scale}": levels[high]}
        return said

    def _application(
        self, side: Side, person: Person, sent_on: date, answers: dict[str, Any], is_shown: bool
    ) -> Application:  # fmt: skip
        number, sent_at = next(self.ids), self._moment(sent_on)
        coordinators = self.made.coordinators
        return Application(
            id=number, reference=rows.reference(number), side=side, person_id=person.id, answers=answers,
            state=ApplicationState.SENT, created_at=sent_at - 2 * DAY, touched_at=sent_at, sent_at=sent_at,
            coordinator_id=coordinators[0 if is_shown else number % len(coordinators)].id, version=1,
        )  # fmt: skip

    def _check(self, application: Application, sent_on: date) -> None:
        """Whoever sent it some time ago was checked in the weeks after that, and takes part since."""
        checks = self.made.checks[application.id] = list(self._checks(application, sent_on))
        done = max((check.checked_on for check in checks), default=self.today)
        if checks and (self.today - sent_on).days > LATELY:
            application.state, application.waiting_since = ApplicationState.OPEN, self._moment(done)

    def _checks(self, application: Application, sent_on: date) -> Iterator[Check]:
        everything = (self.today - sent_on).days > LATELY
        for kind in needed(application.side):
            for of_second in (False, True)[: application.people]:
                for _turn in range(REFERENCES if kind is CheckKind.REFERENCE else 1):
                    on = sent_on + self.random.randrange(1, LATELY) * DAY
                    if (self.today - sent_on).days == JUST_READY and kind is CheckKind.INTERVIEW:
                        on = self.today - DAY
                    if on < self.today and (everything or self.random.random() < 0.6):
                        yield self._passed(application, kind, of_second, on)

    def _passed(self, application: Application, kind: CheckKind, of_second: bool, on: date) -> Check:
        term = self._end_of_term(on) if kind is CheckKind.ENROLMENT else on + kind.good_for * DAY
        facts = {"square_metres": self.random.randrange(8, 18)} if kind is CheckKind.VISIT else {}
        return Check(
            id=next(self.check_ids), application_id=application.id, kind=kind, of_second=of_second, passed=True,
            checked_on=on, good_until=term, facts=facts, by_id=application.coordinator_id, made_at=self._moment(on),
        )  # fmt: skip

    def _end_of_term(self, on: date) -> date:
        """Most are enrolled for another year and more from today; some have to show it anew soon."""
        soon = self.random.random() < 0.1
        return max(on, self.today) + self.random.randrange(5, 30 if soon else 700) * DAY

    def _moment(self, on: date) -> datetime:
        return clock.at(on, self.random.randrange(9 * 60, 18 * 60))


def _said(random: Random, side: str, person: Person) -> str:
    korean, english = random.choice(words.homeshare()[side])
    return str(korean if person.language == "ko" else english)


def _some(random: Random, of: tuple[str, ...] | list[str], least: int) -> list[str]:
    """Some words of a list, in their order."""
    chosen = random.sample(list(of), random.randint(min(least, len(of)), len(of)))
    return [one for one in of if one in chosen]


def _spoken(random: Random, person: Person) -> list[str]:
    return (
        ["ko", *random.sample(["en", "zh", "ja", "vi", "mn"], random.choice((0, 1, 1, 2)))]
        if (person.language == "ko" or random.random() < 0.7)
        else ["en", random.choice(["zh", "vi", "fr"])]
    )
