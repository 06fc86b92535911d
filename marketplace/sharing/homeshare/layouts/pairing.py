"""Why two are a pair in a run, or why not, as coordinators read it."""

from marketplace.kernel.words import Text, _l
from matching.pairing import Code as Reason

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


def reason(code: str, values: dict[str, object]) -> Text:
    """Why two are a pair or not, in a sentence."""
    decided, why = str(values.get("decided_by", "")), str(values.get("why", ""))
    return REASONS[code].filled(
        better=values.get("better", 0), decided=DECIDED.get(decided, ""), why=WITHHELD.get(why, "")
    )
