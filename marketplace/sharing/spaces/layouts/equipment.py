"""What a room has: a list of things, or prose."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from marketplace.sharing.spaces.models import Feature

_NOTHING = re.compile(r"없음|해당\s*없음|-|무|x|X")
_SENTENCE = re.compile(r"(음|됨|함|니다|다|요|가능|바람|요망|문의)\.?$")


@lru_cache(maxsize=4096)
def read_equipment(prose: str) -> tuple[tuple[str, ...], str]:
    """The things in a list of equipment, and what is no list: a sentence, or the lines after the first."""
    first, _, note = prose.partition("\n")
    if len(first) > 15 and " " in first and _SENTENCE.search(first):
        return (), prose
    parts = re.split(r"[+/_·ㆍ;]|,(?!\d)|(?<!\d),|\s및\s", first)
    things = (re.sub(r"\s*(?:\s등|\s포함)$", "", part.strip()).strip() for part in parts)
    return tuple(dict.fromkeys(thing for thing in things if thing and not _NOTHING.fullmatch(thing))), note.strip()


def write_equipment(things: Sequence[str], note: str) -> str:
    listed = ", ".join(things)
    if not note or (not listed and read_equipment(note) == ((), note)):
        return listed or note
    return f"{listed or '없음'}\n{note}"


_FEATURES = {
    Feature.PROJECTOR: r"프로젝[터트]|스크린(?!\s?골프)|^빔$|텔레비전|티비|\btv\b|projector",
    Feature.SOUND: r"마이크|mic|음향|[앰엠]프|스피커|방송",
    Feature.BOARD: r"칠판|화이트\s?보드|whiteboard",
    Feature.TABLES: r"책상|책걸상|테이블|탁자",
    Feature.CHAIRS: r"의자|책걸상|걸상",
    Feature.COMPUTER: r"컴퓨터|노트북|\bpc\b",
    Feature.PIANO: r"피아노",
    Feature.MIRROR: r"거울",
    Feature.KITCHEN: r"주방|싱크대|개수대|취사|조리",
    Feature.AIR_CONDITIONING: r"에어컨|냉난방|냉방",
    Feature.WIFI: r"와이파이|wi-?fi|무선\s?인터넷|무선랜",
    Feature.SHOWER: r"샤워|탈의",
    Feature.PARKING: r"주차",
}
_LACKS = re.compile(r"불가|없음|없습니다|금지|미설치|미비|미제공|미보유|안\s?됨|안\s?됩니다")


def features(things: Iterable[str]) -> tuple[Feature, ...]:
    """What people may search for, among things named in an official list; a thing said to be missing does not count."""
    there = [thing.lower() for thing in things if not _LACKS.search(thing)]
    return tuple(feature for feature, words in _FEATURES.items() if any(re.search(words, thing) for thing in there))
