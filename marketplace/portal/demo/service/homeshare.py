"""A year of home share in the fictional city: who applied, what was checked, and whom they live with."""

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
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Closed, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES, Check, CheckKind, needed
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import GOING_ON, TOGETHER, Answer, Match, MatchState
from marketplace.sharing.homeshare.models.overrides import Override, OverrideKind
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.questions import BILLS, FOOD, FURNITURE, KITCHEN
from marketplace.sharing.homeshare.models.runs import Run, RunPerson, RunState
from marketplace.sharing.homeshare.runs import Drawn, Snapshot, card, draw
from marketplace.sharing.homeshare.service.runs import FACTS_KEPT, SEED_BITS, record

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
    writing = _Writing(random, made)
    living = dwellings.of(hosts)
    for person in hosts:
        writing.home(person, living[person.id], is_shown=person.id in shown)
    for person in seekers:
        writing.student(person, is_shown=person.id in shown)
    return made


def _coordinators(random: Random, others: list[Person], crowd: Crowd) -> list[Person]:
    more = random.sample(others, min(COORDINATORS - 1, len(others) // 4))
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


# --- a year of it ---

RUN_EVERY = 14
ANSWER, MEET, MOVE_IN, TRIAL = 5, 10, 21, 21
"""So many days after a run both have answered, have met, move in; and for how long they try it."""

DECLINED, EXPIRED, PARTED, LEFT = 0.12, 0.05, 0.4, 0.06
"""The share of proposals that come to nothing, of pairs that part in the year, of students who go elsewhere."""


def live(random: Random, applied: Applied) -> int:
    """Write a year of runs, what became of proposals, and last night's preview; says how many live together."""
    year = _Year(random, applied)
    today = clock.today()
    for back in range(YEAR - RUN_EVERY, RUN_EVERY // 2, -RUN_EVERY):
        year.run(today - back * DAY)
    year.introduce(today - 2 * DAY)
    year.preview(today)
    year.write()
    return sum(match.state in TOGETHER for match in year.matches)


class _Year:
    def __init__(self, random: Random, applied: Applied) -> None:
        self.random, self.applied, self.today = random, applied, clock.today()
        self.ids, self.run_ids, self.override_ids = rows.numbers(Match), rows.numbers(Run), rows.numbers(Override)
        self.matches: list[Match] = []
        self.runs: list[Run] = []
        self.overrides: list[Override] = []
        self.numbers: list[RunPerson] = []
        self.seed = str(random.getrandbits(SEED_BITS))
        self.leaving = self._leaving()

    @property
    def shown(self) -> tuple[Application, Application]:
        """The accounts to look around with: the student and the home."""
        return self.applied.students[0], self.applied.homes[0]

    def _leaving(self) -> dict[int, date]:
        """Who goes elsewhere, and when, if nobody was found for them by then."""
        leaving = {}
        for student in self.applied.students[1:]:
            if student.waiting_since is not None and self.random.random() < LEFT:
                leaving[student.id] = student.waiting_since.date() + self.random.randrange(20, 120) * DAY
        return {one: on for one, on in leaving.items() if on < self.today}

    def _snapshot(self, day: date, *more: Application) -> Snapshot:
        """What was known on a day."""
        live = [match for match in self.matches if match.proposed_at.date() < day and not _over(match, day)]
        kept = {match.student_id for match in live}
        open_then = {
            one.id: one
            for one in (*self.applied.students[1:], *self.applied.homes[1:], *more)
            if one.waiting_since is not None
            and one.waiting_since.date() <= day
            and (self.leaving.get(one.id, self.today) >= day or one.id in kept)
        }
        for student in self.applied.students:
            student.campus = self.applied.campuses[student.campus_id or 0]
        earlier = {(m.student_id, m.home_id) for m in self.matches if _over(m, day) and m.state in PARTED_STATES}
        return Snapshot(
            day, open_then, self.applied.checks, live, frozenset(earlier),
            [one for one in self.overrides if one.holds(day)],
        )  # fmt: skip

    def _record(self, day: date, snapshot: Snapshot) -> tuple[Run, Drawn]:
        drawn = draw(snapshot, int(self.seed), Random(f"{self.seed} names"), time_limit=1e-6)
        self.seed = str(self.random.getrandbits(SEED_BITS))
        made = record(drawn, next_seed=self.seed)
        made.id, made.day, made.made_at = next(self.run_ids), day, clock.at(day, 2 * 60)
        if (self.today - day) < FACTS_KEPT:
            for one in made.people:
                self.numbers.append(RunPerson(run_id=made.id, number=one.number, application_id=one.application_id))
        else:
            made.facts = None
        self.runs.append(made)
        return made, drawn

    def run(self, day: date, *more: Application) -> Drawn:
        """A run that was released in the morning, and what became of each pair."""
        made, drawn = self._record(day, self._snapshot(day, *more))
        coordinator = self.random.choice(self.applied.coordinators)
        made.state, made.released_by_id = RunState.RELEASED, coordinator.id
        made.released_at = clock.at(day, self.random.randrange(9 * 60, 11 * 60))
        ids = {name: one for one, name in drawn.names.items()}
        for seeker, home in made.proposed:
            pair = ids[seeker], ids[home]
            self.matches.append(self._match(made, drawn, pair, more))
        return drawn

    def introduce(self, day: date) -> None:
        """The last run, in which the accounts shown are proposed to each other, as a coordinator asked."""
        student, home = self.shown
        pin = Override(
            id=next(self.override_ids), kind=OverrideKind.PIN, student_id=student.id, home_id=home.id,
            reason=words.homeshare()["pinned"], by_id=self.applied.coordinators[0].id,
            made_at=clock.at(day - DAY, 15 * 60), broken="",
        )  # fmt: skip
        self.overrides.append(pin)
        self.run(day, student, home)
        pin.ended_at = clock.at(day, 12 * 60)

    def preview(self, day: date) -> None:
        """Last night's run, which waits for a coordinator."""
        self._record(day, self._snapshot(day, *self.shown))

    def _match(self, made: Run, drawn: Drawn, pair: tuple[int, int], shown: tuple[Application, ...]) -> Match:
        random, day = self.random, made.day
        student = drawn.snapshot.applications[pair[0]]
        number, proposed_at = next(self.ids), made.released_at or made.made_at
        match = Match(
            id=number, reference=rows.reference(number), student_id=pair[0], home_id=pair[1], people=student.people,
            run_id=made.id, card=card(drawn.world, programme().pack, *pair), proposed_at=proposed_at,
            answer_by=proposed_at + ANSWER * DAY, state=MatchState.PROPOSED, version=1,
        )  # fmt: skip
        if student in shown:
            return match
        answered = [proposed_at + timedelta(minutes=random.randrange(60, ANSWER * 1440 - 60)) for _ in range(2)]
        chance, late = random.random(), max(answered)
        if clock.at(self.today, 0) <= late:
            return match
        if chance < DECLINED:
            self._say(match, Answer.YES, Answer.NO, answered)
            match.state, match.ended_at = MatchState.DECLINED, answered[1]
        elif chance < DECLINED + EXPIRED:
            match.state, match.ended_at = MatchState.EXPIRED, match.answer_by
        else:
            self._say(match, Answer.YES, Answer.YES, answered)
            self._go_on(match, day)
        return match

    def _say(self, match: Match, student: Answer, host: Answer, at: list[datetime]) -> None:
        match.student_answer, match.host_answer = student, host
        match.student_answered_at, match.host_answered_at = at

    def _go_on(self, match: Match, day: date) -> None:
        """They met, agreed and moved in, as far as that is in the past."""
        moved_in = day + (MOVE_IN + self.random.randrange(7)) * DAY
        if moved_in >= self.today:
            match.state = MatchState.MEETING if (self.today - day).days < MEET else MatchState.AGREEING
            return
        match.moved_in_on, match.trial_until = moved_in, moved_in + TRIAL * DAY
        match.state = MatchState.TRIAL if match.trial_until >= self.today else MatchState.LIVING
        parts = moved_in + self.random.randrange(30, 330) * DAY
        if self.random.random() < PARTED and parts < self.today:
            match.state, match.ended_at = MatchState.ENDED, clock.at(parts, 12 * 60)

    def write(self) -> None:
        """Write all of it, and end the applications of who went elsewhere."""
        kept = {match.student_id for match in self.matches if match.state in GOING_ON}
        for student in self.applied.students:
            if student.id in self.leaving and student.id not in kept:
                student.state, student.closed_because = ApplicationState.CLOSED, Closed.FOUND_ELSEWHERE
                student.closed_at = clock.at(self.leaving[student.id], 18 * 60)
        rows.write([*self.applied.homes, *self.applied.students])
        rows.write([check for checks in self.applied.checks.values() for check in checks])
        rows.write(self.runs)
        rows.write(self.numbers)
        rows.write(self.overrides)
        rows.write(self.matches)


PARTED_STATES = (MatchState.DECLINED, MatchState.ENDED)


def _over(match: Match, day: date) -> bool:
    """Whether a match had come to its end by a day."""
    return match.ended_at is not None and clock.local(match.ended_at).date() < day
