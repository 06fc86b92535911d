"""How dates, times, lengths and distances are written in the reader's language, on the city's clocks."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from babel.dates import format_date

from marketplace.kernel import clock, words
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import _, ngettext


def show_date(day: date, *, year: bool = False) -> str:
    """Wed 4 June · 6월 4일 수요일; with the year where it matters. Of a moment, its date in the city."""
    if isinstance(day, datetime):
        day = clock.local(day).date()
    if words.language.get() == "ko":
        return format_date(day, "y년 M월 d일 EEEE" if year else "M월 d일 EEEE", locale="ko")
    return format_date(day, "EEE d MMMM y" if year else "EEE d MMMM", locale="en")


def show_month(moment: datetime) -> str:
    """June 2026 · 2026년 6월, in the city."""
    korean = words.language.get() == "ko"
    return format_date(clock.local(moment).date(), "y년 M월" if korean else "MMMM y", locale="ko" if korean else "en")


def show_day_short(day: date) -> str:
    """Wed 4 · 4일 (수): the head of a column."""
    if words.language.get() == "ko":
        return format_date(day, "d일 (E)", locale="ko")
    return format_date(day, "EEE d", locale="en")


def show_time(moment: datetime) -> str:
    """14:00, on the city's clocks."""
    return clock.local(moment).strftime("%H:%M")


def show_moment(moment: datetime) -> str:
    """Wed 4 June, 14:00 · 6월 4일 수요일 14:00."""
    day = show_date(clock.local(moment).date())
    return f"{day} {show_time(moment)}" if words.language.get() == "ko" else f"{day}, {show_time(moment)}"


def show_interval(interval: Interval) -> str:
    """Wed 4 June, 14:00 to 16:00; the second day too when it is another."""
    start, end = clock.local(interval.starts_at), clock.local(interval.ends_at)
    if interval.ends_at == clock.at(start.date(), 1440):
        end_text = _("midnight")
    else:
        end_text = show_time(interval.ends_at) if end.date() == start.date() else show_moment(interval.ends_at)
    if words.language.get() == "ko":
        return f"{show_moment(interval.starts_at)}–{end_text}"
    return f"{show_moment(interval.starts_at)} to {end_text}"


def show_hours(interval: Interval) -> str:
    """14:00–16:00, where the day is known already."""
    start = clock.local(interval.starts_at)
    end = "24:00" if interval.ends_at == clock.at(start.date(), 1440) else show_time(interval.ends_at)
    return f"{show_time(interval.starts_at)}–{end}"


def show_minutes(minutes: int) -> str:
    """90 → 1 hour 30 minutes."""
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(ngettext("{n} hour", "{n} hours", hours))
    if rest or not hours:
        parts.append(ngettext("{n} minute", "{n} minutes", rest))
    return " ".join(parts)


def show_clock(minute: int) -> str:
    """Minutes past midnight as 09:00; 1440 is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def show_list(things: Iterable[object]) -> str:
    """Pictures, documents and recordings · 사진, 문서 및 녹음: at least one."""
    *these, those = map(str, things)
    return _("{these} and {those}", these=", ".join(these), those=those) if these else those


def show_distance(metres: float) -> str:
    """350 m, 1.2 km: rounded as far as people walk."""
    return f"{round(metres, -1):.0f} m" if round(metres, -1) < 1000 else f"{metres / 1000:.1f} km"


def show_nth(n: int) -> str:
    """2nd · 2번째: which of a month's five at most."""
    return f"{n}번째" if words.language.get() == "ko" else ("1st", "2nd", "3rd", "4th", "5th")[n - 1]


def show_weekday(weekday: int) -> str:
    """Monday is 0, Sunday 6; 7 stands for public holidays."""
    names = (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
        _("Public holidays"),
    )  # fmt: skip
    return names[weekday]


words.written.register(datetime, show_moment)
words.written.register(date, show_date)
words.written.register(Interval, show_interval)
words.written.register(timedelta, lambda length: show_minutes(int(length.total_seconds()) // 60))
