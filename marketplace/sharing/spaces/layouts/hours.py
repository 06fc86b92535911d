"""Opening hours and closed days, as four cells and a line of prose tell them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from marketplace.kernel.intervals import HOLIDAY
from marketplace.sharing.spaces.layouts.names import tight

MIDNIGHT = 24 * 60

Hours = tuple[tuple[int, int, int], ...]
"""(weekday 0 Monday to 6 Sunday or 7 for public holidays, opening minute, closing minute up to 1440), rising, apart."""
ClosedDays = tuple[tuple[int, int], ...]
"""(weekday, nth of the month from 1 to 5), rising."""
Span = tuple[int, int]


@lru_cache(maxsize=4096)
def minute(text: str) -> int | None:
    """A time of day as minutes after midnight, or None if it is not one."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::\d{2})?|(\d{1,2})(\d{2})|(\d{1,2})시\s*(?:(\d{1,2})분)?", text)
    if not found:
        return None
    hour, past = (int(part or 0) for part in (found[1] or found[3] or found[5], found[2] or found[4] or found[6]))
    return hour * 60 + past if past < 60 and hour * 60 + past <= MIDNIGHT else None


def read_span(opens: str, closes: str) -> tuple[Span | None, str]:
    """The hours between two cells and the code of what is wrong with them, if something is."""
    if not opens and not closes:
        return None, ""
    start, end = minute(opens), minute(closes)
    if start is None or end is None:
        return None, "hours_unreadable"
    if start == end == 0:
        return None, ""
    if start == end:
        return None, "hours_empty"
    if end == 0:
        return (start, MIDNIGHT), ""
    if start == 0 and end < MIDNIGHT:
        return None, "hours_from_midnight"
    return ((start, end), "") if start < end else (None, "hours_backwards")


@dataclass(frozen=True, slots=True)
class Closed:
    """What the prose of closed days says."""

    weekly: frozenset[int] = frozenset()
    monthly: ClosedDays = ()
    holidays: bool = False
    cautions: tuple[str, ...] = ()


_DAYS = "월화수목금토일"
_DAY_RANGE = re.compile(rf"([{_DAYS}])(?:요일)?\s*[~∼～-]\s*([{_DAYS}])(?:요일)?(?![가-힣])")
_DAY_WORD = re.compile(rf"(?:매주|매월|매일|매)?([{_DAYS}]+)(?:요일)?")
_NTH = {
    "첫": 1,
    "둘": 2,
    "두": 2,
    "셋": 3,
    "세": 3,
    "넷": 4,
    "네": 4,
    "다섯": 5,
    "1": 1,
    "2": 2,
    "3": 3,
    "4": 4,
    "5": 5,
}
_NTH_WORD = re.compile(
    rf"(?:매월|매달|매주)?제?(마지막|{'|'.join(_NTH)})(?:번째|째)?(?:주차|주)?([{_DAYS}]+요일|(?<=[째주])[{_DAYS}]|$)"
)
_HOLIDAYS = re.compile(r"(?:법정|대체|임시|명절|국가|매주)*(?:공휴일|국경일|휴일)")
_SOME_HOLIDAYS = re.compile(
    r"(?:매년|음력)?(?:설날?|구정|신정|추석|명절|연휴|성탄절|1월1일)(?:설|추석|명절|연휴|당일|및)*"
)
_REMARK = re.compile(r"변경|지정|별도|사정|공연|협의|문의|기타|수시|근로자|노동절|행사|점검")
_FILLER = re.compile(r"(?:매주|매월|매달|매일|정기|정기휴관|휴관|휴관일|휴무|휴무일|휴일없음|등)?")
_NEVER = re.compile(r"(?:휴관일?|휴무일?)?없음|해당없음|(?:연중)?무휴|연중개방|상시개방|-|×|X|x")
_SEPARATORS = re.compile(r"[,./+·ㆍ・&;|\n()\[\]]|및|또는|그리고")


@lru_cache(maxsize=4096)
def read_closed(prose: str) -> Closed | None:
    """The rules in the prose of closed days; None if nothing in it is recognised."""
    if not prose:
        return Closed(holidays=True, cautions=("closed_blank",))
    text = re.sub(r"\(대체\)\s*", "대체", prose)
    text = re.sub(rf"(?<=[{_DAYS}])\s*(?=(?:법정|대체)?공휴일)", ",", text)
    text = _DAY_RANGE.sub(lambda found: ",".join(_DAYS[day] for day in _between(found[1], found[2])) + ",", text)
    words = [word for part in _SEPARATORS.split(text) for word in _words(part) if not _FILLER.fullmatch(word)]
    weekly: set[int] = set()
    monthly: set[tuple[int, int]] = set()
    holidays = never = False
    cautions: set[str] = set()
    waiting: set[int] = set()
    for word in words:
        if found := _DAY_WORD.fullmatch(word):
            days = _days(found[1])
            if waiting:
                monthly |= {(day, nth) for day in days for nth in waiting}
            else:
                weekly |= days
            waiting = set()
            continue
        if found := _NTH_WORD.fullmatch(word):
            waiting |= {4, 5} if found[1] == "마지막" else {_NTH[found[1]]}
            if found[2]:
                monthly |= {(day, nth) for day in _days(found[2].removesuffix("요일")) for nth in waiting}
                waiting = set()
            continue
        if waiting:
            cautions.add("closed_unclear")
            waiting = set()
        if word in ("주말", "매주주말"):
            weekly |= {5, 6}
        elif word in ("평일", "주중", "매주평일", "매주주중"):
            weekly |= set(range(5))
        elif _HOLIDAYS.fullmatch(word):
            holidays = True
        elif _SOME_HOLIDAYS.fullmatch(word):
            cautions.add("closed_some_holidays")
        elif _NEVER.fullmatch(word):
            never = True
        else:
            days = _days("".join(re.findall(rf"([{_DAYS}])요일", word)))
            weekly |= days | ({5, 6} if "주말" in word else set()) | (set(range(5)) if "평일" in word else set())
            holidays |= "공휴일" in word
            cautions.add("closed_more" if _REMARK.search(word) and not days else "closed_unclear")
    if waiting:
        cautions.add("closed_unclear")
    if not (weekly or monthly or holidays or never or cautions - {"closed_unclear"}):
        return None
    if holidays:
        cautions.discard("closed_some_holidays")
    kept = tuple(sorted(pair for pair in monthly if pair[0] not in weekly))
    shut = holidays or bool(cautions & {"closed_unclear", "closed_some_holidays"})
    return Closed(frozenset(weekly), kept, shut, tuple(sorted(cautions)))


def _days(letters: str) -> set[int]:
    return {_DAYS.index(letter) for letter in letters}


def _between(first: str, last: str) -> list[int]:
    start, end = _DAYS.index(first), _DAYS.index(last)
    return [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]


def _words(part: str) -> list[str]:
    """A part as one word if that is understood, else its words between spaces."""
    whole = re.sub(r"(?<=.)(?:은|는)?(?:휴관일?|휴무일?)$", "", tight(part))
    known = (_FILLER, _DAY_WORD, _NTH_WORD, _HOLIDAYS, _SOME_HOLIDAYS, _NEVER)
    if any(pattern.fullmatch(whole) for pattern in known) or _REMARK.search(whole):
        return [whole] if whole else []
    return [re.sub(r"(?<=.)(?:은|는)?(?:휴관일?|휴무일?)$", "", word) for word in part.split()]


def timetable(weekday: Span | None, weekend: Span | None, closed: Closed) -> Hours:
    """The hours of the week; holidays have those of the weekend if Sundays are open and the prose allows it."""
    spans = [(day, weekday) for day in range(5)] + [(day, weekend) for day in (5, 6)]
    hours = [(day, *span) for day, span in spans if span and day not in closed.weekly]
    if weekend and not closed.holidays and 6 not in closed.weekly:
        hours.append((HOLIDAY, *weekend))
    return tuple(hours)


def joined(hours: Iterable[tuple[int, int, int]]) -> Hours:
    """The same hours in order, those of one day that overlap made one."""
    result: list[tuple[int, int, int]] = []
    for day, start, end in sorted(hours):
        if result and result[-1][0] == day and start < result[-1][2]:
            result[-1] = (day, result[-1][1], max(end, result[-1][2]))
        else:
            result.append((day, start, end))
    return tuple(result)


_EXACT_TIMES = re.compile(r"(.*?) ?\[시간표 ([^\[\]]*)\]", re.DOTALL)
_EXACT_DAY = re.compile(rf"([{_DAYS}]|공휴일)((?: \d\d:\d\d~\d\d:\d\d)+)")
_LABELS = (*_DAYS, "공휴일")


def read_timetable(prose: str) -> tuple[Hours, ClosedDays, str] | None:
    """The timetable that `write` has added to the prose, the closed days in it, and the prose alone."""
    found = _EXACT_TIMES.fullmatch(prose)
    if not found:
        return None
    hours: list[tuple[int, int, int]] = []
    monthly: list[tuple[int, int]] = []
    for part in found[2].split(" / "):
        if day := _EXACT_DAY.fullmatch(part):
            for span in day[2].split():
                start, end = map(minute, span.split("~"))
                if start is None or end is None or start >= end:
                    return None
                hours.append((_LABELS.index(day[1]), start, end))
        elif closed := re.fullmatch(rf"휴관((?: [1-5]째[{_DAYS}])+)", part):
            monthly += [(_DAYS.index(label[2]), int(label[0])) for label in closed[1].split()]
        else:
            return None
    return (joined(hours), tuple(sorted(set(monthly))), found[1]) if hours else None


def write_opening(weekly_hours: Hours, closed_days: ClosedDays, closed_note: str) -> list[str]:
    """The closed days and the four hours, with an exact timetable in brackets where these cannot say it."""
    cells = [closed_note]
    for days in (range(5), (5, 6)):
        opens, closes = next(((start, end) for day, start, end in weekly_hours if day in days), (0, 0))
        cells += [_clock(opens), _clock(closes if opens == 0 else closes % MIDNIGHT)]
    closed = None if _EXACT_TIMES.fullmatch(closed_note) else read_closed(closed_note)
    if closed:
        hours = timetable(read_span(*cells[1:3])[0], read_span(*cells[3:5])[0], closed)
        if (hours, closed.monthly) == (weekly_hours, closed_days):
            return cells
    parts = [
        _LABELS[day] + "".join(f" {_clock(start)}~{_clock(end)}" for other, start, end in weekly_hours if other == day)
        for day in dict.fromkeys(day for day, _, _ in weekly_hours)
    ]
    if closed_days:
        parts.append("휴관" + "".join(f" {nth}째{_DAYS[day]}" for day, nth in closed_days))
    return [f"{closed_note} [시간표 {' / '.join(parts)}]".strip(), *cells[1:]]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
