"""Which language a page speaks, and how dates, times and distances are written in it."""

from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from babel.dates import format_date
from flask import Flask, request

from marketplace.kernel import clock, money, words
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import LANGUAGES, _, ngettext

COOKIE = "language"


def choose(preferred: str | None = None) -> str:
    """The language of this request: as just switched, as kept, as the person's, as the browser's, English."""
    for code in (request.args.get("language"), request.cookies.get(COOKIE), preferred):
        if code in LANGUAGES:
            return code
    return request.accept_languages.best_match(list(LANGUAGES), "en")


def switch_url(code: str) -> str:
    """This page in another language."""
    query = [(name, value) for name, value in request.args.items(multi=True) if name != "language"]
    return f"{request.path}?{urlencode([*query, ('language', code)])}"


def show_date(day: date, *, year: bool = False) -> str:
    """Wed 4 June · 6월 4일 수요일; with the year where it matters."""
    if words.language.get() == "ko":
        return format_date(day, "y년 M월 d일 EEEE" if year else "M월 d일 EEEE", locale="ko")
    return format_date(day, "EEE d MMMM y" if year else "EEE d MMMM", locale="en")


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
    end_text = show_time(interval.ends_at)
    if end.date() != start.date():
        end_text = _("midnight") if end - timedelta(minutes=1) < clock.local(
            clock.at(start.date(), 1440)
        ) else show_moment(interval.ends_at)
    if words.language.get() == "ko":
        return f"{show_moment(interval.starts_at)}–{end_text}"
    return f"{show_moment(interval.starts_at)} to {end_text}"


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


def show_distance(metres: float) -> str:
    """350 m, 1.2 km: rounded as far as people walk."""
    return f"{round(metres, -1):.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km"


def show_weekday(weekday: int) -> str:
    """Monday is 0, Sunday 6; 7 stands for public holidays."""
    names = (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
        _("Public holidays"),
    )  # fmt: skip
    return names[weekday]


def install(app: Flask) -> None:
    """Teach templates to write in the visitor's language."""
    app.jinja_env.globals.update(languages=LANGUAGES, switch_language_url=switch_url)
    app.jinja_env.filters.update(
        date=show_date, day_short=show_day_short, time=show_time, moment=show_moment, interval=show_interval,
        minutes=show_minutes, clock=show_clock, distance=show_distance, weekday=show_weekday, money=money.show,
    )  # fmt: skip

    @app.before_request
    def speak() -> None:
        words.language.set(choose())

    @app.after_request
    def remember(response):  # type: ignore[no-untyped-def]
        if request.args.get("language") in LANGUAGES:
            response.set_cookie(
                COOKIE, request.args["language"], max_age=31_536_000, samesite="Lax",
                secure=app.config["SESSION_COOKIE_SECURE"], httponly=True,
            )  # fmt: skip
        return response
