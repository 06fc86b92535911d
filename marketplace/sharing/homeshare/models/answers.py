"""What the answers of one page say together, and when they contradict each other."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from marketplace.kernel.errors import DomainError
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.questions import Page

Answers = Mapping[str, Any]


def expect_sound(page: Page, answers: Answers, today: date) -> None:
    """Go on only if the answers of a page fit together. Raises the refusal that says what does not, and where."""
    for check in _CHECKS.get(page.name, ()):
        check(answers, today)


def trouble(page: Page, answers: Answers, today: date) -> DomainError | None:
    """What does not fit together, such as a day that has passed since; None if all does."""
    try:
        expect_sound(page, answers, today)
    except DomainError as refusal:
        return refusal
    return None


def missing(page: Page, answers: Answers) -> bool:
    """Whether something that is needed was not answered yet."""
    return any(question.needed and answers.get(question.name) is None for question in page.questions)


def _day(answers: Answers, name: str) -> date | None:
    return date.fromisoformat(answers[name]) if answers.get(name) else None


def _days(answers: Answers, today: date) -> None:
    first, last, needed = "wanted_from", "wanted_until", "needed_by"
    if "free_from" in answers:
        first, last = "free_from", "free_until"
    starts, ends, by = (_day(answers, name) for name in (first, last, needed))
    for name, day in ((last, ends), (needed, by)):
        if day is not None and day < today:
            raise errors.DayIsOver(field=name)
    if starts is not None and ends is not None:
        _long_enough(starts, ends, today, answers.get("least_stay") or programme().pack.least_stay, last)
    if by is not None and starts is not None and by < starts:
        raise errors.NeededBeforeWanted(needed=by, wanted=starts, field=needed)


def _long_enough(starts: date, ends: date, today: date, least: int, field: str) -> None:
    if ends < starts:
        raise errors.EndsBeforeItBegins(field=field)
    if (ends - max(starts, today)).days + 1 < least:
        raise errors.TooShort(starts=max(starts, today), ends=ends, least=least, field=field)


def _help(answers: Answers, _today: date) -> None:
    tasks, hours = answers.get("tasks") or [], answers.get("hours")
    if hours and not tasks:
        raise errors.HelpWithoutKinds(field="tasks")
    if hours == 0 and tasks:
        raise errors.KindsWithoutHours(field="hours")
    if set(answers.get("liked_tasks") or ()) - set(tasks):
        raise errors.LikedButNotOffered(field="liked_tasks")


def _friend(answers: Answers, _today: date) -> None:
    if answers.get("people") == 2 and not answers.get("friend"):
        raise errors.FriendWithoutName(field="friend")


def _between(scale: str) -> Callable[[Answers, date], None]:
    def check(answers: Answers, _today: date) -> None:
        levels = list(getattr(programme().pack.words, scale))
        given = [answers.get(name) for name in (f"least_{scale}", scale, f"most_{scale}")]
        if None in given:
            return
        least, wish, most = (levels.index(level) for level in given)
        if least > most:
            raise errors.LeastAboveMost(field=f"least_{scale}")
        if not least <= wish <= most:
            raise errors.WishOutsideLimits(field=scale)

    return check


_CHECKS: Mapping[str, tuple[Callable[[Answers, date], None], ...]] = {
    "dates": (_days,),
    "help": (_help,),
    "people": (_friend,),
    "guests": (_between("guests"),),
    "quiet": (_between("quiet"),),
}
