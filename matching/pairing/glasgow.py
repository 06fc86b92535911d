"""Instances as files: the text format of the University of Glasgow, and the JSON of qubo-max-smti.

    0                       a zero
    3                       how many on the left
    2                       how many on the right
    1: 1 (2 3)              the left side first, a line an agent: its number, then its list, best first, ties in
    2: (1)                  parentheses; one entry may stand in parentheses too, and a list may be empty
    3:
    1: 2: (1 3)             the right side, here with how many each can take
    2: 1: 2

Agents are numbered from 1 on both sides. The colons may be left out, lines without text do not count, and a pair that
only one of the two lists is not acceptable.

Whether the right side says how many each can take is decided once for the whole file (or by the caller):
- where lines of the right side have a second colon, all must have it, and it does;
- otherwise it does if every line of the right side begins its list with a number outside parentheses, and this number
  cannot be the best entry: in some line it stands in the list once more, or is no agent of the left side, or in more
  than half of the lines that agent does not list the line's own.
Otherwise each takes one.

The JSON form is an object with `males_pref` and `females_pref`: for each name the ranks of others, lower is better and
equal a tie.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matching.pairing.problem import Problem

TOKEN = re.compile(r"[()]|\d+|\S")
NUMBER = re.compile(r"[0-9]{1,9}")
Ranks = dict[str, int]


class Malformed(ValueError):
    """A file that is not in the format, with the line where it goes wrong."""


@dataclass(frozen=True, slots=True)
class Instance:
    """Who ranks whom, 0 the best, and how many each on the right can take; `numbered` if the ids are numbers."""

    left: dict[str, Ranks]
    right: dict[str, Ranks]
    rooms: dict[str, int]
    numbered: bool


def read(path: Path, capacities: bool | None = None) -> Instance:
    """Read a file. capacities says whether the right side has them, if that shall not be found out.

    Raises Malformed, or OSError if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed("The file is not text in UTF-8.") from None
    return _json(text) if text.lstrip().startswith("{") else _text(text, capacities)


def problem(instance: Instance, seed: int) -> Problem:
    """The problem of an instance: pairs that both sides list."""
    home_of = {one: i for i, one in enumerate(instance.right)}
    rows = [
        (s, home_of[home], rank, instance.right[home][seeker])
        for s, (seeker, ranks) in enumerate(instance.left.items())
        for home, rank in ranks.items()
        if seeker in instance.right[home]
    ]
    table = np.array(rows, np.int64).reshape(-1, 4)
    rooms = np.array([instance.rooms[home] for home in instance.right], np.int64)
    seeker, home, seeker_rank, home_rank = table.T
    return Problem([*instance.left], [*instance.right], seeker, home, seeker_rank, home_rank, rooms=rooms, seed=seed)


# --- Text -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    number: int  # in the file
    agent: str
    room: str  # between the first and the second colon
    colons: int
    groups: list[list[str]]  # ties, best first
    bare: bool  # whether the list begins with a number outside parentheses


def _text(text: str, capacities: bool | None) -> Instance:
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) < 3:
        raise Malformed("The file ends before its three header lines.")
    zero, lefts, rights = (_header(*line) for line in lines[:3])
    if zero:
        raise Malformed(f"Line {lines[0][0]}: a zero is expected.")
    if len(lines) != 3 + lefts + rights:
        raise Malformed(f"{lefts} + {rights} agents are announced, and {len(lines) - 3} lines follow.")
    left = [_line(*line, most_colons=1) for line in lines[3 : 3 + lefts]]
    right = [_line(*line, most_colons=2) for line in lines[3 + lefts :]]
    left_lists = _lists(left, lefts, rights)
    rooms = _rooms(right, left_lists, capacities)
    return Instance(left_lists, _lists(right, rights, lefts), rooms, numbered=True)


def _header(number: int, line: str) -> int:
    if not NUMBER.fullmatch(line):
        raise Malformed(f"Line {number}: a whole number is expected, not {line[:40]!r}.")
    return int(line)


def _line(number: int, line: str, most_colons: int) -> _Line:
    parts = line.split(":")
    if len(parts) > most_colons + 1:
        raise Malformed(f"Line {number}: too many colons.")
    if len(parts) == 1:
        head, *rest = line.split(maxsplit=1)
        parts = [head, *(rest or [""])]
    agent, room, entries = parts[0].strip(), parts[1].strip() if len(parts) == 3 else "", parts[-1]
    for what in (agent, room) if len(parts) == 3 else (agent,):
        if not NUMBER.fullmatch(what):
            raise Malformed(f"Line {number}: a number is expected, not {what[:40]!r}.")
    groups, bare = _groups(number, entries)
    return _Line(number, str(int(agent)), room, len(parts) - 1, groups, bare)


def _groups(number: int, text: str) -> tuple[list[list[str]], bool]:
    groups: list[list[str]] = []
    tied = False
    tokens = TOKEN.findall(text)
    for token in tokens:
        if token == "(" and not tied:  # noqa: S105 -- a parenthesis is no password
            tied = True
            groups.append([])
        elif token == ")" and tied and groups[-1]:  # noqa: S105
            tied = False
        elif NUMBER.fullmatch(token):
            if tied:
                groups[-1].append(str(int(token)))
            else:
                groups.append([str(int(token))])
        else:
            raise Malformed(f"Line {number}: {token[:40]!r} does not belong here.")
    if tied:
        raise Malformed(f"Line {number}: a parenthesis is not closed.")
    return groups, bool(tokens) and tokens[0] != "("


def _lists(lines: list[_Line], count: int, others: int) -> dict[str, Ranks]:
    found: dict[str, Ranks] = {}
    for line in lines:
        if not 1 <= int(line.agent) <= count or line.agent in found:
            raise Malformed(f"Line {line.number}: there is no agent {line.agent}, or it stands there twice.")
        ranks: Ranks = {}
        for rank, group in enumerate(line.groups):
            for one in group:
                if not 1 <= int(one) <= others:
                    raise Malformed(f"Line {line.number}: there is no {one} on the other side.")
                if one in ranks:
                    raise Malformed(f"Line {line.number}: {one} is listed twice.")
                ranks[one] = rank
        found[line.agent] = ranks
    return found


def _rooms(right: list[_Line], left: dict[str, Ranks], capacities: bool | None) -> dict[str, int]:
    """How many each can take; where that is said at the head of the list, it is taken off the list."""
    if any(line.colons == 2 and line.room for line in right):
        if missing := [line for line in right if not line.room]:
            raise Malformed(f"Line {missing[0].number}: how many it can take is missing, other lines say it.")
        rooms = {line.agent: int(line.room) for line in right}
    elif capacities or (capacities is None and _headed(right, left)):
        if missing := [line for line in right if not line.bare]:
            raise Malformed(f"Line {missing[0].number}: how many it can take is missing.")
        rooms = {line.agent: int(line.groups.pop(0)[0]) for line in right}
    else:
        return {line.agent: 1 for line in right}
    if nothing := [line for line in right if rooms[line.agent] < 1]:
        raise Malformed(f"Line {nothing[0].number}: it can take nobody.")
    return rooms


def _headed(right: list[_Line], left: dict[str, Ranks]) -> bool:
    """Whether the lists of the right side begin with how many each can take."""
    if not right or not all(line.bare for line in right):
        return False
    strangers = 0
    for line in right:
        head = line.groups[0][0]
        if head not in left or any(head in group for group in line.groups[1:]):
            return True
        strangers += line.agent not in left[head]
    return 2 * strangers > len(right)


# --- JSON -------------------------------------------------------------------------------------------------------------


def _json(text: str) -> Instance:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("The file is not JSON.") from None
    sides = [data.get("males_pref"), data.get("females_pref")]
    for side in sides:
        if not isinstance(side, dict) or not all(isinstance(ranks, dict) for ranks in side.values()):
            raise Malformed("males_pref and females_pref are expected, each with ranks for each name.")
    left, right = sides
    for side, other in ((left, right), (right, left)):
        for name, ranks in side.items():
            for one, rank in ranks.items():
                if one not in other:
                    raise Malformed(f"{name} ranks {one}, who does not exist.")
                if type(rank) is not int or not 0 <= rank < 2**31:
                    raise Malformed(f"{name} ranks {one} by {json.dumps(rank)[:40]}, not by a whole number from 0.")
    return Instance(left, right, dict.fromkeys(right, 1), numbered=False)
