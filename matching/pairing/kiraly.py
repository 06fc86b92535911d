"""Király's algorithm: a stable pairing of at least two thirds of the most people, in about linear time."""

from matching.pairing.state import Lists


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
