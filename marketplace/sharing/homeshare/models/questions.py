"""What is asked of each side: on which page, in which words, within which limits. Nothing else is asked of anyone.

Answers are kept by the name of their question. What rules and scores read has the name it has in
matching.candidates.people; the rest is for the agreement that two may make later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from marketplace.kernel import money
from marketplace.kernel.words import Spoken, Text, _, _l, _m
from marketplace.kernel.writing import show_date, show_list
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.checks import CheckKind
from marketplace.sharing.homeshare.models.programme import programme
from matching.candidates.packs import Measure

MOST_ROOMS = 3
EVENINGS = 7
MONTH = 30
"""So many days are called a month where someone says how long they want to stay at least."""

LONGEST_TEXT = 600


class Kind(StrEnum):
    """How a question is answered."""

    YES_NO = "yes_no"
    NUMBER = "number"
    SUM = "sum"
    DAY = "day"
    ONE = "one"
    SEVERAL = "several"
    LINE = "line"
    TEXT = "text"
    CAMPUS = "campus"
    PLACE = "place"


Words = Mapping[str, Text]


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `words` are the answers to choose from; they are kept as whole numbers where `whole` says so.

    locked   kept in a column of its own, locked
    wrong    what is said of a number that is out of range
    """

    name: str
    kind: Kind
    label: Text
    hint: Text | None = None
    needed: bool = True
    least: int = 0
    most: int = 0
    words: Words = field(default_factory=dict)
    whole: bool = False
    unit: Text | None = None
    locked: bool = False
    wrong: Spoken | None = None

    def read(self, answer: Any) -> str:
        """An answer as people read it."""
        if answer is None or answer == "":
            return _("Left empty")
        match self.kind:
            case Kind.YES_NO:
                return _("Yes") if answer else _("No")
            case Kind.SUM:
                return money.show(answer)
            case Kind.DAY:
                return show_date(date.fromisoformat(answer), year=True)
            case Kind.ONE:
                return str(self.words.get(str(answer), answer))
            case Kind.SEVERAL:
                return show_list([str(self.words.get(word, word)) for word in answer]) if answer else _("None of these")
            case Kind.NUMBER if self.unit:
                return f"{answer} {self.unit}"
        return str(answer)


@dataclass(frozen=True, slots=True)
class Page:
    """Questions that are asked together. What was checked before has to be checked again when they change."""

    name: str
    section: str
    title: Text
    questions: tuple[Question, ...]
    check: CheckKind | None = None

    @property
    def needed(self) -> bool:
        """Whether it must be answered before the application is sent."""
        return any(question.needed for question in self.questions)


SECTIONS: Mapping[str, Text] = {
    "you": _l("About you"),
    "study": _l("Where you study"),
    "home": _l("Your home"),
    "stay": _l("When and how long"),
    "money": _l("Rent and help"),
    "living": _l("Living together"),
}

# --- the words that people choose from; those of rules and scores come from the city's pack ---

TASKS: Words = {
    "company": _l("Company: talking, walks"),
    "meals": _l("Cooking and eating together"),
    "shopping": _l("Shopping"),
    "cleaning": _l("Light cleaning"),
    "phone_and_computer": _l("Help with phone and computer"),
    "errands": _l("Errands, such as the post office"),
    "garden": _l("Plants and garden"),
    "pets": _l("Looking after a pet"),
}
PETS: Words = {"cat": _l("Cat"), "dog": _l("Dog"), "bird": _l("Bird"), "other": _l("Another pet")}
ALLERGENS: Words = {
    "cat": _l("Cat"), "dog": _l("Dog"), "bird": _l("Bird"),
    "dust": _l("Carpets and much dust"), "plants": _l("Many plants"),
}  # fmt: skip
LANGUAGES: Words = {
    "ko": _l("Korean"), "en": _l("English"), "zh": _l("Chinese"), "ja": _l("Japanese"), "vi": _l("Vietnamese"),
    "mn": _l("Mongolian"), "uz": _l("Uzbek"), "ru": _l("Russian"), "fr": _l("French"), "es": _l("Spanish"),
}  # fmt: skip
GUESTS: Words = {
    "never": _l("Never"),
    "seldom": _l("A few times a year"),
    "monthly": _l("About once a month"),
    "weekly": _l("About once a week"),
    "often": _l("More often"),
}
QUIET: Words = {
    "any_time": _l("It need not be quiet"),
    "after_midnight": _l("Quiet from midnight"),
    "after_eleven": _l("Quiet from 11 at night"),
    "after_ten": _l("Quiet from 10 at night"),
    "after_nine": _l("Quiet from 9 at night"),
}
OF_THE_PACK: Mapping[str, Words] = {
    "tasks": TASKS, "pets": PETS, "allergens": ALLERGENS, "languages": LANGUAGES, "guests": GUESTS, "quiet": QUIET,
}  # fmt: skip

FURNITURE: Words = {
    "bed": _l("Bed"), "desk": _l("Desk and chair"), "wardrobe": _l("Wardrobe"), "shelf": _l("Bookshelf"),
    "air_conditioning": _l("Air conditioning"), "internet": _l("Internet"),
}  # fmt: skip
BILLS: Words = {
    "included": _l("They are in the rent"),
    "shared": _l("They are shared equally"),
    "fixed": _l("A fixed sum a month, agreed beforehand"),
}
NOTICE: Words = {"14": _l("Two weeks"), "30": _l("A month"), "60": _l("Two months")}
KITCHEN: Words = {
    "any_time": _l("Use the kitchen at any time"),
    "agreed": _l("Use it at agreed times"),
    "seldom": _l("Use it only for small things"),
}
FOOD: Words = {
    "own": _l("Everyone buys and cooks their own"),
    "sometimes": _l("Eat together now and then"),
    "together": _l("Share food and most meals"),
}


def words_of(kind: str) -> Words:
    """The words of the city's pack, in its order; one that we have no name for is shown as it is written there."""
    known = OF_THE_PACK[kind]
    return {word: known.get(word) or Text(word.replace("_", " ")) for word in getattr(programme().pack.words, kind)}


# --- the pages ---


def pages(side: Side) -> tuple[Page, ...]:
    """All that is asked of a side, in order."""
    return tuple(_host() if side is Side.HOST else _student())


def page(side: Side, name: str) -> Page | None:
    """The page of this name."""
    return next((one for one in pages(side) if one.name == name), None)


def _student() -> Iterable[Page]:
    pack = programme().pack
    yield _alone(
        "you",
        Question(
            "adult",
            Kind.YES_NO,
            _l("Will you be {years} or older when you move in?", years=pack.student_age),
            _l("Only yes or no is kept, not your age."),
        ),
        check=CheckKind.IDENTITY,
    )
    yield Page(
        "people",
        "you",
        _l("Who moves in?"),
        (
            Question(
                "people",
                Kind.ONE,
                _l("Who moves in?"),
                words={"1": _l("Only I"), "2": _l("I and a friend")},
                whole=True,
            ),
            Question(
                "friend",
                Kind.LINE,
                _l("Name of the friend"),
                _l("Two who come together need two rooms in one home. Kept locked."),
                needed=False,
                most=80,
                locked=True,
            ),
        ),
    )
    yield from _person()
    yield _alone("study", Question("campus", Kind.CAMPUS, _l("Where do you study?")), check=CheckKind.ENROLMENT)
    yield _alone(
        "study",
        Question(
            "longest_way",
            Kind.ONE,
            _l("How far may the room be from there?"),
            words=_ways(),
            whole=True,
        ),
    )
    yield Page(
        "dates",
        "stay",
        _l("When do you want to live there?"),
        (
            Question("wanted_from", Kind.DAY, _l("First day on which you could move in")),
            Question("wanted_until", Kind.DAY, _l("Last day on which you would still live there")),
            _least_stay(),
            Question(
                "needed_by",
                Kind.DAY,
                _l("By which day must you have a room?"),
                _l("If you have to leave where you live now. Whoever is pressed is not kept waiting."),
                needed=False,
            ),
        ),
    )
    yield _alone(
        "money",
        Question(
            "budget",
            Kind.SUM,
            _l("How much rent can you pay a month?"),
            _l("Rents are {least} to {most} a month. There is no deposit.", **_rents()),
            least=pack.least_rent,
            most=pack.most_rent,
        ),
    )
    yield Page(
        "help",
        "money",
        _l("What help do you offer?"),
        (
            _hours(_l("Hours a week")),
            Question(
                "tasks",
                Kind.SEVERAL,
                _l("What would you do?"),
                _l("Never personal care, nursing or medicines: that is work for trained people."),
                words=words_of("tasks"),
            ),
            Question("liked_tasks", Kind.SEVERAL, _l("What of it would you like to do?"), words=words_of("tasks")),
        ),
    )
    yield _evenings(_l("On how many evenings a week would you be at home?"))
    yield _alone("living", Question("smokes", Kind.YES_NO, _l("Do you smoke?")))
    yield _alone(
        "living", Question("pets", Kind.SEVERAL, _l("Which pets come with you?"), _none(), words=words_of("pets"))
    )
    yield _alone(
        "living",
        Question(
            "avoids",
            Kind.SEVERAL,
            _l("What must not be in the home?"),
            _l("Nobody asks why. Tick nothing if there is nothing."),
            words=words_of("allergens"),
        ),
    )
    yield _alone(
        "living",
        Question(
            "step_free",
            Kind.YES_NO,
            _l("Do you need a way into the home without steps?"),
            _l("Nobody asks why."),
        ),
    )
    yield from _together()


def _host() -> Iterable[Page]:
    pack = programme().pack
    yield _alone(
        "you",
        Question(
            "eligible",
            Kind.YES_NO,
            _l("Are you {years} or older?", years=pack.host_age),
            _l("Only yes or no is kept, not your age."),
        ),
        check=CheckKind.IDENTITY,
    )
    yield from _person()
    yield _alone("home", Question("place", Kind.PLACE, _l("Where is your home?")), check=CheckKind.VISIT)
    yield Page(
        "room",
        "home",
        _l("The room"),
        (
            Question(
                "rooms",
                Kind.NUMBER,
                _l("How many rooms are free?"),
                least=1,
                most=MOST_ROOMS,
                wrong=_m("A home without a free room cannot take part. Enter 1 to 3 rooms."),
            ),
            Question("square_metres", Kind.NUMBER, _l("How large is the room?"), least=4, most=99, unit=_l("m²")),
            Question("furniture", Kind.SEVERAL, _l("What is in it?"), _none(), words=FURNITURE),
            Question(
                "lock",
                Kind.YES_NO,
                _l("Can its door be locked?"),
                _l("If not yet: the city helps to have a lock put in before anyone moves in."),
            ),
        ),
        check=CheckKind.VISIT,
    )
    yield Page(
        "way_in",
        "home",
        _l("The way into your home"),
        (
            Question(
                "steps", Kind.NUMBER, _l("How many steps lead to your door?"), _l("0 if there are none."), most=500
            ),
            Question("lift", Kind.YES_NO, _l("Is there a lift?")),
        ),
    )
    yield _alone(
        "home",
        Question(
            "allergens",
            Kind.SEVERAL,
            _l("What is in your home?"),
            _l("Some people cannot live with it. Tick nothing if there is nothing."),
            words=words_of("allergens"),
        ),
    )
    yield Page(
        "dates",
        "stay",
        _l("When is the room free?"),
        (
            Question("free_from", Kind.DAY, _l("First day on which it is free")),
            Question(
                "free_until",
                Kind.DAY,
                _l("Last day on which it is free"),
                _l("Leave it empty if there is none."),
                needed=False,
            ),
            _least_stay(),
            Question(
                "notice", Kind.ONE, _l("How long before the end should one tell the other?"), words=NOTICE, whole=True
            ),
        ),
    )
    yield Page(
        "rent",
        "money",
        _l("How much is the rent?"),
        (
            Question(
                "rent",
                Kind.SUM,
                _l("Rent a month"),
                _l("The programme allows {least} to {most} a month, and no deposit.", **_rents()),
                least=pack.least_rent,
                most=pack.most_rent,
            ),
            Question("bills", Kind.ONE, _l("What about electricity, water and heating?"), words=BILLS),
        ),
    )
    yield Page(
        "help",
        "money",
        _l("What help would you like?"),
        (
            _hours(_l("Hours a week")),
            Question(
                "tasks",
                Kind.SEVERAL,
                _l("What do you need?"),
                _l("Never personal care, nursing or medicines: that is work for trained people."),
                words=words_of("tasks"),
            ),
            Question("welcome_tasks", Kind.SEVERAL, _l("What would be welcome besides?"), words=words_of("tasks")),
        ),
    )
    yield _evenings(_l("On how many evenings a week should somebody be at home?"))
    yield _alone("living", Question("smoking", Kind.YES_NO, _l("May one smoke in your home?")))
    yield _alone(
        "living", Question("pets", Kind.SEVERAL, _l("Which pets may somebody bring?"), _none(), words=words_of("pets"))
    )
    yield from _together()


# --- questions of both sides ---


def _alone(section: str, question: Question, *, check: CheckKind | None = None) -> Page:
    return Page(question.name, section, question.label, (question,), check)


def _person() -> Iterable[Page]:
    yield _alone(
        "you",
        Question(
            "languages",
            Kind.SEVERAL,
            _l("Which languages do you speak well enough to live with someone?"),
            words=words_of("languages"),
            least=1,
        ),
    )
    yield _alone(
        "you",
        Question(
            "phone",
            Kind.LINE,
            _l("Telephone number"),
            _l("Kept locked. Only coordinators read it."),
            most=40,
            locked=True,
        ),
    )
    yield _alone(
        "you",
        Question(
            "about",
            Kind.TEXT,
            _l("A few words about yourself"),
            _l("What you like, how your day goes. Those proposed to you read it: no name, no address, no number."),
            needed=False,
            most=LONGEST_TEXT,
        ),
    )


def _together() -> Iterable[Page]:
    yield _scale("guests", _l("How often may guests come?"))
    yield _scale("quiet", _l("How quiet should the nights be?"))
    yield Page(
        "kitchen",
        "living",
        _l("Kitchen and food"),
        (
            Question("kitchen", Kind.ONE, _l("The kitchen"), words=KITCHEN),
            Question("food", Kind.ONE, _l("Food"), words=FOOD),
        ),
    )


def _scale(name: str, title: Text) -> Page:
    words = words_of(name)
    return Page(
        name,
        "living",
        title,
        (
            Question(name, Kind.ONE, _l("What would you like best?"), words=words),
            Question(f"least_{name}", Kind.ONE, _l("What is the least you could live with?"), words=words),
            Question(f"most_{name}", Kind.ONE, _l("What is the most you could live with?"), words=words),
        ),
    )


def _least_stay() -> Question:
    least = programme().pack.least_stay
    stays = {str(days): _l("{months} months", months=days // MONTH) for days in (least, least * 3 // 2, least * 2)}
    return Question(
        "least_stay",
        Kind.ONE,
        _l("For how long at least?"),
        _l("A stay may be agreed anew when it ends.") if programme().pack.renewable else None,
        words=stays,
        whole=True,
    )


def _hours(label: Text) -> Question:
    most = programme().pack.most_hours
    hint = _l("At most {most}: more would be employment. 0 if there is none.", most=most)
    return Question("hours", Kind.NUMBER, label, hint, most=most, unit=_l("hours a week"))


def _evenings(label: Text) -> Page:
    return _alone("money", Question("evenings", Kind.NUMBER, label, most=EVENINGS, unit=_l("evenings a week")))


def _ways() -> Words:
    """Choices up to the programme's longest way, in five steps."""
    pack = programme().pack
    ways = [pack.longest_way * step // 5 for step in range(1, 6)]
    if pack.measure is Measure.MINUTES:
        return {str(way): _l("{minutes} minutes", minutes=way) for way in ways}
    return {str(way): _l("{km} km in a straight line", km=f"{way / 1000:g}") for way in ways}


def _rents() -> dict[str, Any]:
    pack = programme().pack
    return {"least": money.show(pack.least_rent), "most": money.show(pack.most_rent)}


def _none() -> Text:
    return _l("Tick nothing if there is none.")
