"""Which language a page speaks."""

import re

from flask import Flask, Response, request
from markupsafe import Markup

from marketplace.kernel import clock, money, words
from marketplace.kernel.words import LANGUAGES
from marketplace.kernel.writing import (
    show_clock,
    show_date,
    show_day_short,
    show_distance,
    show_hours,
    show_interval,
    show_minutes,
    show_moment,
    show_month,
    show_nth,
    show_time,
    show_weekday,
)
from marketplace.web.errors import wants_json
from marketplace.web.pages import with_query

COOKIE = "language"
HANGUL = re.compile(r"([가-힣]+(?:[\s\d.,·()~-]*[가-힣]+)*)")


def choose() -> str:
    """The language of this request: as just switched, as kept, as the browser asks, English; programs only ask."""
    for code in () if wants_json() else (request.args.get("language"), request.cookies.get(COOKIE)):
        if code in LANGUAGES:
            return code
    wanted = (tag.partition("-")[0].lower() for tag, weight in request.accept_languages if weight > 0)  # best first
    return next((code for code in wanted if code in LANGUAGES), "en")


def spoken(text: object) -> object:
    """What people wrote; its Korean is marked on an English page, so that it is read aloud as Korean (WCAG 3.1.2)."""
    if not isinstance(text, str) or isinstance(text, Markup) or words.language.get() == "ko":
        return text
    marked = Markup('<span lang="ko">{}</span>')
    pieces = HANGUL.split(text)
    return Markup("").join(marked.format(piece) if number % 2 else piece for number, piece in enumerate(pieces))


def switch_url(code: str) -> str:
    """This page in another language."""
    return with_query(language=code)


def install(app: Flask) -> None:
    """Teach templates to write in the visitor's language."""
    app.jinja_env.globals.update(languages=LANGUAGES, switch_language_url=switch_url)
    app.jinja_env.filters.update(
        {
            "clock": show_clock,
            "date": show_date,
            "day": lambda moment: clock.local(moment).date().isoformat(),
            "day_short": show_day_short,
            "distance": show_distance,
            "fee": money.show_fee,
            "hours": show_hours,
            "interval": show_interval,
            "minutes": show_minutes,
            "moment": show_moment,
            "money": money.show,
            "month": show_month,
            "nth": show_nth,
            "spoken": spoken,
            "time": show_time,
            "weekday": show_weekday,
        }
    )

    @app.before_request
    def speak() -> None:
        words.language.set(choose())

    @app.after_request
    def remember(response: Response) -> Response:
        if request.args.get("language") in LANGUAGES and not wants_json():
            response.set_cookie(
                COOKIE, request.args["language"], max_age=31_536_000, samesite="Lax",
                secure=app.config["SESSION_COOKIE_SECURE"], httponly=True,
            )  # fmt: skip
        return response
