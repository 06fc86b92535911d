"""A year of living together in the fictional city: runs, what became of their proposals, and how it goes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from marketplace.kernel import clock, things
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.homeshare import DAY, YEAR, Applied
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.sharing.homeshare.layouts.agreements import terms_of, text_of
from marketplace.sharing.homeshare.models.agreements import Agreement, Signature, digest_of
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Closed, Side
from marketplace.sharing.homeshare.models.checkins import CheckIn, Going, days_of
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import (
    GOING_ON,
    OWN_END_REASONS,
    TOGETHER,
    Answer,
    Match,
    MatchState,
    Meeting,
    NoReason,
    Who,
)
from marketplace.sharing.homeshare.models.overrides import Override, OverrideKind
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run, RunPerson, RunState
from marketplace.sharing.homeshare.runs import Drawn, Snapshot, card, draw
from marketplace.sharing.homeshare.service.runs import FACTS_KEPT, SEED_BITS, record

RUN_EVERY = 14
ANSWER, MEET, MOVE_IN, TRIAL = 5, 10, 21, 21
"""So many days after a run both have answered, have met, move in; and for how long they try it."""

DECLINED, EXPIRED, PARTED, LEFT = 0.12, 0.05, 0.4, 0.06
"""The share of proposals that come to nothing, of pairs that part in the year, of students who go elsewhere."""


def live(random: Random, applied: Applied, inbox: Inbox) -> int:
    """Write a year of runs, what became of proposals, and last night's preview; says how many live together."""
    year = _Year(random, applied)
    today = clock.today()
    for back in range(YEAR - RUN_EVERY, RUN_EVERY // 2, -RUN_EVERY):
        year.run(today - back * DAY)
    year.introduce(today - 2 * DAY)
    year.preview(today)
    year.write()
    year.tell(inbox)
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
            match.host_reason, match.ended_by = random.choice(list(NoReason)), Who.HOST
        elif chance < DECLINED + EXPIRED:
            match.state, match.ended_at, match.ended_by = MatchState.EXPIRED, match.answer_by, Who.CLOCK
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
            match.end_reason, match.ended_by = self.random.choice(OWN_END_REASONS), self.random.choice(SIDES)

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
        self._papers()

    def tell(self, inbox: Inbox) -> None:
        """What the accounts to look around with find in their inboxes."""
        student, home = self.shown
        for one, match in ((student, self._of(student)), (home, self._of(home))):
            person = self.applied.people[one.person_id]
            for name, at in (("sent", one.sent_at), ("takes_part", one.waiting_since)):
                if at is not None:
                    inbox.tell(person, f"homeshare.{name}", things.subject("homeshare", one.id), at)
            subject = things.subject("homeshare_match", match.id)
            inbox.tell(person, "homeshare.proposed", subject, match.proposed_at)

    def _of(self, one: Application) -> Match:
        return next(match for match in self.matches if one.id in (match.student_id, match.home_id))

    def _papers(self) -> None:
        """Write when they met, what they agreed on and signed, and how they said it goes."""
        meeting_ids, edition_ids, signature_ids, checkin_ids = (
            rows.numbers(table) for table in (Meeting, Agreement, Signature, CheckIn)
        )
        known = {one.id: one for one in (*self.applied.students, *self.applied.homes)}
        meetings, editions, signatures, checkins = (
            list[Meeting](),
            list[Agreement](),
            list[Signature](),
            list[CheckIn](),
        )
        for match in self.matches:
            if match.student_answer is not Answer.YES or match.host_answer is not Answer.YES:
                continue
            student, home, met = known[match.student_id], known[match.home_id], match.proposed_at + MEET * DAY
            coordinator_id = home.coordinator_id or self.applied.coordinators[0].id
            meeting = Meeting(
                id=next(meeting_ids), match_id=match.id, starts_at=met, set_by_id=coordinator_id,
                set_at=met - 3 * DAY, changed=0,
            )  # fmt: skip
            lock(meeting, "place", words.homeshare()["meeting"])
            meetings.append(meeting)
            if match.state is MatchState.MEETING:
                continue
            terms = terms_of(student.answers, home.answers)
            if match.moved_in_on:
                terms |= {"moves_in_on": str(match.moved_in_on), "trial_days": TRIAL}
            text = text_of(terms)
            edition = Agreement(
                id=next(edition_ids), match_id=match.id, number=1, terms=dict(terms), text=text,
                digest=digest_of(text), made_at=met,
            )  # fmt: skip
            editions.append(edition)
            if match.moved_in_on is None:
                continue
            for side, one in ((Side.HOST, home), (Side.STUDENT, student)):
                at = met + self.random.randrange(1, 4) * DAY
                signatures.append(
                    Signature(
                        id=next(signature_ids), agreement_id=edition.id, digest=edition.digest, side=side,
                        by_id=one.person_id, signed_at=at,
                    )
                )  # fmt: skip
                checkins += self._checkins(checkin_ids, match, side)
        for written in (meetings, editions, signatures, checkins):
            rows.write(written)

    def _checkins(self, ids: Iterator[int], match: Match, side: Side) -> Iterator[CheckIn]:
        """How it goes, on the days on which that is asked: mostly well."""
        over = clock.local(match.ended_at).date() if match.ended_at else self.today
        for due_on in days_of(match.moved_in_on or self.today, over - DAY):
            going = self.random.choices(list(Going), (12, 3, 1))[0]
            yield CheckIn(
                id=next(ids), match_id=match.id, side=side, due_on=due_on, going=going,
                hours_kept=going is Going.WELL or self.random.random() < 0.5, safe=True, talk=going is Going.BAD,
                answered_at=clock.at(due_on, self.random.randrange(10 * 60, 20 * 60)),
            )  # fmt: skip


SIDES = (Who.HOST, Who.STUDENT)
PARTED_STATES = (MatchState.DECLINED, MatchState.ENDED)


def _over(match: Match, day: date) -> bool:
    """Whether a match had come to its end by a day."""
    return match.ended_at is not None and clock.local(match.ended_at).date() < day
