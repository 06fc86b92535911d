"""The names of rules, criteria and units as people read them."""

from datetime import timedelta

from marketplace.kernel import money
from marketplace.kernel.words import Text, _l
from marketplace.kernel.writing import show_distance
from matching.candidates.codes import Code, Criterion, Unit
from matching.candidates.people import EPOCH
from matching.pairing import Code as Reason

RULES: dict[Code, Text] = {
    Code.STUDENT_ADULT: _l("the student is of age"),
    Code.HOST_ELIGIBLE: _l("the programme admits the host"),
    Code.NO_DEPOSIT: _l("no deposit is asked"),
    Code.RENT_OF_PROGRAMME: _l("the rent is within the programme's range"),
    Code.HOURS_OF_PROGRAMME: _l("no more help is wanted than the programme allows"),
    Code.RENT_IN_BUDGET: _l("the rent fits what the student can pay"),
    Code.DATES: _l("both are ready for long enough at the same time"),
    Code.WAY: _l("the way to the place of study is not too long for the student"),
    Code.WAY_OF_PROGRAMME: _l("the way to the place of study is not too long for the programme"),
    Code.ROOMS: _l("there is a room for everyone who comes"),
    Code.HOURS: _l("the student offers as many hours of help as are wanted"),
    Code.EVENINGS: _l("the student is at home on as many evenings as are wanted"),
    Code.TASKS: _l("the student would do the kinds of help that are needed"),
    Code.STAIRS: _l("the way in has no steps, where that is needed"),
    Code.SMOKING: _l("both agree about smoking"),
    Code.PETS: _l("both agree about pets"),
    Code.ALLERGIES: _l("nothing is in the home that the student must avoid"),
    Code.GUESTS: _l("both can agree how often guests come"),
    Code.QUIET: _l("both can agree how quiet the nights are"),
    Code.STUDENT_ENROLLED: _l("the student is enrolled when the stay begins"),
    Code.STUDENT_CHECKS: _l("the student's checks hold when the stay begins"),
    Code.HOME_CHECKS: _l("the checks of the host and the home hold when the stay begins"),
    Code.PRIVATE_SPACE: _l("both accept with whom they would share bathroom and hall"),
    Code.KEPT_APART: _l("coordinators do not keep the two apart"),
    Code.EARLIER_PAIR: _l("the two neither declined each other nor parted before"),
}
"""What has to hold, in the middle of a sentence."""

CRITERIA: dict[Criterion, Text] = {
    Criterion.WAY: _l("The way to the place of study"),
    Criterion.RENT: _l("The rent"),
    Criterion.DATES: _l("Time together beyond what is needed"),
    Criterion.HOURS: _l("Hours of help a week"),
    Criterion.TASKS: _l("Kinds of help"),
    Criterion.EVENINGS: _l("Evenings at home"),
    Criterion.GUESTS: _l("How often guests come"),
    Criterion.QUIET: _l("How quiet the nights are"),
    Criterion.LANGUAGE: _l("A language to talk in"),
}

REASONS: dict[str, Text] = {
    Reason.PAIRED: _l("They are a pair: {better} acceptable homes suit the student better."),
    Reason.LOCKED: _l("They are a pair that stands, agreed before or asked for by a coordinator."),
    Reason.NO_FEASIBLE_PARTNER: _l("No home that takes part passes every rule for this student."),
    Reason.RULE_FAILED: _l("They fail a rule."),
    Reason.HOLDS_AS_GOOD: _l("The student has a home that suits as well or better."),
    Reason.HOME_FULL: _l("The home's rooms are with students who suit it better."),
    Reason.TIE: _l("The home's rooms are with students who suit it as well; what decided: {decided}."),
    Reason.WITHHELD: _l("The two are withheld: {why}."),
}

DECIDED: dict[str, Text] = {
    "people": _l("more people have a room this way"),
    "stability": _l("otherwise two would rather have each other"),
    "incumbents": _l("pairs of the last preview are kept"),
    "priority": _l("whoever needs a room sooner or has waited longer comes first"),
    "bands": _l("fewer are in a band far down this way"),
    "scores": _l("the points of both sides together"),
    "lottery": _l("the lot"),
    "locked": _l("those who live there stay"),
    "not improved": _l("the search stopped before it tried"),
}

WITHHELD: dict[str, Text] = {
    "held": _l("a coordinator waits for something"),
    "banned": _l("a coordinator decided so"),
    "declined": _l("one of the two declined"),
    "locked": _l("pairs that stand are in the way"),
}

_AMOUNTS: dict[Unit, tuple[Text, Text]] = {
    Unit.HOURS: (_l("{amount} hour a week"), _l("{amount} hours a week")),
    Unit.DAYS: (_l("{amount} day"), _l("{amount} days")),
    Unit.MINUTES: (_l("{amount} minute"), _l("{amount} minutes")),
    Unit.EVENINGS: (_l("{amount} evening a week"), _l("{amount} evenings a week")),
    Unit.ROOMS: (_l("{amount} room"), _l("{amount} rooms")),
    Unit.STEPS: (_l("{amount} step"), _l("{amount} steps")),
    Unit.LEVELS: (_l("{amount} level"), _l("{amount} levels")),
}


def amount(value: float, unit: Unit) -> Text | str:
    """A number in its unit, as people read it: money, kilometres, hours a week; a day by its date."""
    number = round(value)
    if unit is Unit.WON:
        return money.show(number)
    if unit is Unit.METRES:
        return show_distance(number)
    if unit is Unit.DAY:
        return Text("{day}", (("day", EPOCH + timedelta(days=number)),))
    if unit is Unit.YES:
        return _l("yes") if number else _l("no")
    if unit in _AMOUNTS:
        one, several = _AMOUNTS[unit]
        return (one if number == 1 else several).filled(amount=number)
    return str(number.bit_count())


def reason(code: str, values: dict[str, object]) -> Text:
    """Why two are a pair or not, in a sentence."""
    decided, why = str(values.get("decided_by", "")), str(values.get("why", ""))
    return REASONS[code].filled(
        better=values.get("better", 0), decided=DECIDED.get(decided, ""), why=WITHHELD.get(why, "")
    )
