"""Living together: moving in, the trial, giving notice, and ending it at once. An end is nobody's fault."""

from datetime import date, timedelta

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.layouts.agreements import NOTICE_IN_TRIAL
from marketplace.sharing.homeshare.models.agreements import Agreement
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.checkins import MatterKind
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import TOGETHER, EndReason, Match, MatchState, Who
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import checkins, matters
from marketplace.sharing.homeshare.service.matches import end, expect, expect_tends, own_side, who
from marketplace.sharing.homeshare.service.telling import record_match, tell_both, tell_side

GRACE = timedelta(days=7)
"""How long after the trial one waits for both to say whether they go on; a coordinator is told at its end."""


def move_in(match: Match, agreement: Agreement) -> bool:
    """Begin the trial of a match that is held, once its day has come and both have signed."""
    if match.state is not MatchState.AGREEING or not agreement.is_signed:
        return False
    if date.fromisoformat(agreement.terms["moves_in_on"]) > clock.today():
        return False
    match.state, match.moved_in_on = MatchState.TRIAL, clock.today()
    match.trial_until = clock.today() + timedelta(days=agreement.terms["trial_days"])
    db.session.flush()
    checkins.plan(match)
    tell_both(match, "moved_in")
    record_match(None, match, "moved_in")
    return True


def say(person: Person, match: Match, goes_on: bool) -> Match:
    """Say at the end of the trial whether to go on. Two who do live together; one who does not ends it with the trial.

    Raises TrialGoesOn, MatchWentOn or NoticeGiven.
    """
    side, match = own_side(person, match), queries.held(match.id)
    if match.goes_on_of(side) is goes_on and match.state in TOGETHER:
        return match
    expect(match, MatchState.TRIAL)
    if match.ends_on is not None:
        raise errors.NoticeGiven(day=match.ends_on)
    if not policy.may_say_whether_to_go_on(match):
        raise errors.TrialGoesOn
    setattr(match, f"{side.value}_goes_on", goes_on)
    record_match(person, match, "says", goes_on=int(goes_on))
    if not goes_on:
        match.ends_on, match.ended_by = max(match.trial_until or clock.today(), clock.today()), who(side)
        match.end_reason = EndReason.TRIAL_OVER
        tell_both(match, "ends")
    elif match.student_goes_on and match.host_goes_on:
        match.state = MatchState.LIVING
        tell_both(match, "living")
    db.session.flush()
    return match


def last_day(match: Match, agreement: Agreement | None) -> date:
    """The last day, if notice is given today."""
    notice = agreement.terms["notice"] if agreement is not None else NOTICE_IN_TRIAL
    return clock.today() + timedelta(days=NOTICE_IN_TRIAL if match.state is MatchState.TRIAL else notice)


def give_notice(person: Person, match: Match, reason: EndReason, words: str = "") -> Match:
    """Give notice, as agreed; a coordinator may, for either side. The other side reads the day, not the reason.

    Raises NoticeGiven or MatchWentOn.
    """
    match, side = _for_end(person, match)
    expect(match, *TOGETHER)
    if match.ends_on is not None:
        raise errors.NoticeGiven(day=match.ends_on)
    match.ends_on = last_day(match, queries.agreement_of(match))
    match.ended_by, match.end_reason = (who(side) if side else Who.COORDINATOR), reason
    lock(match, "end_words", words.strip())
    db.session.flush()
    tell_both(match, "ends")
    record_match(person, match, "notice", reason=reason.value)
    return match


def end_at_once(person: Person, match: Match, words: str = "") -> Match:
    """End it now, because somebody is not safe: officers for safeguarding and coordinators are told at once."""
    match, side = _for_end(person, match)
    if match.state is MatchState.ENDED:
        return match
    expect(match, *TOGETHER)
    match.end_reason = EndReason.UNSAFE
    end(match, MatchState.ENDED, by=who(side) if side else Who.COORDINATOR, words=words)
    matter = matters.open_matter(match, MatterKind.EMERGENCY, side=side, by=person, words=words)
    matters.raise_concern(person, matter, words)
    tell_both(match, "ended")
    record_match(person, match, "ended_at_once")
    return match


def _for_end(person: Person, match: Match) -> tuple[Match, Side | None]:
    """The match held, and on which side the person is; none for a coordinator."""
    side = policy.side_of(person, match)
    if side is None:
        expect_tends(person, match)
    return queries.held(match.id), side


# --- by the clock ---


def run_out() -> None:
    """Begin trials whose day has come, end what was given notice to, and see to trials that are over."""
    for number in queries.ids_of(MatchState.AGREEING):
        match = queries.held(number)
        if (agreement := queries.agreement_of(match)) is not None:
            move_in(match, agreement)
    today = clock.today()
    for state in TOGETHER:
        for number in queries.ids_of(state, Match.ends_on < today):
            match = queries.held(number)
            if match.state in TOGETHER and match.ends_on is not None and match.ends_on < today:
                end(match, MatchState.ENDED, by=match.ended_by or Who.CLOCK)
                tell_both(match, "ended")
    for number in queries.ids_of(MatchState.TRIAL, Match.ends_on.is_(None), Match.trial_until < today):
        _see_to_trial(number)


def _see_to_trial(number: int) -> None:
    """Of a trial that is over and of which not both said that they go on, a coordinator is told; then it ends."""
    match = queries.held(number)
    if match.state is not MatchState.TRIAL or match.ends_on is not None or match.trial_until is None:
        return
    if clock.today() > match.trial_until + GRACE:
        end(match, MatchState.ENDED, by=Who.CLOCK, reason=EndReason.TRIAL_OVER)
        tell_both(match, "ended")
    elif not queries.is_asked_for(match, MatterKind.MISSED):
        matters.open_matter(match, MatterKind.MISSED)


def ask_whether_to_go_on() -> None:
    """Ask, a week before the trial is over, whoever has not said whether they go on."""
    in_a_week = clock.today() + policy.SAY_BEFORE
    for number in queries.ids_of(MatchState.TRIAL, Match.ends_on.is_(None), Match.trial_until == in_a_week):
        match = queries.held(number)
        for side in Side:
            if match.goes_on_of(side) is None:
                tell_side(match, side, "trial_ends")
