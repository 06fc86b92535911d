"""Who may do what in home share. Coordinators look after everyone; people see what is theirs."""

from marketplace.civic.accounts.models import Person, Role
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.matches import Match
from marketplace.sharing.homeshare.models.supporters import Supporter


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


def stands_by(person: Person, supporter: Supporter) -> bool:
    """Whoever agreed to stand by an applicant, as long as both wish it."""
    return supporter.stands_by and supporter.person_id == person.id


def may_end_support(person: Person, supporter: Supporter) -> bool:
    """Either of the two, and coordinators; needs the application."""
    return supporter.person_id == person.id or may_answer(person, supporter.application)
