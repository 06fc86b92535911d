"""What happens to things and loans afterwards, what people are told of them, and what is kept."""

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
from marketplace.sharing.items.queries import libraries as library_queries
from marketplace.sharing.items.queries import listings, personal
from marketplace.sharing.items.queries import problems as problem_queries
from marketplace.sharing.items.queries import searches as search_queries
from marketplace.sharing.items.queries import wanted as wanted_queries
from marketplace.sharing.items.queries.loans import for_calendar, handovers_by_id, loans_by_id, member_of, unsettled
from marketplace.sharing.items.schemas.loans import calendar_entry
from marketplace.sharing.items.service import (
    forgetting,
    impact,
    libraries,
    line,
    loans,
    longer,
    problems,
    searches,
    wanted,
)
from marketplace.sharing.items.service.listing import keep_out_of_sight
from marketplace.web.pages import whole_address

# --- things and where they are fetched ---

things.register(
    things.Kind(
        name="item",
        label=_l("Thing to borrow"),
        find=listings.by_id,
        title=lambda item: str(item.title),
        link=lambda item: url_for("items.item", item_id=item.id),
        may_see=lambda person, item: policy.may_know(person, item, member_of(person, item)),
        author_id=lambda item: item.owner_id,
        text=listings.text_of,
        hide=keep_out_of_sight,
    )
)

hooks.personal_data.register(personal.own_things)
hooks.leaving.register(forgetting.pause_all)
hooks.erasing.register(forgetting.erase_things)
jobs.timed("items.thin_things", every=timedelta(days=1), after=timedelta(hours=5))(forgetting.thin_things)

register(
    Kept(
        "pick_up_places",
        _l("Where you hand over what you lend: a district and an area of 500 m; the address you wrote, locked"),
        _l("so that neighbours find things nearby, and whoever borrows one can fetch it."),
        _l("Until you take it back or leave."),
        Erased.DELETED,
    ),
    Kept(
        "items",
        _l("Things you lend: what you say of them, your terms, and the area where they are fetched"),
        _l("so that neighbours can find and borrow them."),
        _l("As long as you lend them. A year after you withdraw one, its words and area are deleted."),
        Erased.NAMELESS,
        job="items.thin_things",
    ),
)

# --- what lending spared ---

jobs.timed("items.record_months", every=timedelta(days=1), after=timedelta(hours=4))(impact.record_months)

# --- libraries of things ---

LIBRARY = Topic("libraries", _l("Libraries of things you joined"), _l("Your membership begins or ends."))

things.register(
    things.Kind(
        name="library",
        label=_l("Library of things"),
        find=library_queries.by_id,
        title=lambda library: str(library.title),
        link=lambda library: url_for("libraries.library", library_id=library.id),
        may_see=policy.may_find_library,
        author_id=lambda _library: None,  # the city's own words: nobody in particular answers for them
        text=lambda library: str(library.about),
    )
)
models.register(
    News(
        "items.member_admitted",
        LIBRARY,
        lambda thing, facts: _l(
            "You are a member of {library}. Your card: {card}", library=thing.title, card=facts["card"]
        ),
    )
)
models.register(
    News(
        "items.member_ended",
        LIBRARY,
        lambda thing, _facts: _l("Your membership of {library} has ended", library=thing.title),
    )
)

hooks.personal_data.register(library_queries.own_data)
hooks.erasing.register(libraries.erase)
jobs.timed("items.thin_libraries", every=timedelta(days=1), after=timedelta(hours=5))(libraries.thin)

register(
    Kept(
        "library_members",
        _l("Libraries of things that you joined: your card, and from when until when"),
        _l("so that the counter knows you by your card."),
        _l("A year after the membership ended."),
        Erased.DELETED,
        job="items.thin_libraries",
    ),
    Kept(
        "repair_tickets",
        _l("Repairs of a library's things: what was wrong, and who asked for and closed them"),
        _l("so that whoever repairs a thing can ask back, and the library knows what breaks often."),
        _l("As long as the library has the thing."),
        Erased.NAMELESS,
        stays=frozenset({"problem"}),
    ),
    Kept(
        "repair_notes",
        _l("What was done about a repair, and by whom"),
        _l("so that the next one to repair it knows what was tried."),
        _l("As long as the library has the thing."),
        Erased.NAMELESS,
        stays=frozenset({"text"}),
    ),
    Kept(
        "stock_takes",
        _l("Counts of a library's things, and who started and finished them"),
        _l("so that the library knows what is missing since when."),
        _l("Two years."),
        Erased.NAMELESS,
        job="items.thin_libraries",
    ),
    Kept(
        "stock_seen",
        _l("What was scanned in a count, when and by whom"),
        _l("so that two people can count at once and ask each other back."),
        _l("Two years, as the count."),
        Erased.NAMELESS,
        job="items.thin_libraries",
        stays=frozenset({"code"}),
    ),
)

# --- loans: what happens to them ---

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
    _l("its owner has it again. Thank you for bringing it back. Tomorrow the loan is over."),
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
        link=lambda thing, _facts: url_for("loans.wait", item_id=thing.record.id),
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

# --- loans: when something went wrong ---

PROBLEMS = Topic(
    "items_problems",
    _l("Problems of loans"),
    _l("Something was damaged, is missing or was not brought back; what mediators decide."),
    always=True,
)

things.register(
    things.Kind(
        name="problem",
        label=_l("Problem of a loan"),
        find=problem_queries.problems_by_id,
        title=lambda problem: f"{problem.loan.item.title}, {problem.loan.when}",
        link=lambda problem: url_for("problems.problem", reference=problem.loan.reference),
        may_see=lambda person, problem: (
            policy.may_speak(person, problem) or problem_queries.may_look(person, problem.loan)
        ),
        author_id=lambda problem: int(problem.by_id),
    )
)


def _problem_told(name: str, title: Text, text: Text) -> None:
    """Register what the sides of a loan are told of its problem; what is due and why stands in the letter."""
    models.register(
        News(
            f"items.problem_{name}",
            PROBLEMS,
            lambda thing, _facts: title.filled(item=thing.record.loan.item.title),
            letter="letters/items/problem",
            context=lambda thing, _person, _facts: {
                "problem": thing.record, "loan": thing.record.loan, "item": thing.record.loan.item,
                "due": thing.record.due, "reason": thing.record.why, "text": text,
            },
        )
    )  # fmt: skip


_problem_told(
    "reported", _l("A problem was reported: {item}"),
    _l("the other side reports a problem of your loan. Say how you see it, and propose what is due. If you do not "
       "settle it within 48 hours, a mediator decides."),
)  # fmt: skip
_problem_told("answered", _l("The other side answered: {item}"), _l("read how the other side sees the problem."))
_problem_told(
    "offered", _l("A proposal to settle a problem: {item}"),
    _l("the other side proposes what is due. Agree to it, or propose something else."),
)  # fmt: skip
_problem_told("settled", _l("Settled: {item}"), _l("both of you have agreed on what is due."))
_problem_told("withdrawn", _l("A report was taken back: {item}"), _l("the problem is over; nothing is due."))
_problem_told(
    "handed_on", _l("A mediator is asked: {item}"),
    _l("a mediator of the city looks at the problem of your loan. Until the decision you can still settle it."),
)  # fmt: skip
_problem_told(
    "decided", _l("A mediator decided: {item}"),
    _l("a mediator has decided what is due. If you see it otherwise, appeal within 7 days: another mediator then has "
       "the last word."),
)  # fmt: skip
_problem_told("appealed", _l("An appeal: {item}"), _l("the other side appealed. Another mediator has the last word."))
_problem_told("final", _l("Decided for good: {item}"), _l("the decision about your loan's problem is final."))

jobs.timed("items.run_out_problems", every=timedelta(minutes=5))(problems.run_out)

hooks.personal_data.register(personal.own_problems)

register(
    Kept(
        "loan_problems",
        _l("Problems of your loans: what both sides said, what was settled or decided, and why"),
        _l("so that both sides are heard, and it can be told what was due and why."),
        _l("What was written for a year after the loan, the rest for five, as the loan."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
    Kept(
        "loan_problem_offers",
        _l("What you proposed to settle a problem of a loan"),
        _l("so that the other side can agree to it, and a mediator sees what you offered."),
        _l("What was written for a year after the loan, the rest for five, as the loan."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
)

# --- loans: what is held about people ---

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

# --- the wanted board ---

WANTED = Topic(
    "items_wanted", _l("Neighbours look for something you lend"), _l("Only if you agreed to be asked, three a week.")
)

events.register(events.Kind("wanted.posted", _l("A resident looks for a thing")))
things.register(
    things.Kind(
        name="wanted",
        label=_l("Wanted"),
        find=wanted_queries.by_id,
        title=lambda post: str(post.title),
        link=lambda post: url_for("wanted.post", post_id=post.id),
        may_see=policy.may_see_post,
        author_id=lambda post: int(post.person_id),
        text=wanted_queries.text_of,
        hide=wanted.keep_out_of_sight,
        remove=wanted.remove,
    )
)
models.register(
    News(
        "items.wanted_nearby",
        WANTED,
        lambda thing, _facts: _l(
            "A neighbour looks for: {thing}, {when}", thing=thing.record.title, when=thing.record.when
        ),
        letter="letters/items/wanted",
        context=lambda thing, _person, _facts: (
            {"post": thing.record, "choice": whole_address(url_for("wanted.ask_me"))}
            if thing.record.is_open and thing.record.hidden_at is None
            else None
        ),
    )
)
models.register(
    News(
        "items.offered",
        BORROWING,
        lambda thing, facts: _l("Offered to you: {item}, for {wanted}", item=facts["item"], wanted=thing.title),
    )
)

hooks.personal_data.register(wanted_queries.own_data)
hooks.leaving.register(wanted.give_up)
hooks.erasing.register(wanted.erase)
jobs.timed("items.end_wanted", every=timedelta(hours=1))(wanted.end_past)
jobs.timed("items.thin_wanted", every=timedelta(days=1), after=timedelta(hours=5))(wanted.thin)

register(
    Kept(
        "wanted_posts",
        _l("Things you look for: what, when, your district, and what you wrote"),
        _l("so that neighbours who have one can offer it to you."),
        _l("A year after it was found, withdrawn or over."),
        Erased.DELETED,
        job="items.thin_wanted",
    ),
    Kept(
        "wanted_offers",
        _l("Things of yours that you offered to a neighbour who looked for one"),
        _l("so that the neighbour can ask you for it."),
        _l("As long as what they look for is kept."),
        Erased.DELETED,
        job="items.thin_wanted",
    ),
    Kept(
        "ask_me",
        _l("That you agreed to be asked when a neighbour looks for something you lend, and from how far"),
        _l("so that you are asked, and nobody who does not want it."),
        _l("Until you change your mind or leave."),
        Erased.DELETED,
    ),
    Kept(
        "wanted_asked",
        _l("That you were asked for something, and when"),
        _l("so that you are asked three times a week at most."),
        _l("A week."),
        Erased.DELETED,
        job="items.thin_wanted",
    ),
)

# --- saved searches ---

SEARCHES = Topic("items_new", _l("New things that match a saved search"), _l("Once a day at most for each search."))

models.register(
    News(
        "items.new_things",
        SEARCHES,
        lambda thing, facts: (
            _l("New to borrow: {item}, and {n} more", item=thing.title, n=facts["n"] - 1)
            if facts["n"] > 1
            else _l("New to borrow: {item}", item=thing.title)
        ),
        letter="letters/items/new_things",
        context=lambda _thing, _person, _facts: {"searches": whole_address(url_for("searches.mine"))},
        link=lambda _thing, facts: str(facts["link"]),
    )
)
models.register(
    News(
        "items.search_ended",
        SEARCHES,
        lambda _thing, _facts: _l("A search that you saved a year ago has ended; save it again if you still need it"),
    )
)
hooks.personal_data.register(search_queries.own_data)
hooks.erasing.register(searches.erase)
jobs.timed("items.tell_of_new", every=timedelta(days=1), after=timedelta(hours=8))(searches.tell_of_new)
jobs.timed("items.end_searches", every=timedelta(days=1), after=timedelta(hours=5))(searches.end_old)

register(
    Kept(
        "saved_searches",
        _l("Searches that you saved: words, category and place, the last as an area of 500 m"),
        _l("so that you are told when somebody newly lends such a thing."),
        _l("A year after you saved it, or said that you still need it."),
        Erased.DELETED,
        job="items.end_searches",
    )
)
