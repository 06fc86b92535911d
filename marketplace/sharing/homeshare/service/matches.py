"""Two who are proposed to each other, what they say to it, and how a match ends."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.checkins import CheckIn, MatterKind
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import (
    ROOM_FOR_ALL,
    Answer,
    EndReason,
    Match,
    MatchState,
    NoReason,
    Who,
)
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import matters
from marketplace.sharing.homeshare.service.telling import record_match, tell_both, tell_side

LONGER = timedelta(days=3)
"""By how much the deadline moves, once, when someone asks a person."""
REMINDED = timedelta(days=1)

ONE_ROOM_EACH = ("uq_homeshare_matches_student", "homeshare_matches.student_id")


def propose(student: Application, home: Application, run: Run | None, card: Mapping[str, Any]) -> Match:
    """Propose a student and a home to each other, with the reasons as they are now.

    Raises NoRoomLeft if either was promised elsewhere, even in this instant.
    """
    answer_by = clock.now() + timedelta(days=programme().answer_days)
    match = Match(
        student_id=student.id, home_id=home.id, people=student.people, run_id=run and run.id, card=dict(card),
        answer_by=answer_by,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(match)
    except sa.exc.IntegrityError as error:
        if any(db.violates(error, name) for name in (ROOM_FOR_ALL, *ONE_ROOM_EACH)):
            raise errors.NoRoomLeft from error
        raise
    match = queries.held(match.id)
    tell_both(match, "proposed")
    return match


# --- what they say to it ---


def answer(person: Person, match: Match, said: Answer, reason: NoReason | None = None, words: str = "") -> Match:
    """Say yes or no, or ask a person first, which moves the deadline once. Said again, it changes nothing.

    Two yeses lead to a meeting, one no ends it; the other side reads neither the no's reason nor its words.
    Raises NoNeedsReason, TooLateToAnswer, AnsweredAlready or MatchWentOn.
    """
    side, match = own_side(person, match), queries.held(match.id)
    if match.answer_of(side) is said:
        return match
    expect(match, MatchState.PROPOSED)
    if clock.now() >= match.answer_by:
        raise errors.TooLateToAnswer(moment=match.answer_by)
    if said is Answer.NO and reason is None:
        raise errors.NoNeedsReason(field="reason")
    if said is Answer.ASK and match.answer_of(side) is not None:
        raise errors.AnsweredAlready
    name = side.value
    setattr(match, f"{name}_answer", said)
    setattr(match, f"{name}_answered_at", clock.now())
    setattr(match, f"{name}_reason", reason if said is Answer.NO else None)
    if words.strip():
        lock(match, f"{name}_words", words.strip())
    record_match(person, match, "answered", answer=said.value)
    if said is Answer.ASK:
        if match.extended_at is None:
            match.extended_at, match.answer_by = clock.now(), match.answer_by + LONGER
        matters.open_matter(match, MatterKind.QUESTION, side=side, by=person, words=words)
    elif said is Answer.NO:
        end(match, MatchState.DECLINED, by=who(side))
        tell_side(match, other(side), "came_to_nothing")
    elif match.both_yes:
        match.state = MatchState.MEETING
        tell_both(match, "both_yes")
    db.session.flush()
    return match


def run_out() -> None:
    """End what was not answered in time; nobody loses their place."""
    for number in queries.ids_of(MatchState.PROPOSED, Match.answer_by <= clock.now()):
        match = queries.held(number)
        if match.state is MatchState.PROPOSED and match.answer_by <= clock.now():
            end(match, MatchState.EXPIRED, by=Who.CLOCK)
            tell_both(match, "not_answered")


def remind() -> None:
    """Remind whoever has said neither yes nor no, a day before the time is over."""
    soon = sa.and_(Match.answer_by <= clock.now() + REMINDED, Match.reminded_at.is_(None))
    for number in queries.ids_of(MatchState.PROPOSED, soon):
        match = queries.held(number)
        if match.state is not MatchState.PROPOSED:
            continue
        match.reminded_at = clock.now()
        for side in Side:
            if match.answer_of(side) in (None, Answer.ASK):
                tell_side(match, side, "answer_soon")


# --- what all parts of a match share ---


def own_side(person: Person, match: Match) -> Side:
    """On which side someone is. Raises NotFound for whoever takes no part."""
    if (side := policy.side_of(person, match)) is None:
        raise NotFound
    return side


def other(side: Side) -> Side:
    """The side across."""
    return Side.STUDENT if side is Side.HOST else Side.HOST


def who(side: Side) -> Who:
    """A side, as whoever does something."""
    return Who(side.value)


def expect(match: Match, *states: MatchState) -> None:
    """Go on only in one of these states. Raises MatchWentOn."""
    if match.state not in states:
        raise errors.MatchWentOn(state=match.state.words)


def expect_tends(coordinator: Person, match: Match) -> None:
    """Go on only for a coordinator, and not in their own match. Raises OwnMatch."""
    permit(policy.may_coordinate, coordinator)
    if policy.takes_part(coordinator, match):
        raise errors.OwnMatch


def end(match: Match, state: MatchState, *, by: Who, reason: EndReason | None = None, words: str = "") -> Match:
    """End a match that is held: the room is free, both take part again with their old places in line."""
    match.state, match.ended_at, match.ended_by = state, clock.now(), by
    match.end_reason = match.end_reason or reason
    if words.strip():
        lock(match, "end_words", words.strip())
    unanswered = sa.delete(CheckIn).where(CheckIn.match_id == match.id, CheckIn.answered_at.is_(None))
    db.session.execute(unanswered.execution_options(synchronize_session=False))
    db.session.flush()
    return match


def step_back(person: Person, match: Match, reason: EndReason, words: str = "") -> Match:
    """Give it up after two yeses and before anyone moves in. Raises MatchWentOn."""
    side, match = own_side(person, match), queries.held(match.id)
    if match.state is MatchState.WITHDRAWN:
        return match
    expect(match, MatchState.MEETING, MatchState.AGREEING)
    end(match, MatchState.WITHDRAWN, by=who(side), reason=reason, words=words)
    tell_side(match, other(side), "came_to_nothing")
    record_match(person, match, "withdrawn", reason=reason.value)
    return match


def withdraw(coordinator: Person, match: Match, reason: EndReason, words: str = "") -> Match:
    """Take it back before anyone moves in: after the meeting, for instance. Raises MatchWentOn or OwnMatch."""
    expect_tends(coordinator, match)
    match = queries.held(match.id)
    expect(match, MatchState.PROPOSED, MatchState.MEETING, MatchState.AGREEING)
    end(match, MatchState.WITHDRAWN, by=Who.COORDINATOR, reason=reason, words=words)
    tell_both(match, "came_to_nothing")
    record_match(coordinator, match, "withdrawn", reason=reason.value)
    return match
