"""Who lives where at the moment, as lists that Python reads quickly; and who could get in.

Stability: a seeker and a home block a pairing if the seeker would rather live there than where it does, and the home
could take it by rooms that are free or held by single people it likes strictly less. Two who belong together need two
such rooms, and for them a home may also give up another household of two that it likes strictly less. A home never
sends two people away to take in one: with that a stable pairing always exists, without it it need not (McDermid and
Manlove 2010). Ranks that are equal do not count as "rather" (weak stability).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from matching.pairing.problem import Market


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
