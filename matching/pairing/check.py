"""Is it a pairing, and is it stable? Read from the problem alone, in the plainest way, without the solvers' code."""

from collections.abc import Iterable
from dataclasses import dataclass

from matching.pairing.problem import NOWHERE, Pair, Problem, Withheld, known


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    faults    sentences on why this is no pairing at all; empty for a pairing.
    blocking  pairs that block it: both would rather have each other, and nothing stands in the way.
    forced    pairs that would block it, were nothing locked and nothing held or banned by staff. A pair that one of the
              two declined is in neither.
    people    how many are housed, locked pairs included.
    """

    faults: tuple[str, ...]
    blocking: tuple[Pair, ...]
    forced: tuple[Pair, ...]
    people: int


@dataclass(frozen=True, slots=True)
class _Resident:
    people: int
    rank: int
    locked: bool


def check(problem: Problem, pairs: Iterable[Pair]) -> Report:
    """Check any pairs against a problem. O(pairs · rooms of a home).

    A seeker and a home block if the seeker would rather live there and the home could take it by rooms that are free or
    held by single people it likes strictly less; a household of two may also take those of another household.
    """
    made = list(pairs)
    row_of = problem.number()
    people = dict(zip(problem.seekers, known(problem.people).tolist(), strict=True))
    rooms = dict(zip(problem.homes, known(problem.rooms).tolist(), strict=True))
    if unknown := [pair for pair in made if pair[0] not in people or pair[1] not in rooms]:
        return Report(tuple(f"Nobody knows {s} or {h}." for s, h in unknown), (), (), 0)
    locked = set(problem.locked)
    faults = _faults(problem, made, row_of, people, rooms)

    residents: dict[str, list[_Resident]] = {home: [] for home in problem.homes}
    rank_now: dict[str, int] = {}
    for pair in made:
        row = row_of.get(pair)
        rank_now[pair[0]] = NOWHERE if row is None else int(problem.seeker_rank[row])
        rank = NOWHERE if row is None else int(problem.home_rank[row])
        residents[pair[1]].append(_Resident(people[pair[0]], rank, pair in locked))
    free = {home: rooms[home] - sum(one.people for one in there) for home, there in residents.items()}
    settled = {seeker for seeker, _ in locked}

    blocking, forced = [], []
    columns = (problem.seeker, problem.home, problem.seeker_rank, problem.home_rank)
    for s, h, rank, liked in zip(*(column.tolist() for column in columns), strict=True):
        seeker, home = problem.seekers[s], problem.homes[h]
        if rank_now.get(seeker, NOWHERE) <= rank:
            continue
        withheld = problem.withheld.get((seeker, home))
        if withheld is Withheld.DECLINED or not _could_take(people[seeker], liked, free[home], residents[home]):
            continue
        movable = [one for one in residents[home] if not one.locked]
        if seeker in settled or withheld or not _could_take(people[seeker], liked, free[home], movable):
            forced.append((seeker, home))
        else:
            blocking.append((seeker, home))
    housed = sum(people[seeker] for seeker in {seeker for seeker, _ in made})
    return Report(tuple(faults), tuple(sorted(blocking)), tuple(sorted(forced)), housed)


def _could_take(people: int, rank: int, free: int, residents: Iterable[_Resident]) -> bool:
    for one in residents:
        if one.rank > rank and (people == 2 or one.people == 1):
            free += one.people
    return free >= people


def _faults(
    problem: Problem, made: list[Pair], row_of: dict[Pair, int], people: dict[str, int], rooms: dict[str, int]
) -> list[str]:
    faults = [f"{s} and {h} are locked and not a pair." for s, h in problem.locked if (s, h) not in set(made)]
    seen: set[str] = set()
    used = dict.fromkeys(rooms, 0)
    for pair in made:
        seeker, home = pair
        if seeker in seen:
            faults.append(f"{seeker} has two homes.")
        seen.add(seeker)
        used[home] += people[seeker]
        if pair in problem.locked:
            continue
        if pair not in row_of:
            faults.append(f"{seeker} and {home} are no acceptable pair.")
        if pair in problem.withheld:
            faults.append(f"{seeker} and {home} are {problem.withheld[pair]}.")
    return faults + [f"{home} has {rooms[home]} rooms for {n} people." for home, n in used.items() if n > rooms[home]]
