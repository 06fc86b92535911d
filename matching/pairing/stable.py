"""A stable pairing in about linear time: Király's algorithm from both sides, longer by alternating paths, polished.

Stability: a seeker and a home block a pairing if the seeker would rather live there than where it does, and the home
could take it by rooms that are free or held by single people it likes strictly less. Two who belong together need two
such rooms, and for them a home may also give up another household of two that it likes strictly less. A home never
sends two people away to take in one: with that a stable pairing always exists, without it it need not (McDermid and
Manlove 2010). Ranks that are equal do not count as "rather" (weak stability).
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from matching.pairing.problem import NOWHERE, Market

MOST_STARTS = 40
"""How often the search starts at most."""
ROUNDS = 20
"""How often a pairing is repaired by few moves before it is settled for certain."""


@dataclass(slots=True)
class Lists:
    """A market as plain lists, which Python reads faster than arrays."""

    seeker: list[int]
    home: list[int]
    seeker_rank: list[int]
    home_rank: list[int]
    of_seeker: list[list[int]]
    of_home: list[list[int]]
    people: list[int]
    rooms: list[int]

    @classmethod
    def of(cls, market: Market) -> "Lists":
        """The same market."""
        starts, home_starts, by_home = market.start.tolist(), market.home_start.tolist(), market.by_home.tolist()
        edges = range(len(market.seeker))
        return cls(
            market.seeker.tolist(), market.home.tolist(), market.seeker_rank.tolist(), market.home_rank.tolist(),
            [list(edges[starts[s] : starts[s + 1]]) for s in range(len(starts) - 1)],
            [by_home[home_starts[h] : home_starts[h + 1]] for h in range(len(home_starts) - 1)],
            market.people.tolist(), market.rooms.tolist(),
        )  # fmt: skip


class Pairing:
    """Who lives where at the moment: edge of each seeker (-1 for none), edges of each home, rooms left."""

    __slots__ = ("at", "free", "held", "lists")

    def __init__(self, lists: Lists, edges: Iterable[int] = ()) -> None:
        self.lists = lists
        self.at = [-1] * len(lists.people)
        self.held: list[list[int]] = [[] for _ in lists.rooms]
        self.free = list(lists.rooms)
        for edge in edges:
            self.add(edge)

    def add(self, edge: int) -> None:
        """Move in."""
        seeker, home = self.lists.seeker[edge], self.lists.home[edge]
        self.at[seeker] = edge
        self.held[home].append(edge)
        self.free[home] -= self.lists.people[seeker]

    def drop(self, edge: int) -> None:
        """Move out."""
        seeker, home = self.lists.seeker[edge], self.lists.home[edge]
        self.at[seeker] = -1
        self.held[home].remove(edge)
        self.free[home] += self.lists.people[seeker]

    def edges(self) -> list[int]:
        """Every pair, by seeker."""
        return [edge for edge in self.at if edge >= 0]

    def housed(self) -> int:
        """How many people have a home."""
        return sum(people for people, edge in zip(self.lists.people, self.at, strict=True) if edge >= 0)


def improve(
    market: Market, lists: Lists, start: list[int] | None, bound: int, seed: int, work: int
) -> tuple[list[int], int]:
    """The best stable pairing found, as edges by seeker, and how many starts were made.

    start   edges of an earlier pairing (no seeker twice, no home over full); then the search begins there and nowhere
            else, since what is known is not given up for a chance. It need not be stable.
    bound   people that can be housed at most: the search stops when it gets there.
    seed    of the shuffles of restarts.
    work    how many edges all starts after the first may look at: it bounds their number without a clock.

    Houses at least two thirds of the most people a stable pairing can house, if all are single and nothing is given to
    start from (Király 2013); in practice 99.9 %. Each start takes O(edges · longest tie).
    """
    households = any(people > 1 for people in lists.people)
    if start is not None:
        pairing = repair(lists, start)
        lengthen(pairing, both_ways=not households)
        polish(market, pairing)
        return pairing.edges(), 1
    best: Pairing | None = None
    rounds = 0
    for pairing in _starts(lists, random.Random(seed), households, work):  # noqa: S311 -- shuffles, not secrets
        rounds += 1
        lengthen(pairing, both_ways=not households)
        if best is None or pairing.housed() > best.housed():
            best = pairing
        if best.housed() >= bound:
            break
    assert best is not None  # noqa: S101 -- there is always a first start
    polish(market, best)
    return best.edges(), rounds


def first(lists: Lists) -> Pairing:
    """A stable pairing as fast as can be: Király's algorithm with seekers asking, nothing more."""
    pairing = Pairing(lists)
    if any(people > 1 for people in lists.people):
        # A household needs two rooms of one home; once they are settled, the rooms left over are for single people.
        # What a household was refused is held by households liked no less, and at most one room is left beside them.
        two = [s for s, people in enumerate(lists.people) if people == 2]
        for edge in kiraly(lists, two, [rooms // 2 for rooms in lists.rooms]):
            pairing.add(edge)
    one = [s for s, people in enumerate(lists.people) if people == 1]
    for edge in kiraly(lists, one, pairing.free[:]):
        pairing.add(edge)
    return pairing


def _starts(lists: Lists, chance: random.Random, households: bool, work: int) -> Iterator[Pairing]:
    """Seekers ask, homes ask, then both again and again with ties shuffled."""
    yield first(lists)
    more = min(MOST_STARTS, work // (len(lists.seeker) + 1))
    if more and not households:
        yield Pairing(lists, kiraly_of_homes(lists))
    for turn in range(more - 1):
        shuffled = Lists(
            lists.seeker, lists.home, lists.seeker_rank, lists.home_rank,
            [_shuffle(edges, lists.seeker_rank, chance) for edges in lists.of_seeker],
            [_shuffle(edges, lists.home_rank, chance) for edges in lists.of_home],
            lists.people, lists.rooms,
        )  # fmt: skip
        if turn % 2 == 0 or households:
            yield first(shuffled)
        else:
            yield Pairing(shuffled, kiraly_of_homes(shuffled))


def _shuffle(edges: list[int], rank: list[int], chance: random.Random) -> list[int]:
    mixed = edges[:]
    chance.shuffle(mixed)
    mixed.sort(key=rank.__getitem__)
    return mixed


# --- Király's algorithm -----------------------------------------------------------------------------------------------


def kiraly(lists: Lists, seekers: list[int], rooms: list[int]) -> list[int]:
    """Seekers who need one room each ask homes; `rooms` is how many each home has for them. Returns edges."""
    return _kiraly([lists.of_seeker[s] for s in seekers], lists.home, lists.seeker_rank, lists.home_rank, rooms)


def kiraly_of_homes(lists: Lists) -> list[int]:
    """Each room asks single seekers. Returns edges."""
    asking = [edges for edges, rooms in zip(lists.of_home, lists.rooms, strict=True) for _ in range(rooms)]
    return _kiraly(asking, lists.seeker, lists.home_rank, lists.seeker_rank, [1] * len(lists.people))


def _kiraly(
    asking: list[list[int]], asked: list[int], rank: list[int], rank_of_asker: list[int], places: list[int]
) -> list[int]:
    """Linear time local approximation for maximum stable marriage (Király 2013), with places for hospitals.

    Who asks goes down their list; in a tie a place that is free comes first. Who has asked everybody in vain is
    promoted once: they ask again and win ties. A place is precarious if who holds it could as well have a free one:
    whoever asks for it gets it, and the other takes the free one.
    """
    promoted = bytearray(len(asking))
    tried = [bytearray(len(edges)) for edges in asking]
    holding: list[list[tuple[int, int]]] = [[] for _ in places]  # (asker, position in the asker's list)
    left = list(places)
    waiting = list(range(len(asking) - 1, -1, -1))
    while waiting:
        who = waiting.pop()
        edges, done = asking[who], tried[who]
        while True:
            position = _choice(edges, done, asked, rank, left)
            if position < 0:
                if promoted[who] or not edges:
                    break
                promoted[who] = 1
                done[:] = bytes(len(edges))
                continue
            edge = edges[position]
            place = asked[edge]
            if left[place]:
                left[place] -= 1
                holding[place].append((who, position))
                break
            loser, dislike = None, 2 * rank_of_asker[edge] - promoted[who]
            for one in holding[place]:
                other = asking[one[0]][one[1]]
                if _precarious(*one, asking, asked, rank, left):
                    loser = one
                    break
                if (theirs := 2 * rank_of_asker[other] - promoted[one[0]]) > dislike:
                    loser, dislike = one, theirs
            else:
                if loser is None:
                    done[position] = 1
                    continue
                tried[loser[0]][loser[1]] = 1
            holding[place].remove(loser)
            holding[place].append((who, position))
            waiting.append(loser[0])
            break
    return [asking[who][position] for held in holding for who, position in held]


def _choice(edges: list[int], done: bytearray, asked: list[int], rank: list[int], left: list[int]) -> int:
    """The position to ask next: the first not tried, or one as good that has a free place; -1 if all were tried."""
    untried = done.find(0)
    if untried < 0:
        return -1
    tie = rank[edges[untried]]
    for position in range(untried, len(edges)):
        edge = edges[position]
        if rank[edge] != tie:
            break
        if left[asked[edge]] and not done[position]:
            return position
    return untried


def _precarious(
    who: int, position: int, asking: list[list[int]], asked: list[int], rank: list[int], left: list[int]
) -> bool:
    """Whether someone could have a free place that is as good to them."""
    edges = asking[who]
    tie = rank[edges[position]]
    for step in (1, -1):
        other = position + step
        while 0 <= other < len(edges) and rank[edges[other]] == tie:
            if left[asked[edges[other]]]:
                return True
            other += step
    return False


# --- Longer by alternating paths --------------------------------------------------------------------------------------


def lengthen(pairing: Pairing, both_ways: bool) -> None:
    """House more people until no alternating path is left; stability stays.

    A seeker without a home may take the room of someone the home likes no better, who then goes down their own list in
    the same way until someone finds a free room: homes only gain. The other way round, a home with a free room may
    win someone who likes it no less than what they have, and so on until a home wins someone without one: seekers only
    gain. Households of two stay where they are; beside them only the first way is safe. Each pass is linear.
    """
    while _ask_down(pairing) + (_win_over(pairing) if both_ways else 0):
        pass


def _ask_down(pairing: Pairing) -> int:
    lists, at, held, free = pairing.lists, pairing.at, pairing.held, pairing.free
    seeker, home, home_rank, people = lists.seeker, lists.home, lists.home_rank, lists.people
    worst = [_worst(pairing, h) for h in range(len(held))]
    seen_seeker, seen_home = bytearray(len(at)), bytearray(len(held))
    found = 0
    for begin, edge in enumerate(at):
        if edge >= 0 or people[begin] > 1 or seen_seeker[begin]:
            continue
        seen_seeker[begin] = 1
        path: list[tuple[int, int]] = []  # (room taken, who has to leave it)
        stack = [iter(_rooms_open(lists, begin, worst))]
        success = False
        while stack and not success:
            for edge in stack[-1]:
                place = home[edge]
                if free[place]:
                    path.append((edge, -1))
                    success = True
                    break
                if seen_home[place]:
                    continue
                seen_home[place] = 1
                loser = -1
                for one in held[place]:
                    who = seeker[one]
                    if home_rank[one] == worst[place] and people[who] == 1 and not seen_seeker[who]:
                        loser = one
                        break
                if loser >= 0:
                    seen_seeker[seeker[loser]] = 1
                    path.append((edge, loser))
                    stack.append(iter(_rooms_open(lists, seeker[loser], worst)))
                    break
            else:
                stack.pop()
                if path:
                    path.pop()
        if success:
            found += 1
            _move(pairing, path)
            for edge, _ in path:
                worst[home[edge]] = _worst(pairing, home[edge])
    return found


def _worst(pairing: Pairing, home: int) -> int:
    """The rank of the room of a home that is easiest to get for one person; -1 if none can be got."""
    if pairing.free[home] > 0:
        return NOWHERE
    lists, worst = pairing.lists, -1
    for one in pairing.held[home]:
        if lists.home_rank[one] > worst and lists.people[lists.seeker[one]] == 1:
            worst = lists.home_rank[one]
    return worst


def _rooms_open(lists: Lists, seeker: int, worst: list[int]) -> list[int]:
    """Rooms that a seeker without one may take: none is better than one that it could get by being liked more."""
    home, seeker_rank, home_rank = lists.home, lists.seeker_rank, lists.home_rank
    found: list[int] = []
    last = NOWHERE
    for edge in lists.of_seeker[seeker]:
        if seeker_rank[edge] > last:
            break
        easiest, own = worst[home[edge]], home_rank[edge]
        if easiest >= own:
            found.append(edge)
            if easiest > own:
                last = seeker_rank[edge]
    return found


def _move(pairing: Pairing, path: list[tuple[int, int]]) -> None:
    for _, loser in path:
        if loser >= 0:
            pairing.drop(loser)
    for edge, _ in path:
        pairing.add(edge)


def _win_over(pairing: Pairing) -> int:
    lists, at, held, free = pairing.lists, pairing.at, pairing.held, pairing.free
    seeker, home, seeker_rank = lists.seeker, lists.home, lists.seeker_rank
    now = [seeker_rank[edge] if edge >= 0 else NOWHERE for edge in at]
    seen_seeker, seen_home = bytearray(len(at)), bytearray(len(held))
    found = 0
    for begin in range(len(held)):
        if not free[begin] or seen_home[begin]:
            continue
        seen_home[begin] = 1
        path: list[int] = []
        stack = [iter(_seekers_open(lists, begin, now, at))]
        success = False
        while stack and not success:
            for edge in stack[-1]:
                who = seeker[edge]
                if seen_seeker[who]:
                    continue
                seen_seeker[who] = 1
                if at[who] < 0:
                    path.append(edge)
                    success = True
                    break
                left = home[at[who]]
                if not seen_home[left]:
                    seen_home[left] = 1
                    path.append(edge)
                    stack.append(iter(_seekers_open(lists, left, now, at)))
                    break
            else:
                stack.pop()
                if path:
                    path.pop()
        if success:
            found += 1
            _move(pairing, [(edge, at[seeker[edge]]) for edge in path])
            for edge in path:
                now[seeker[edge]] = seeker_rank[edge]
    return found


def _seekers_open(lists: Lists, home: int, now: list[int], at: list[int]) -> list[int]:
    """Seekers whom a home with a free room may win: nobody comes after one who would rather live there."""
    found: list[int] = []
    last = NOWHERE
    for edge in lists.of_home[home]:
        if lists.home_rank[edge] > last:
            break
        who = lists.seeker[edge]
        if at[who] == edge:
            continue
        if now[who] > lists.seeker_rank[edge]:
            last = lists.home_rank[edge]
        if now[who] >= lists.seeker_rank[edge]:
            found.append(edge)
    return found


# --- From the run before ----------------------------------------------------------------------------------------------


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

    First whoever would push someone out of a full home leaves their room. Then homes with free rooms win housed people
    who would rather live there, best first: seekers only gain, so nobody housed pushes into a full home. At last those
    without a home ask from the top of their lists: homes only gain, so nobody housed can get in anywhere better.
    """
    lists = pairing.lists
    while True:
        blocking = [edge for edge in _blocking(pairing) if not pairing.free[lists.home[edge]]]
        pushing = sorted({lists.seeker[edge] for edge in blocking if pairing.at[lists.seeker[edge]] >= 0})
        if not pushing:
            break
        for seeker in pushing:
            pairing.drop(pairing.at[seeker])
    _fill_free_rooms(pairing)
    _settle_seekers(pairing)
    return pairing


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


def could_take(pairing: Pairing, edge: int) -> bool:
    """Whether a home could take a seeker by rooms that are free or held by people it likes strictly less."""
    lists = pairing.lists
    home, rank = lists.home[edge], lists.home_rank[edge]
    need, single = lists.people[lists.seeker[edge]], lists.people[lists.seeker[edge]] == 1
    rooms = pairing.free[home]
    for one in pairing.held[home]:
        if lists.home_rank[one] > rank:
            size = lists.people[lists.seeker[one]]
            rooms += 0 if single and size > 1 else size
    return rooms >= need


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


# --- Polish -----------------------------------------------------------------------------------------------------------


def polish(market: Market, pairing: Pairing) -> None:
    """Exchange a housed single person for one without a home while the levels below people gain by it.

    Both must be liked the same by the home; stability and size stay. Afterwards no such exchange is left.
    """
    lists = pairing.lists
    kept, priority = market.incumbent.tolist(), market.priority.tolist()
    score, draw = market.score.tolist(), market.draw.tolist()

    def worth(edge: int) -> tuple[int, int, int, int, int]:
        return (
            kept[edge], -priority[lists.seeker[edge]], -lists.seeker_rank[edge], score[edge], draw[edge],
        )  # fmt: skip

    waiting = [s for s in range(len(pairing.at) - 1, -1, -1) if pairing.at[s] < 0 and lists.people[s] == 1]
    while waiting:
        seeker = waiting.pop()
        if pairing.at[seeker] >= 0:
            continue
        for edge in lists.of_seeker[seeker]:
            rivals = [
                one
                for one in pairing.held[lists.home[edge]]
                if lists.home_rank[one] == lists.home_rank[edge] and lists.people[lists.seeker[one]] == 1
            ]
            loser = next((one for one in sorted(rivals, key=worth) if _exchange(pairing, edge, one, worth)), -1)
            if loser >= 0:
                waiting.append(lists.seeker[loser])
                break


def _exchange(pairing: Pairing, edge: int, loser: int, worth: Callable[[int], tuple[int, ...]]) -> bool:
    """Let one move in for another, if that is worth more and nothing blocks afterwards; whether it was done."""
    if worth(edge) <= worth(loser):
        return False
    pairing.drop(loser)
    pairing.add(edge)
    if any(could_take(pairing, other) for other in pairing.lists.of_seeker[pairing.lists.seeker[loser]]):
        pairing.drop(edge)
        pairing.add(loser)
        return False
    return True


def edges_of(market: Market, rows: Iterable[int]) -> list[int]:
    """The edges of some rows of the problem, by seeker; rows that are not open are left out."""
    edge_of = np.full(int(market.row.max(initial=-1)) + 1, -1, np.int64)
    edge_of[market.row] = np.arange(len(market.row))
    return sorted(int(edge_of[row]) for row in rows if row < len(edge_of) and edge_of[row] >= 0)
