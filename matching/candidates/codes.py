"""The fixed names of rules, criteria and units: what explanations, packs and records of runs call them."""

from enum import IntEnum, StrEnum


class Code(StrEnum):
    """The hard rules, in the order in which they are checked and told: what is cheap to check comes first.

    The names are kept in records of runs and in explanations given to people; they never change their meaning.
    """

    STUDENT_ADULT = "student_adult"
    HOST_ELIGIBLE = "host_eligible"
    NO_DEPOSIT = "no_deposit"
    RENT_OF_PROGRAMME = "rent_of_programme"
    HOURS_OF_PROGRAMME = "hours_of_programme"
    RENT_IN_BUDGET = "rent_in_budget"
    DATES = "dates"
    WAY = "way"
    WAY_OF_PROGRAMME = "way_of_programme"
    ROOMS = "rooms"
    HOURS = "hours"
    EVENINGS = "evenings"
    TASKS = "tasks"
    STAIRS = "stairs"
    SMOKING = "smoking"
    PETS = "pets"
    ALLERGIES = "allergies"
    GUESTS = "guests"
    QUIET = "quiet"
    STUDENT_ENROLLED = "student_enrolled"
    STUDENT_CHECKS = "student_checks"
    HOME_CHECKS = "home_checks"
    PRIVATE_SPACE = "private_space"
    KEPT_APART = "kept_apart"
    EARLIER_PAIR = "earlier_pair"


class Criterion(StrEnum):
    """What is weighed once every hard rule passes."""

    WAY = "way"
    RENT = "rent"
    DATES = "dates"
    HOURS = "hours"
    TASKS = "tasks"
    EVENINGS = "evenings"
    GUESTS = "guests"
    QUIET = "quiet"
    LANGUAGE = "language"


class Unit(StrEnum):
    """What the values of a rule or of a criterion are counted in."""

    YES = "yes"  # 1 yes, 0 no
    WON = "won"
    HOURS = "hours"
    DAYS = "days"
    DAY = "day"  # days since 1 January 1970
    METRES = "metres"
    MINUTES = "minutes"
    EVENINGS = "evenings"
    ROOMS = "rooms"
    STEPS = "steps"
    LEVELS = "levels"  # of an ordered scale, from 0
    TASKS = "tasks"  # a set of kinds, one bit each
    PETS = "pets"
    ALLERGENS = "allergens"
    LANGUAGES = "languages"
    SPACES = "spaces"


class Verdict(IntEnum):
    """What a rule says of a pair."""

    FAIL = 0
    PASS = 1
    UNKNOWN = 2
