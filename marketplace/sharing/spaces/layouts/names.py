"""Which name is the building and which the room, what type of room it is, and the digests that tell rooms apart."""

import re
from functools import lru_cache
from hashlib import sha256

from marketplace.sharing.spaces.models import Kind

_KINDS = (
    (Kind.MULTIPURPOSE, "다목적실", "다목적"),
    (Kind.TENNIS, "테니스장", "테니스"),
    (Kind.FOOTBALL, "축구장", "축구|풋살"),
    (Kind.COURT, "농구장", "족구|배드|농구|배구"),
    (Kind.GOLF, "골프연습장", "골프"),
    (Kind.GYM, "체육관", "체육|체력|헬스|탁구"),
    (Kind.EXHIBITION, "전시실", "전시|갤러리"),
    (Kind.HALL, "강당", "강당|공연|홀"),
    (Kind.MEETING, "회의실", "회의|세미나"),
    (Kind.LECTURE, "강의실", "강의|강좌|교육|교실"),
    (Kind.LOUNGE, "주민사랑방", "사랑방|쉼터|카페"),
)
"""Our types, how the layout calls each, and the words by which it is known; the first that fits counts."""

_FLOOR = re.compile(r"\d층|지하|지층|옥상")
_ROOM = re.compile(r"(실|방|홀|당|룸|카페|까페|교실|호|코트|마루)\d*호?$")
_OFFICE = re.compile(r"(주민센터|구청|시청|청사|읍사무소|면사무소|군청)$")
_BUILDING = re.compile(
    r"(센터|회관|복지관|도서관|학습관|교육원|체육관|수련관|독서실|활력소|문화의집|자치회관|공원|학교)$"
)


def tight(text: str) -> str:
    """A name without its spaces, which everyone puts elsewhere."""
    return "".join(text.split())


def _roomness(name: str) -> int:
    """How much a name sounds like a room rather than a building."""
    plain = re.sub(r"\([^)]*\)", "", tight(name))
    points = 2 * bool(_FLOOR.search(tight(name)))
    if _OFFICE.search(plain):
        return points - 3
    return points - 2 if _BUILDING.search(plain) else points + bool(_ROOM.search(plain))


def _rest(building: str, room: str) -> str | None:
    """What a room's name says after the building it begins with, a district aside; None if it does not begin so."""
    head, body = tight(building), tight(room)
    at = body.find(head)
    if at < 0 or (at and body[at - 1] not in "시도군구"):
        return None
    skip, end = at + len(head), 0
    while skip:
        skip -= not room[end].isspace()
        end += 1
    rest = room[end:].strip()
    whole = re.fullmatch(r"\(([^()]*)\)", rest)
    return whole[1].strip() if whole else rest


@lru_cache(maxsize=4096)
def names(facility: str, place: str, official_kind: str) -> tuple[str, str]:
    """Which of the two names is the building and which the room; asked about its own answer it answers the same."""
    if official_kind and official_kind in (facility, place):
        building, room = (facility, place) if official_kind == place else (place, facility)
    elif (rest := _rest(facility, place)) is not None:
        building, room = facility, rest
    elif (rest := _rest(place, facility)) is not None:
        building, room = place, rest
    elif _roomness(facility) > _roomness(place):
        building, room = place, facility
    else:
        building, room = facility, place
    room = room or official_kind or building
    return (building, room) if (building, room) == (facility, place) else names(building, room, official_kind)


def kind(official_kind: str) -> Kind:
    """Our type for the official words."""
    return next((kind for kind, _, words in _KINDS if re.search(words, official_kind)), Kind.OTHER)


def official_kind_of(kind: Kind) -> str:
    """The official words for our type."""
    return next((name for own, name, _ in _KINDS if own is kind), "기타")


def digest(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]
