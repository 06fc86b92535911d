"""Who may do what in home share. Coordinators look after everyone; people see what is theirs."""

from marketplace.civic.accounts.models import Person, Role
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.grants import Grant
from marketplace.sharing.homeshare.models.matches import Match


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
