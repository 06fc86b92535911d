"""The agreement of two: made of what both answered, where they differ, its lines in both languages, and as a PDF."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from marketplace.kernel import clock, money
from marketplace.kernel.words import LANGUAGES, Text, _, _l, ngettext, speaking
from marketplace.kernel.writing import show_date, show_list
from marketplace.sharing.homeshare.models import questions
from marketplace.sharing.homeshare.models.programme import programme

NOTICE_IN_TRIAL = 7
"""Days of notice during the trial."""
LATIN, KOREAN = "Helvetica", "HYGothic-Medium"
"""What readers of PDF bring along, so that nothing is embedded."""


# --- what it is made of ---


def terms_of(student: Mapping[str, Any], home: Mapping[str, Any]) -> dict[str, Any]:
    """What both answered, as the terms that a coordinator starts from: where they differ, what suits both best."""
    welcome = set(home.get("welcome_tasks") or ()) & set(student.get("liked_tasks") or ())
    tasks = [task for task in questions.words_of("tasks") if task in set(home.get("tasks") or ()) | welcome]
    starts = max(_day(student.get("wanted_from")), _day(home.get("free_from")), clock.today())
    return {
        "moves_in_on": starts.isoformat(),
        "trial_days": programme().most_trial_days,
        "rent": home.get("rent") or programme().pack.least_rent,
        "bills": home.get("bills") or "included",
        "hours": home.get("hours") or 0,
        "tasks": tasks,
        "evenings": home.get("evenings") or 0,
        "guests": _between("guests", student, home),
        "quiet": _between("quiet", student, home),
        "smoking": bool(student.get("smokes") and home.get("smoking")),
        "pets": list(student.get("pets") or ()),
        "kitchen": home.get("kitchen") or "any_time",
        "food": home.get("food") or "own",
        "notice": int(home.get("notice") or 30),
        "others": "",
    }


def _day(text: str | None) -> date:
    return date.fromisoformat(text) if text else clock.today()


def _between(scale: str, student: Mapping[str, Any], home: Mapping[str, Any]) -> str:
    """What the host wishes, as near as the student's red lines allow."""
    words = list(questions.words_of(scale))

    def at(answers: Mapping[str, Any], name: str, missing: int) -> int:
        return words.index(answers[name]) if answers.get(name) in words else missing

    wish = at(home, scale, at(student, scale, 0))
    least, most = at(student, f"least_{scale}", 0), at(student, f"most_{scale}", len(words) - 1)
    return words[min(max(wish, least), most)]


def differences(student: Mapping[str, Any], home: Mapping[str, Any]) -> list[tuple[Text, str, str]]:
    """Where the two wish for something else: what about, what the student and what the host said."""
    found: list[tuple[Text, str, str]] = []
    for label, own, theirs, show in _COMPARED:
        said = (student.get(own), home.get(theirs))
        if None not in said and said[0] != said[1]:
            found.append((label, show(said[0]), show(said[1])))
    return found


def _hours(number: int) -> str:
    return ngettext("{n} hour a week", "{n} hours a week", number)


def _evenings(number: int) -> str:
    return ngettext("{n} evening a week", "{n} evenings a week", number)


def _yes_no(value: bool) -> str:
    return _("yes") if value else _("no")


def _one_of(words: questions.Words) -> Callable[[str], str]:
    return lambda word: str(words.get(word, word))


def _several(words: questions.Words) -> Callable[[Sequence[str]], str]:
    return lambda chosen: show_list(str(words.get(word, word)) for word in chosen) if chosen else _("none")


_COMPARED: tuple[tuple[Text, str, str, Callable[[Any], str]], ...] = (
    (_l("Hours of help"), "hours", "hours", _hours),
    (_l("Kinds of help"), "tasks", "tasks", _several(questions.TASKS)),
    (_l("Evenings at home"), "evenings", "evenings", _evenings),
    (_l("Guests"), "guests", "guests", _one_of(questions.GUESTS)),
    (_l("Quiet at night"), "quiet", "quiet", _one_of(questions.QUIET)),
    (_l("Smoking"), "smokes", "smoking", _yes_no),
    (_l("Pets"), "pets", "pets", _several(questions.PETS)),
    (_l("The kitchen"), "kitchen", "kitchen", _one_of(questions.KITCHEN)),
    (_l("Food"), "food", "food", _one_of(questions.FOOD)),
    (_l("Languages"), "languages", "languages", _several(questions.LANGUAGES)),
)


def side_by_side(student: Mapping[str, Any], home: Mapping[str, Any]) -> list[tuple[Text, str, str]]:
    """What both expect of living together: what about, the student's and the host's words."""

    def told(said: Any, show: Callable[[Any], str]) -> str:
        return _("not answered") if said is None else show(said)

    return [(label, told(student.get(own), show), told(home.get(its), show)) for label, own, its, show in _COMPARED]


# --- its lines ---


def text_of(terms: Mapping[str, Any]) -> dict[str, list[str]]:
    """The lines as they are signed, by language. They name nobody."""
    lines = {}
    for language in LANGUAGES:
        with speaking(language):
            lines[language] = _lines(terms)
    return lines


def _lines(terms: Mapping[str, Any]) -> list[str]:
    starts = _day(terms["moves_in_on"])
    trial = show_date(starts + timedelta(days=terms["trial_days"]), year=True)
    no_help = _("The student helps nobody by this agreement.")
    helping = _(
        "The student helps {hours}: {tasks}.",
        hours=_hours(terms["hours"]), tasks=_several(questions.TASKS)(terms["tasks"]),
    )  # fmt: skip
    lines = [
        _("The host lets the student live in a room of the home from {day} on.", day=show_date(starts, year=True)),
        _("Until {day} is a trial. Each may end it with {n} days' notice.", day=trial, n=NOTICE_IN_TRIAL),
        _("The rent is {amount} a month. There is no deposit.", amount=money.show(terms["rent"])),
        _("Electricity, water and heating: {bills}.", bills=_small(questions.BILLS, terms["bills"])),
        helping if terms["hours"] else no_help,
        _("Never personal care, nursing or medicines: that is work for trained people."),
        _("This is no employment: no wage is paid, and nobody gives orders."),
        _("The student is at home on {evenings}.", evenings=_evenings(terms["evenings"])),
        _("Guests: {guests}.", guests=_small(questions.GUESTS, terms["guests"])),
        _("Nights: {quiet}.", quiet=_small(questions.QUIET, terms["quiet"])),
        _("Smoking in the home: {smoking}.", smoking=_yes_no(terms["smoking"])),
        _("Pets that come along: {pets}.", pets=_several(questions.PETS)(terms["pets"])),
        _("The kitchen: {kitchen}.", kitchen=_small(questions.KITCHEN, terms["kitchen"])),
        _("Food: {food}.", food=_small(questions.FOOD, terms["food"])),
        _("After the trial, whoever wants to end it says so {n} days before, and needs no reason.", n=terms["notice"]),
        _("Whoever does not feel safe ends it at once; the coordinator helps."),
    ]  # fmt: skip
    if terms.get("others"):
        lines.append(_("Besides: {text}", text=terms["others"]))
    return lines


def _small(words: questions.Words, word: str) -> str:
    said = str(words.get(word, word))
    return said[:1].lower() + said[1:]


# --- on paper ---


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed for a side, and when, already written out; empty while nobody has."""

    side: str
    name: str
    at: str


MARGIN, SIZE, LEADING = 20 * mm, 10.5, 16


def pdf(text: Mapping[str, Sequence[str]], number: int, digest: str, signed: Callable[[], Sequence[Signed]]) -> bytes:
    """The agreement in each language on a page of its own, with who signed and what the text's digest is.

    signed   who signed, in the language spoken when it is asked
    """
    pdfmetrics.registerFont(UnicodeCIDFont(KOREAN))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    canvas.setTitle("Home share")
    for language, lines in text.items():
        with speaking(language):
            y = _draw(canvas, _("Agreement on living together"), A4[1] - MARGIN, 18)
            y = _draw(canvas, _("Edition {number}", number=number), y - 4, SIZE) - 8
            for at, line in enumerate(lines, 1):
                y = _draw(canvas, f"{at}. {line}", y - 3, SIZE)
            for one in signed():
                y = _draw(canvas, f"{one.side}: {one.name} {one.at}", y - 14, SIZE)
            _draw(canvas, f"SHA-256 {digest}", MARGIN, 7)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, text: str, y: float, size: float) -> float:
    """Write a text from here down, and say where the next may begin."""
    font = LATIN if text.isascii() else KOREAN
    canvas.setFont(font, size)
    for line in _broken(text, font, size, A4[0] - 2 * MARGIN):
        canvas.drawString(MARGIN, y - size, line)
        y -= LEADING * size / SIZE
    return y


def _broken(text: str, font: str, size: float, room: float) -> list[str]:
    """A text in lines, broken between words; a word longer than a line is cut, as Korean may be."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if pdfmetrics.stringWidth(longer, font, size) <= room:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if pdfmetrics.stringWidth(lines[-1] + letter, font, size) > room:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]
