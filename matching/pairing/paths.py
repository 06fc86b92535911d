"""Alternating paths: one more person housed by each, with stability kept."""

from matching.pairing.problem import NOWHERE
from matching.pairing.state import Lists, Pairing


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
