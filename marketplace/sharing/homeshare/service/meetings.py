"""The first meeting of two, with a coordinator, and what came of it."""

from datetime import datetime

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import Match, MatchState, Meeting
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import agreements
from marketplace.sharing.homeshare.service.matches import expect, expect_tends
from marketplace.sharing.homeshare.service.telling import record_match, tell_both


def arrange(coordinator: Person, match: Match, starts_at: datetime, place: str, *, at_home: bool = False) -> Match:
    """Say when and where they meet, or say it anew; both are told.

    at_home   they meet in the home, and the student may know its address

    Raises MeetsInThePast, MatchWentOn or OwnMatch.
    """
    expect_tends(coordinator, match)
    match = queries.held(match.id)
    expect(match, MatchState.MEETING)
    if starts_at <= clock.now():
        raise errors.MeetsInThePast(field="day")
    meeting = match.meeting
    if meeting is None:
        meeting = Meeting(match_id=match.id, starts_at=starts_at, set_by_id=coordinator.id, place="", changed=0)
        db.session.add(meeting)
        db.session.flush()
    else:
        meeting.changed = Meeting.changed + 1
    meeting.starts_at, meeting.at_home, meeting.set_by_id, meeting.set_at = (
        starts_at, at_home, coordinator.id, clock.now(),
    )  # fmt: skip
    lock(meeting, "place", place.strip())
    db.session.flush()
    match = queries.held(match.id)
    tell_both(match, "meeting")
    record_match(coordinator, match, "meeting")
    return match


def go_on(coordinator: Person, match: Match) -> Match:
    """They met and want to go on: the agreement is made of what both answered. Raises NotMetYet."""
    expect_tends(coordinator, match)
    match = queries.held(match.id)
    if match.state is MatchState.AGREEING:
        return match
    expect(match, MatchState.MEETING)
    if match.meeting is None or match.meeting.starts_at > clock.now():
        raise errors.NotMetYet
    match.state = MatchState.AGREEING
    agreements.begin(match)
    tell_both(match, "agreeing")
    record_match(coordinator, match, "goes_on")
    return match
