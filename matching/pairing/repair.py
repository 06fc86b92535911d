"""From the pairs of the run before to a stable pairing, with few moves."""

from collections.abc import Iterator

from matching.pairing.problem import NOWHERE
from matching.pairing.state import Lists, Pairing, could_take

ROUNDS = 20
"""How often a pairing is repaired by few moves before it is settled for certain."""


def repair(lists: Lists, start: list[int]) -> Pairing:
    """Make an earlier pairing stable with few moves.

    Those without a home ask from the top of their lists, so that rooms left by others are filled without anybody moving
    for it; then whoever still could and would rather live elsewhere moves there; and again. That may go round in
    circles, so after some rounds it is settled in a way that cannot. O(edges) a round.
    """
    pairing = Pairing(lists, start)
    if any(people > 1 for people in lists.people):
        return _settle_households(pairing)
    for _ in range(ROUNDS):
        _settle_seekers(pairing)
        moving = sorted({lists.seeker[edge] for edge in _blocking(pairing)})
        if not moving:
            return pairing
        for seeker in moving:
            edge = next((edge for edge in _better(pairing, seeker) if could_take(pairing, edge)), -1)
            if edge >= 0 and pairing.at[seeker] >= 0:
                pairing.drop(pairing.at[seeker])
                _push_in(pairing, edge)
    return _settle_for_certain(pairing)


def _settle_for_certain(pairing: Pairing) -> Pairing:
    """Settle any pairing of single people, without circles.

    First whoever would rather live where someone is liked less leaves their room, even if a room is free there now: it
    may be taken before. Then homes with free rooms win housed people who would rather live there, best first: seekers
    only gain, so nobody housed pushes into a home. At last those without a home ask from the top of their lists: homes
    only gain, so nobody housed can get in anywhere better.
    """
    while pushing := [s for s, edge in enumerate(pairing.at) if edge >= 0 and _would_push(pairing, s)]:
        for seeker in pushing:
            pairing.drop(pairing.at[seeker])
    _fill_free_rooms(pairing)
    _settle_seekers(pairing)
    return pairing


def _would_push(pairing: Pairing, seeker: int) -> bool:
    """Whether one person would rather live where someone is liked strictly less."""
    lists = pairing.lists
    return any(
        lists.home_rank[one] > lists.home_rank[edge]
        for edge in _better(pairing, seeker)
        for one in pairing.held[lists.home[edge]]
    )


def _push_in(pairing: Pairing, edge: int) -> int:
    """One person moves in, for the one whom the home likes least if no room is free; returns the edge lost, or -1."""
    lists, home = pairing.lists, pairing.lists.home[edge]
    loser = -1
    if not pairing.free[home]:
        singles = [one for one in pairing.held[home] if lists.people[lists.seeker[one]] == 1]
        loser = max(singles, key=lambda one: lists.home_rank[one])
        pairing.drop(loser)
    pairing.add(edge)
    return loser


def _blocking(pairing: Pairing) -> list[int]:
    """Edges that block."""
    return [edge for s in range(len(pairing.at)) for edge in _better(pairing, s) if could_take(pairing, edge)]


def _better(pairing: Pairing, seeker: int) -> Iterator[int]:
    """Edges of a seeker that are strictly better than what it has, best first."""
    lists = pairing.lists
    now = lists.seeker_rank[pairing.at[seeker]] if pairing.at[seeker] >= 0 else NOWHERE
    for edge in lists.of_seeker[seeker]:
        if lists.seeker_rank[edge] >= now:
            return
        yield edge


def _fill_free_rooms(pairing: Pairing) -> None:
    lists = pairing.lists
    waiting = [h for h, free in enumerate(pairing.free) if free]
    position = [0] * len(pairing.free)
    while waiting:
        home = waiting.pop()
        edges = lists.of_home[home]
        while pairing.free[home] and position[home] < len(edges):
            edge = edges[position[home]]
            position[home] += 1
            before = pairing.at[lists.seeker[edge]]
            if before >= 0 and lists.seeker_rank[before] > lists.seeker_rank[edge]:
                pairing.drop(before)
                pairing.add(edge)
                waiting.append(lists.home[before])


def _settle_seekers(pairing: Pairing) -> None:
    lists = pairing.lists
    waiting = [s for s in range(len(pairing.at) - 1, -1, -1) if pairing.at[s] < 0 and lists.people[s] == 1]
    position = [0] * len(pairing.at)
    while waiting:
        seeker = waiting.pop()
        edges = lists.of_seeker[seeker]
        while position[seeker] < len(edges):
            edge = edges[position[seeker]]
            position[seeker] += 1
            if could_take(pairing, edge):
                if (loser := _push_in(pairing, edge)) >= 0:
                    waiting.append(lists.seeker[loser])
                break


def _settle_households(pairing: Pairing) -> Pairing:
    """With households of two: keep the earlier homes of households as far as that is stable, then of single people.

    Households are paired as if nobody else were there, each home having room for half as many; what remains is for
    single people. Nothing a household does then depends on them.
    """
    lists = pairing.lists
    two = [s for s, people in enumerate(lists.people) if people == 2]
    one = [s for s, people in enumerate(lists.people) if people == 1]
    at = pairing.at
    settled = _repair_singles(lists, two, [rooms // 2 for rooms in lists.rooms], at)
    result = Pairing(lists, settled)
    for edge in _repair_singles(lists, one, result.free, at):
        result.add(edge)
    return result


def _repair_singles(lists: Lists, seekers: list[int], rooms: list[int], at: list[int]) -> list[int]:
    """Repair the pairing of some seekers as if each needed one of `rooms`."""
    some = set(seekers)
    part = Lists(
        lists.seeker, lists.home, lists.seeker_rank, lists.home_rank,
        [edges if s in some else [] for s, edges in enumerate(lists.of_seeker)],
        [[edge for edge in edges if lists.seeker[edge] in some] for edges in lists.of_home],
        [1] * len(lists.people), list(rooms),
    )  # fmt: skip
    left = list(rooms)
    keep: list[int] = []
    for s in seekers:
        if at[s] >= 0 and left[lists.home[at[s]]] > 0:
            left[lists.home[at[s]]] -= 1
            keep.append(at[s])
    return repair(part, keep).edges()
