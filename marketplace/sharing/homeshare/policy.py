"""Who may do what in home share. Coordinators look after everyone; people see what is theirs."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import clock
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.grants import Grant
from marketplace.sharing.homeshare.models.matches import GOING_ON, TOGETHER, Match, MatchState
from marketplace.sharing.homeshare.models.supporters import Supporter

AFTER_MEETING = (MatchState.AGREEING, *TOGETHER)
SAY_BEFORE = timedelta(days=7)
"""How long before its end both are asked whether to go on after the trial."""


def may_coordinate(person: Person) -> bool:
    """Coordinators of home share."""
    return person.is_a(Role.COORDINATOR)


def owns(person: Person, application: Application) -> bool:
    """Whoever applied."""
    return application.person_id == person.id


def may_see(person: Person, application: Application) -> bool:
    """Whoever applied, and coordinators."""
    return owns(person, application) or may_coordinate(person)


def takes_part(person: Person, match: Match) -> bool:
    """The two of a match; needs both applications."""
    return person.id in (match.student.person_id, match.home.person_id)


# --- applications ---


def may_answer(person: Person, application: Application) -> bool:
    """Whoever applied; and coordinators, for those who answer at the desk or on the telephone."""
    return owns(person, application) or may_coordinate(person)


def may_speak_through(person: Person, application: Application) -> bool:
    """Coordinators in somebody else's case."""
    return may_coordinate(person) and not owns(person, application)


# --- matches ---


def side_of(person: Person, match: Match) -> Side | None:
    """On which side of a match someone is; needs both applications."""
    if person.id == match.home.person_id:
        return Side.HOST
    return Side.STUDENT if person.id == match.student.person_id else None


def may_tend(person: Person, match: Match) -> bool:
    """Coordinators, in all matches but their own."""
    return may_coordinate(person) and not takes_part(person, match)


def shows_names(match: Match) -> bool:
    """From two yeses on each knows the other's name and how to reach them, until it ends."""
    return match.both_yes and match.state in GOING_ON


def shows_address(match: Match) -> bool:
    """The address only after a coordinator confirmed it: for a meeting at home, or because they met. Needs meeting."""
    meeting_at_home = match.state is MatchState.MEETING and match.meeting is not None and match.meeting.at_home
    return shows_names(match) and (meeting_at_home or match.state in AFTER_MEETING)


def may_say_whether_to_go_on(match: Match) -> bool:
    """In the last days of the trial, and a while after it."""
    asked_from = (match.trial_until or clock.today()) - SAY_BEFORE
    return match.state is MatchState.TRIAL and match.ends_on is None and clock.today() >= asked_from


def stands_by(person: Person, supporter: Supporter) -> bool:
    """Whoever agreed to stand by an applicant, as long as both wish it."""
    return supporter.stands_by and supporter.person_id == person.id


def may_end_support(person: Person, supporter: Supporter) -> bool:
    """Either of the two, and coordinators; needs the application."""
    return supporter.person_id == person.id or may_answer(person, supporter.application)


# --- grants ---


def may_see_grant(person: Person, grant: Grant) -> bool:
    """Whose home it is, and coordinators."""
    return asked_for(person, grant) or may_coordinate(person)


def asked_for(person: Person, grant: Grant) -> bool:
    """Whose home it is."""
    return grant.host_id == person.id


def may_judge_grant(person: Person, grant: Grant) -> bool:
    """Coordinators, but for their own homes."""
    return may_coordinate(person) and not asked_for(person, grant)
