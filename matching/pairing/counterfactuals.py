"""What would have to change for someone without a home to get one, in numbers and without anybody's name."""

from dataclasses import dataclass

from matching.pairing.reasons import Standing


@dataclass(frozen=True, slots=True)
class Change:
    """If one rule were met so much more generously, so many homes would take the seeker as things stand.

    by is in `unit`, or None for a rule that knows no more or less. homes counts those nearer as well.
    """

    rule: str
    by: float | None
    unit: str
    homes: int


def changes(standing: Standing, seeker: str) -> list[Change]:
    """What would help a seeker, most homes first, then the smaller change; empty if nothing of this kind would.

    Counted are homes that fail the seeker in one rule alone, so that giving way in that rule is enough, and only if
    they would then take the seeker: by rooms that are free, or held by people they like strictly less. Nobody is
    named: a change is a rule, an amount and a number of homes. For a rule with amounts each amount at which the number
    grows is given.

    Empty for a seeker with a home. Raises KeyError for an id that the problem does not know. O(misses of the seeker).
    """
    people = standing.people[seeker]
    if seeker in standing.at:
        return []
    by_home: dict[str, int] = {}
    for miss in standing.misses_of.get(seeker, ()):
        by_home[miss.home] = by_home.get(miss.home, 0) + 1
    amounts: dict[tuple[str, str], list[float]] = {}
    plain: dict[tuple[str, str], int] = {}
    for miss in standing.misses_of.get(seeker, ()):
        withheld = standing.problem.withheld.get((seeker, miss.home))
        if by_home[miss.home] > 1 or withheld:
            continue
        if standing.gettable(people, miss.home_band, miss.home) < people:
            continue
        if miss.excess is None:
            plain[miss.rule, miss.unit] = plain.get((miss.rule, miss.unit), 0) + 1
        else:
            amounts.setdefault((miss.rule, miss.unit), []).append(miss.excess)
    found = [Change(rule, None, unit, homes) for (rule, unit), homes in plain.items()]
    for (rule, unit), given in amounts.items():
        found += [Change(rule, by, unit, sum(other <= by for other in given)) for by in sorted(set(given))]
    return sorted(found, key=lambda one: (-one.homes, one.rule, one.by or 0.0))
