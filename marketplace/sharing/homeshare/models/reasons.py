"""The rules and reasons of a match in plain words: what each is about, and how its values are read."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from marketplace.kernel import money
from marketplace.kernel.words import Text, _, _l, ngettext
from marketplace.kernel.writing import show_date, show_distance, show_list
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.questions import words_of
from matching.candidates.codes import Code, Criterion, Unit
from matching.candidates.facts import NO_LIMIT
from matching.candidates.people import EPOCH

RULES: Mapping[Code, Text] = {
    Code.STUDENT_ADULT: _l("The student is of age"),
    Code.HOST_ELIGIBLE: _l("The host is old enough for the programme"),
    Code.NO_DEPOSIT: _l("No deposit is asked for"),
    Code.RENT_OF_PROGRAMME: _l("The rent is one that the programme allows"),
    Code.HOURS_OF_PROGRAMME: _l("The help is no more than the programme allows: more would be employment"),
    Code.RENT_IN_BUDGET: _l("The student can pay the rent"),
    Code.DATES: _l("Both have enough days in common"),
    Code.WAY: _l("The way is no longer than the student would go"),
    Code.WAY_OF_PROGRAMME: _l("The way is no longer than the programme asks of anyone"),
    Code.ROOMS: _l("There is a room for each who comes"),
    Code.HOURS: _l("As many hours of help are offered as are wanted"),
    Code.EVENINGS: _l("On as many evenings as wanted somebody is at home"),
    Code.TASKS: _l("The student would do each kind of help that is needed"),
    Code.STAIRS: _l("The way into the home suits"),
    Code.SMOKING: _l("Smoking: what one does, the other allows"),
    Code.PETS: _l("Each pet that comes may come"),
    Code.ALLERGIES: _l("Nothing is in the home that must not be there"),
    Code.GUESTS: _l("How often guests come can be agreed"),
    Code.QUIET: _l("How quiet the nights are can be agreed"),
    Code.STUDENT_ENROLLED: _l("The student is enrolled on the first day"),
    Code.STUDENT_CHECKS: _l("The checks of the student hold on the first day"),
    Code.HOME_CHECKS: _l("The checks of host and home hold on the first day"),
    Code.PRIVATE_SPACE: _l("Who shares bathroom and hall suits both"),
    Code.KEPT_APART: _l("Nothing is known that speaks against it"),
    Code.EARLIER_PAIR: _l("You were not proposed to each other before"),
}
"""What holds where a rule passes."""

QUIETLY = {
    Code.ALLERGIES, Code.STAIRS, Code.PRIVATE_SPACE, Code.KEPT_APART, Code.STUDENT_CHECKS, Code.HOME_CHECKS,
    Code.RENT_IN_BUDGET, Code.STUDENT_ENROLLED, Code.WAY,
}  # fmt: skip
"""Rules of which the other side learns that they hold, and not by which values: health, money, what was checked."""

CRITERIA: Mapping[Criterion, Text] = {
    Criterion.WAY: _l("The way to the place of study"),
    Criterion.RENT: _l("The rent"),
    Criterion.DATES: _l("Days in common"),
    Criterion.HOURS: _l("Hours of help"),
    Criterion.TASKS: _l("Kinds of help"),
    Criterion.EVENINGS: _l("Evenings at home"),
    Criterion.GUESTS: _l("Guests"),
    Criterion.QUIET: _l("Quiet at night"),
    Criterion.LANGUAGE: _l("Languages"),
}

WHY: Mapping[tuple[str, Criterion], Text] = {
    ("student", Criterion.WAY): _l("The shorter the way, the more points."),
    ("student", Criterion.RENT): _l("The lower the rent, the more points."),
    ("student", Criterion.DATES): _l("The more days are left beyond what both need, the more points."),
    ("student", Criterion.HOURS): _l("The fewer hours of help are wanted, the more points."),
    ("student", Criterion.TASKS): _l("The more of the help is what you like to do, the more points."),
    ("student", Criterion.GUESTS): _l("The nearer your wishes, the more points."),
    ("student", Criterion.QUIET): _l("The nearer your wishes, the more points."),
    ("student", Criterion.LANGUAGE): _l("All points if you share a language."),
    ("host", Criterion.DATES): _l("The more days are left beyond what both need, the more points."),
    ("host", Criterion.HOURS): _l("The more hours of help are offered, the more points."),
    ("host", Criterion.TASKS): _l("The more of what would be welcome is offered, the more points."),
    ("host", Criterion.EVENINGS): _l("The more evenings somebody is at home, the more points."),
    ("host", Criterion.GUESTS): _l("The nearer your wishes, the more points."),
    ("host", Criterion.QUIET): _l("The nearer your wishes, the more points."),
    ("host", Criterion.LANGUAGE): _l("All points if you share a language."),
}
"""What gives points, by whose score it is."""

MANY_DAYS = 3660
"""From so many days on, of which somebody whose room stays free has many, they are not counted."""

_SETS = {Unit.TASKS: "tasks", Unit.PETS: "pets", Unit.ALLERGENS: "allergens", Unit.LANGUAGES: "languages"}


def value(about: str, unit: str, number: int | None) -> str:
    """A value of a rule or a criterion as people read it; of levels, `about` says on which scale."""
    if number is None:
        return _("not answered")
    if number >= (MANY_DAYS if unit == Unit.DAYS else NO_LIMIT):
        return _("no limit")
    match Unit(unit):
        case Unit.YES:
            return _("yes") if number else _("no")
        case Unit.WON:
            return money.show(number)
        case Unit.HOURS:
            return ngettext("{n} hour a week", "{n} hours a week", number)
        case Unit.DAYS:
            return ngettext("{n} day", "{n} days", number)
        case Unit.DAY:
            return show_date(EPOCH + timedelta(days=number), year=True)
        case Unit.METRES:
            return show_distance(number)
        case Unit.MINUTES:
            return ngettext("{n} minute", "{n} minutes", number)
        case Unit.EVENINGS:
            return ngettext("{n} evening a week", "{n} evenings a week", number)
        case Unit.ROOMS:
            return ngettext("{n} room", "{n} rooms", number)
        case Unit.STEPS:
            return ngettext("{n} step", "{n} steps", number)
        case Unit.LEVELS:
            words = list(words_of(about).values())
            return str(words[number]) if number < len(words) else str(number)
        case Unit.SPACES:
            return show_list(word for bit, word in enumerate(programme().pack.words.spaces) if number >> bit & 1)
    several = [word for bit, word in enumerate(words_of(_SETS[Unit(unit)]).values()) if number >> bit & 1]
    return show_list(several) if several else _("none")


def rules(card: Mapping[str, Any]) -> list[tuple[Text, str]]:
    """Each rule that was checked and holds, with the values where both may know them."""
    told = []
    for finding in card.get("findings", ()):
        code = Code(finding["code"])
        known = code not in QUIETLY and finding["student"] is not None and finding["home"] is not None
        if known and Unit(finding["unit"]) not in (Unit.YES, Unit.LEVELS):
            student, home = (value(code, finding["unit"], finding[side]) for side in ("student", "home"))
            told.append((RULES[code], _("student: {student}; home: {home}", student=student, home=home)))
        else:
            told.append((RULES[code], ""))
    return told


def parts(card: Mapping[str, Any], side: str) -> list[dict[str, Any]]:
    """The criteria of one side's own score: points, of how many, why, and the values they came from."""
    told = []
    for part in card.get(side, {}).get("parts", ()):
        criterion = Criterion(part["criterion"])
        student, home = (value(criterion, part["unit"], part[one]) for one in ("student", "home"))
        told.append(
            {
                "title": CRITERIA[criterion],
                "points": part["points"],
                "of": part["of"],
                "why": WHY[side, criterion],
                "told": _values(criterion, student, home),
            }
        )
    return told


def _values(criterion: Criterion, student: str, home: str) -> str:
    """Of what lies between the two there is one value, not one of each side."""
    if criterion is Criterion.WAY:
        return home if home != _("not answered") else student
    if criterion is Criterion.RENT:
        return home
    if criterion is Criterion.DATES:
        return _("{common} in common, {needed} needed", common=home, needed=student)
    return _("student: {student}; home: {home}", student=student, home=home)
