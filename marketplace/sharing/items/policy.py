"""Who may do what with things and loans, and which of a thing's rules a wish would break. No queries."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.credits.policy import may_give as keeps_the_fund
from marketplace.civic.groups.policy import may_act_for
from marketplace.kernel import calendar, clock
from marketplace.kernel.errors import DomainError
from marketplace.kernel.intervals import HOLIDAY, Interval
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import ASKED, BROUGHT_BACK, PROMISED, Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Audience, Item, Library
from marketplace.sharing.items.models.problems import MEDIATED, Problem, ProblemState, Trouble
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.models.wanted import WantedPost

DAY = timedelta(days=1)

# --- things ---


def lenders(item: Item) -> set[int]:
    """Ids of those who speak for a thing: its owner, or the managers and the group's officers who run its library.

    Needs `item.library.managing` and `item.library.group.officers`.
    """
    if item.owner_id is not None:
        return {item.owner_id}
    if item.library is None:
        return set()
    group = item.library.group
    officers = group.officers if group and group.is_open and not group.hidden else []
    return {grant.person_id for grant in item.library.managing} | {officer.person_id for officer in officers}


def may_edit(person: Person | None, item: Item) -> bool:
    """Its owner; of a library, managers of its building and officers of its group; needs `library.group.officers`."""
    if item.library is not None:
        return may_run(person, item.library)
    return person is not None and item.owner_id == person.id


def may_find(person: Person | None, item: Item) -> bool:
    """Everyone finds a thing that is lent; one that is not, only those who may change it."""
    return is_lent(item) or may_edit(person, item)


def is_lent(item: Item) -> bool:
    """Whether its owner offers it now, and its library lends at all; needs `item.library`."""
    return item.offered and (item.library is None or item.library.open)


def may_know(person: Person | None, item: Item, member_of: Collection[int]) -> bool:
    """Who may find it; of what is lent to a group's members only, they alone and those who may change it hear."""
    if item.audience is Audience.GROUP and item.group_id not in member_of:
        return may_edit(person, item)
    return may_find(person, item)


# --- loans: which rule a wish would break ---

ANSWER_WITHIN = timedelta(hours=48)
MOST_ASKED = 10
"""How many requests of one person may wait for an answer: nobody asks the whole street for a ladder."""
ASKED_AN_HOUR = 40
"""How often someone may ask for things, on pages and by each program."""


def broken_rule(
    item: Item, person: Person | None, member_of: Collection[int], first: date, last: date, quantity: int = 1
) -> DomainError | None:
    """The first rule that such a loan would break, ready to be raised; None if it may be asked for.

    Details named `earliest` are days on which a loan as long could begin. Nobody in particular breaks no rule about
    people. Whether others have it then is not asked here. Needs `item.units`, and `item.library.hours`.
    """
    return (
        _offered(item)
        or (person_rule(item, person, member_of) if person else None)
        or days_rule(item, first, last)
        or _quantity(item, quantity)
    )


def days_rule(item: Item, first: date, last: date) -> DomainError | None:
    """The first rule about days that such a loan would break; needs `item.library.hours`."""
    return _notice(item, first) or _length(item, first, last) or _handed_over(item, first, last)


def _offered(item: Item) -> DomainError | None:
    return None if is_lent(item) else errors.NotOffered()


def person_rule(item: Item, person: Person, member_of: Collection[int]) -> DomainError | None:
    """The first rule about who borrows that this person would break."""
    if item.owner_id == person.id:
        return errors.OwnThing()
    if not person.is_verified:
        return errors.NotVerified()
    if item.audience is Audience.DISTRICT and (item.district_id is None or item.district_id != person.district_id):
        return errors.OtherDistrict()
    if item.audience is Audience.GROUP and item.group_id not in member_of:
        return errors.NotAMember()
    return None


def first_possible_day(item: Item) -> date:
    """The first day for which it may be asked now: after the notice, and not today once today's hours are over."""
    day = clock.today() + timedelta(days=item.notice_days)
    return day if clock.now() < hours_end(item, day) else day + DAY


def hours_end(item: Item, day: date) -> datetime:
    """When handing over ends on a day; at its end where nobody is there at all. Needs `item.library.hours`."""
    return clock.at(day, max((closes for _opens, closes in hours(item, day)), default=24 * 60))


def hours(item: Item, day: date) -> list[tuple[int, int]]:
    """In which minutes of a day it is handed over and taken back; needs `item.library.hours`."""
    if item.library is not None:
        return _counter_hours(item.library, day)
    return [(item.pick_up_from, item.pick_up_to)] if item.pick_up_days >> day.weekday() & 1 else []


def _notice(item: Item, first: date) -> DomainError | None:
    if first < clock.today():
        return errors.InThePast(field="first")
    possible = first_possible_day(item)
    if first < possible:
        return errors.TooSoon(earliest=possible, field="first")
    latest = clock.today() + timedelta(days=item.horizon_days)
    return errors.TooFar(days=item.horizon_days, latest=latest, field="first") if first > latest else None


def _length(item: Item, first: date, last: date) -> DomainError | None:
    too_long = (last - first).days >= item.longest_days
    return errors.TooLong(days=item.longest_days, field="last") if too_long else None


def _handed_over(item: Item, first: date, last: date) -> DomainError | None:
    if hours(item, first) and hours(item, last):
        return None
    length = last - first
    earliest = next((day for day in _days_from(item, first) if hours(item, day) and hours(item, day + length)), None)
    return errors.NotHandedOverUntil(earliest=earliest, field="first") if earliest else errors.NotHandedOver()


def _days_from(item: Item, first: date) -> Iterator[date]:
    latest = clock.today() + timedelta(days=item.horizon_days)
    return (first + timedelta(days=n) for n in range((latest - first).days + 1))


def _quantity(item: Item, quantity: int) -> DomainError | None:
    most = len(item.ready_units)
    return errors.TooMany(most=most, field="quantity") if quantity > most else None


def answer_by(item: Item, first: date) -> datetime:
    """Until when a request made now, or a proposal, is answered: two days, or the hand-over of its first day."""
    return min(clock.now() + ANSWER_WITHIN, hours_end(item, first))


# --- loans: who is trusted ---

TRUSTED_AFTER = 3
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Return:
    """When a loan was to be back, and when it was; nothing while it is out."""

    due: date
    back: date | None

    @property
    def late(self) -> bool:
        """Whether it came back after its last day, or still has not."""
        return (self.back or clock.today()) > self.due


def is_trusted(returns: Sequence[Return]) -> bool:
    """Who brought things back on time several times, and was late with none for a year, need not be asked about."""
    year_ago = clock.today() - YEAR
    on_time = [one for one in returns if one.back is not None and not one.late]
    lately_late = [one for one in returns if one.late and (one.back is None or one.back > year_ago)]
    return len(on_time) >= TRUSTED_AFTER and not lately_late


# --- loans: who may ---


def borrowers(loan: Loan) -> set[int]:
    """Ids of who borrows, and of the officers of the group for which it is; needs `loan.on_behalf`."""
    group = loan.group
    officers = group.officers if group and group.is_open and not group.hidden else []
    return {loan.borrower_id, *(officer.person_id for officer in officers)}


def borrows(person: Person | None, loan: Loan) -> bool:
    """Who borrows, or an officer of the group for which it is; needs `loan.on_behalf`."""
    return person is not None and (
        loan.borrower_id == person.id or (loan.group is not None and may_act_for(person, loan.group))
    )


def lends(person: Person | None, loan: Loan) -> bool:
    """Who speaks for the thing; nobody is both sides of a loan."""
    return may_edit(person, loan.item) and not borrows(person, loan)


def may_see(person: Person | None, loan: Loan) -> bool:
    """Both sides."""
    return borrows(person, loan) or may_edit(person, loan.item)


def may_answer(person: Person | None, loan: Loan) -> bool:
    """The owner answers what is asked of it."""
    return lends(person, loan)


def may_cancel(person: Person | None, loan: Loan) -> bool:
    """Either side."""
    return borrows(person, loan) or lends(person, loan)


def may_give(person: Person | None, loan: Loan, way: Way) -> bool:
    """Whoever has it in hand: the owner at the start, the borrower at the end."""
    return lends(person, loan) if way is Way.OUT else borrows(person, loan)


def may_take(person: Person | None, loan: Loan, way: Way) -> bool:
    """The other side."""
    return borrows(person, loan) if way is Way.OUT else lends(person, loan)


def shows_address(person: Person | None, loan: Loan) -> bool:
    """Where to fetch it, who borrows reads between the agreement and the return."""
    return loan.state in PROMISED and borrows(person, loan)


def is_overdue(loan: Loan) -> bool:
    """Whether nobody answered in time, be it put down already or not."""
    return loan.state in ASKED and loan.due_at is not None and loan.due_at <= clock.now()


def may_still_cancel(loan: Loan, *, borrower: bool) -> bool:
    """The borrower until the first day is over; the owner as long as it is not handed over."""
    return loan.state is LoanState.ACCEPTED and (not borrower or clock.today() <= loan.first_day)


# --- loans: when it is late ---

LATE_DAYS = (1, 3, 7)
"""After how many days both sides are told."""

STAFF_AFTER = timedelta(days=14)
"""From when on the city's staff look after it."""

# --- loans: when something went wrong ---

REPORTED_WITHIN = DAY
"""How long after its return something may still be said of a loan's condition."""

NOT_BACK_AFTER = timedelta(days=3)
SETTLED_WITHIN = timedelta(hours=48)
"""How long the two have to settle it between themselves."""

MEDIATED_WITHIN = timedelta(days=3)
APPEALED_WITHIN = timedelta(days=7)


def troubles(loan: Loan) -> list[Trouble]:
    """What may be reported of a loan now: for a day after its return, or that it is days late."""
    if loan.state is LoanState.RETURNED and loan.returned_at and clock.now() < loan.returned_at + REPORTED_WITHIN:
        return [one for one in Trouble if one is not Trouble.NOT_BACK]
    late = loan.state is LoanState.OUT and clock.today() >= loan.last_day + NOT_BACK_AFTER
    return [Trouble.NOT_BACK] if late else []


def most_due(loan: Loan) -> int:
    """The largest sum that may be due of a loan: what its pieces cost new, or the deposit in money if that is more."""
    return max((loan.item.value or 0) * loan.quantity, loan.promised)


def took_side(person: Person | None, problem: Problem, *, reporter: bool) -> bool:
    """Whether someone speaks for the side that reported, or for the other one; needs `problem.loan` whole."""
    as_borrower = problem.by_borrower == reporter
    return borrows(person, problem.loan) if as_borrower else lends(person, problem.loan)


def may_speak(person: Person | None, problem: Problem) -> bool:
    """Both sides."""
    return may_see(person, problem.loan)


def is_mediator(person: Person) -> bool:
    """Moderators settle what went wrong between neighbours."""
    return person.is_a(Role.MODERATOR)


def may_mediate(person: Person | None, problem: Problem, apart: bool) -> bool:
    """A moderator who has nothing to do with either side; an appeal, another one than decided.

    apart   whether neither side is theirs, and they never shared a loan with one: queries.problems.is_apart
    """
    if person is None or not apart or not is_mediator(person) or problem.state not in MEDIATED:
        return False
    return problem.state is ProblemState.WAITING or problem.mediator_id != person.id


def may_pay(person: Person | None, problem: Problem) -> bool:
    """Whoever keeps the city's fund and is neither side."""
    if person is None or not keeps_the_fund(person):
        return False
    spoke = (problem.by_id, problem.answer_by_id, problem.appealed_by_id)
    return person.id not in spoke and not may_speak(person, problem)


# --- loans: how they went ---

REVIEWED_WITHIN = timedelta(days=7)
"""How long after the return both sides may write; then what one side wrote opens, even alone."""


def reviewed_until(loan: Loan) -> datetime | None:
    """Until when how a loan went can be told; nothing before its return."""
    back = loan.returned_at if loan.state in BROUGHT_BACK else None
    return back + REVIEWED_WITHIN if back else None


def may_review(person: Person | None, loan: Loan) -> bool:
    """Both sides; no owner whose own group borrowed the thing."""
    own = person is not None and loan.item.owner_id == person.id
    return lends(person, loan) or (borrows(person, loan) and not own)


def may_still_review(loan: Loan) -> bool:
    """Once it was brought back, for a week."""
    until = reviewed_until(loan)
    return until is not None and clock.now() < until


def may_change(person: Person | None, review: Review) -> bool:
    """Its author, as long as nobody else may read it."""
    return person is not None and review.author_id == person.id and not review.is_open


def may_tell(person: Person | None, loan: Loan, own: Review | None) -> bool:
    """For a week: of a side that wrote nothing yet, whoever may; then its author alone. `own` is what it wrote."""
    return may_review(person, loan) and may_still_review(loan) and (own is None or may_change(person, own))


def may_reply(person: Person | None, review: Review) -> bool:
    """The other side; needs `review.loan` whole."""
    return lends(person, review.loan) if review.by_borrower else borrows(person, review.loan)


# --- libraries of things ---

LOOK_AHEAD_DAYS = 30


def may_run(person: Person | None, library: Library) -> bool:
    """Managers of its building, and officers of the group that helps; needs `group.officers`."""
    if person is None:
        return False
    return person.manages(library.building_id) or (library.group is not None and may_act_for(person, library.group))


def may_found(person: Person | None) -> bool:
    """Administrators open libraries, and say which group helps."""
    return person is not None and person.is_a(Role.ADMINISTRATOR)


def may_set_up(person: Person | None, library: Library) -> bool:
    """Whoever runs it, and administrators, change what it says of itself."""
    return may_run(person, library) or may_found(person)


def may_find_library(person: Person | None, library: Library) -> bool:
    """Everyone finds a library that lends; one that does not, only those who look after it."""
    return library.open or may_set_up(person, library)


def offices(person: Person, loan: Loan) -> dict[int, dict[str, object]]:
    """In which role someone reads about whoever borrows of a library, for the record; needs `item.library`."""
    library = loan.item.library
    return {} if library is None or borrows(person, loan) else {loan.borrower_id: office(person, library)}


def office(person: Person, library: Library) -> dict[str, object]:
    """In which role someone reads about a library's people, for the record."""
    role = {"role": Role.MANAGER} if person.manages(library.building_id) else {}
    return {**role, "building_id": library.building_id}


def openings(library: Library, day: date) -> list[Interval]:
    """When a library's counter is open on a day, in order; needs `hours`."""
    spans = _counter_hours(library, day) if library.open else []
    return [Interval(clock.at(day, opens), clock.at(day, closes)) for opens, closes in spans]


def _counter_hours(library: Library, day: date) -> list[tuple[int, int]]:
    weekday = HOLIDAY if calendar.is_holiday(day) else day.weekday()
    return sorted((span.opens, span.closes) for span in library.hours if span.weekday == weekday)


def next_opening(library: Library, after: datetime) -> Interval | None:
    """The stretch in which the counter is open at a moment, or next; None if not within a month."""
    first = clock.local(after).date()
    ahead = (first + timedelta(days=n) for n in range(LOOK_AHEAD_DAYS))
    return next((span for day in ahead for span in openings(library, day) if after < span.ends_at), None)


# --- the wanted board ---


def may_end(person: Person | None, post: WantedPost) -> bool:
    """Whoever posted it."""
    return person is not None and post.person_id == person.id


def may_see_post(person: Person | None, post: WantedPost) -> bool:
    """Everyone sees what is or was looked for; what moderators hide, only whoever posted it."""
    return post.hidden_at is None or may_end(person, post)
