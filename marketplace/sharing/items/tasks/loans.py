"""What happens to loans by itself, what both sides are told, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import clock, events, hooks, ical, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.things import Sides
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.queries import personal
from marketplace.sharing.items.queries import problems as problem_queries
from marketplace.sharing.items.queries.loans import for_calendar, handovers_by_id, loans_by_id, unsettled
from marketplace.sharing.items.schemas.loans import calendar_entry
from marketplace.sharing.items.service import forgetting, line, loans, longer
from marketplace.web.pages import whole_address

events.register(
    events.Kind("loan.requested", _l("A thing was asked for")),
    events.Kind("loan.proposed", _l("Other days were proposed for a loan")),
    events.Kind("loan.accepted", _l("A loan was agreed")),
    events.Kind("loan.declined", _l("A request for a thing was declined")),
    events.Kind("loan.withdrawn", _l("A request for a thing was withdrawn")),
    events.Kind("loan.expired", _l("A request for a thing ran out without an answer")),
    events.Kind("loan.cancelled", _l("A loan that was agreed was given up")),
    events.Kind("loan.out", _l("A thing was handed over")),
    events.Kind("loan.longer", _l("A loan was made longer")),
    events.Kind("loan.returned", _l("A thing was brought back")),
    events.Kind("loan.closed", _l("A loan is over")),
)

BORROWING = Topic("items", _l("Things you borrow"), _l("Agreed, declined, cancelled, to fetch or to bring back."))
LENDING = Topic("items_lent", _l("Things you lend"), _l("Someone asks for one, gives it up, or brings it back."))
TALKED_ABOUT = timedelta(days=30)
"""How long after it is over people may still talk about a loan."""


def sides(loan: Loan) -> Sides:
    """Who borrows, or acts for the group that does, and whoever speaks for the thing."""
    library, group = loan.item.library, loan.group
    return Sides(
        one=frozenset(policy.borrowers(loan)),
        other=frozenset(policy.lenders(loan.item) - policy.borrowers(loan)),
        agreed=loan.accepted_at is not None,
        open=loan.ended_at is None or clock.now() < loan.ended_at + TALKED_ABOUT,
        one_for=group.title if group else None,
        other_for=library.title if library else None,
        by_role=library is not None,
    )


things.register(
    things.Kind(
        name="loan",
        label=_l("Loan"),
        find=loans_by_id,
        title=lambda loan: f"{loan.item.title}, {loan.when}",
        link=lambda loan: url_for("loans.loan", reference=loan.reference),
        may_see=policy.may_see,
        author_id=lambda loan: int(loan.borrower_id),
        text=lambda loan: str(loan.message),
        sides=sides,
    )
)
things.register(
    things.Kind(
        name="handover",
        label=_l("Hand-over"),
        find=handovers_by_id,
        title=lambda handover: f"{handover.loan.item.title}, {handover.loan.when}",
        link=lambda handover: url_for("loans.loan", reference=handover.loan.reference),
        may_see=lambda person, handover: (
            policy.may_see(person, handover.loan) or problem_queries.may_look(person, handover.loan)
        ),
        author_id=lambda handover: int(handover.given_by_id),
    )
)


def _entry(thing: things.Thing, _person: Person, _facts: models.Facts) -> dict[str, tuple[bytes, str]]:
    loan = thing.record
    entry = calendar_entry(loan, whole_address(thing.link))
    return {f"{loan.reference}.ics": (ical.calendar([entry]), "text/calendar")}


def _told(name: str, topic: Topic, title: Text, text: Text, *, calendar: bool = False) -> None:
    """Register what one side is told of a loan; a calendar entry comes along where its days are settled or given up."""
    models.register(
        News(
            f"items.{name}",
            topic,
            lambda thing, _facts: title.filled(item=thing.record.item.title, when=thing.record.when),
            letter="letters/items/loan",
            context=lambda thing, _person, _facts: {"loan": thing.record, "item": thing.record.item, "text": text},
            attachments=_entry if calendar else None,
        )
    )


_told(
    "accepted", BORROWING, _l("Yours to borrow: {item}, {when}"),
    _l("the loan is agreed. Where to fetch it, you read on its page."), calendar=True,
)  # fmt: skip
_told(
    "proposed", BORROWING, _l("Other days are proposed: {item}"),
    _l("the owner cannot lend it on those days, but on others. Take them, or withdraw your request."),
)  # fmt: skip
_told("declined", BORROWING, _l("Declined: {item}, {when}"), _l("the owner cannot lend it to you then."))
_told(
    "unanswered", BORROWING, _l("Not answered in time: {item}"),
    _l("nobody answered your request. We are sorry; others nearby may lend the same."),
)  # fmt: skip
_told(
    "cancelled", BORROWING, _l("Cancelled by the owner: {item}, {when}"),
    _l("the owner had to give up the loan. The reason is on its page."), calendar=True,
)  # fmt: skip
_told(
    "never_fetched", BORROWING, _l("Not fetched: {item}, {when}"),
    _l("the days of this loan are over and it was never handed over, so it is cancelled."), calendar=True,
)  # fmt: skip
_told("asked", LENDING, _l("Someone asks for: {item}, {when}"), _l("please answer on the page of the request."))
_told(
    "agreed", LENDING, _l("Promised: {item}, {when}"),
    _l("the loan is agreed. On its first day, hand it over with the code that its page shows you."), calendar=True,
)  # fmt: skip
_told("withdrawn", LENDING, _l("Withdrawn: {item}, {when}"), _l("the request was withdrawn. You need do nothing."))
_told(
    "not_taken", LENDING, _l("Your proposal was not taken: {item}"),
    _l("the other days that you proposed were not taken in time. It is free for others."),
)  # fmt: skip
_told(
    "given_up", LENDING, _l("Given up: {item}, {when}"),
    _l("whoever wanted to borrow it no longer needs it. The reason is on the page of the loan."), calendar=True,
)  # fmt: skip
_told(
    "never_given", LENDING, _l("Not fetched: {item}, {when}"),
    _l("the days of this loan are over and it was never handed over, so it is cancelled."), calendar=True,
)  # fmt: skip
_told(
    "went_out", LENDING, _l("Handed over: {item}, {when}"),
    _l("it was handed over, and both sides have said in which condition."),
)  # fmt: skip
_told(
    "came_back", BORROWING, _l("Brought back: {item}"),
    _l("its owner has it again. Thank you for bringing it back. Say within 7 days on the loan's page how it went."),
)  # fmt: skip
_told("fetch_tomorrow", BORROWING, _l("To fetch tomorrow: {item}"), _l("tomorrow is the first day of your loan."))
_told("give_tomorrow", LENDING, _l("Fetched tomorrow: {item}"), _l("tomorrow it is to be handed over."))
_told("back_tomorrow", BORROWING, _l("To bring back: {item}, {when}"), _l("please bring it back by its last day."))
_told(
    "late", BORROWING, _l("Late: {item}, {when}"),
    _l("it should be back. Bring it back, or write to the owner; others may be waiting for it."),
)  # fmt: skip
_told(
    "not_back", LENDING, _l("Not back yet: {item}, {when}"),
    _l("it should be back. We have reminded the borrower. Two weeks after its last day, the city's staff help."),
)  # fmt: skip
_told(
    "still_out", BORROWING, _l("Perhaps not there in time: {item}, {when}"),
    _l("whoever has it before you is late with it. Ask the owner before you go; we are sorry."),
)  # fmt: skip
_told(
    "longer", BORROWING, _l("Yours for longer: {item}, {when}"), _l("you may keep it until its new last day."),
    calendar=True,
)  # fmt: skip
_told("not_longer", BORROWING, _l("Not longer: {item}, {when}"), _l("the owner needs it back on the day agreed."))
_told("kept_longer", LENDING, _l("Kept longer: {item}, {when}"), _l("nobody waits for it, so its last day is later."))
_told(
    "asked_longer", LENDING, _l("Someone wants to keep it longer: {item}"), _l("please answer on the page of the loan.")
)
models.register(
    News(
        "items.your_turn",
        BORROWING,
        lambda thing, _facts: _l("It is your turn: {item} is kept for you for a day", item=thing.title),
        link=lambda thing, _facts: url_for("line.wait", item_id=thing.record.id),
    )
)


@hooks.calendar_entries.register
def calendar_entries(person: Person) -> list[ical.Entry]:
    """What a person borrows, for the calendar feed."""
    return [
        calendar_entry(loan, whole_address(url_for("loans.loan", reference=loan.reference)))
        for loan in for_calendar(person)
    ]


@hooks.erasure_obstacles.register
def obstacles(person: Person) -> list[hooks.Obstacle]:
    """Loans that are agreed and not over yet."""
    return [
        hooks.Obstacle(
            _l("The loan of {item} is not over yet. Bring it back or have it brought back, or cancel it.").filled(
                item=loan.item.title
            ),
            url_for("loans.loan", reference=loan.reference),
        )
        for loan in unsettled(person)
    ]


@jobs.timed("items.run_out", every=timedelta(minutes=1))
def run_out() -> None:
    """End what has run out, hold what is late, and offer what nobody took up to the next."""
    loans.run_out()
    longer.hold_late()
    line.run_out()


jobs.timed("items.remind", every=timedelta(days=1), after=timedelta(hours=9))(longer.remind)

# --- what is held about people ---

hooks.personal_data.register(personal.own_loans)
hooks.leaving.register(forgetting.give_up_requests)
hooks.erasing.register(forgetting.erase_loans)
jobs.timed("items.thin_loans", every=timedelta(hours=1))(forgetting.thin_loans)

register(
    Kept(
        "loans",
        _l("What you borrow and lend: days, messages, answers, and when it changed hands"),
        _l("so that both sides know what was agreed, and who brings things back is trusted."),
        _l("Messages and reasons for a year, the loan for five, as long as fees and deposits are accounted for."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
    Kept(
        "loans_on_behalf",
        _l("In whose name a loan was made: for a group, or by a library for someone at its counter"),
        _l("so that the owner knows whom they deal with, and you know who acted for you."),
        _l("Five years, as the loan."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
    Kept(
        "handovers",
        _l("Who handed over what in which condition, and what the other side said to it"),
        _l("so that it can be told what happened to a thing, and when."),
        _l("What was written for a year, the rest for five, as the loan."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
    Kept(
        "item_queue",
        _l("Things you wait for, and since when"),
        _l("so that whoever came first is asked first."),
        _l("A year after you left the line, or until you leave."),
        Erased.DELETED,
        job="items.thin_loans",
    ),
)
