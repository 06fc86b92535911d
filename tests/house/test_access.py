"""Who gets what answer where: every route, asked by everyone who is somebody else to the thing it is about."""

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Method, Person, Role
from marketplace.civic.credits import service as credits_service
from marketplace.civic.groups import queries as groups
from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.service import joining
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.civic.moderation.models import Act, Reason
from marketplace.civic.moderation.service import decisions
from marketplace.civic.notifications import queries as notices
from marketplace.civic.notifications import service as telling
from marketplace.civic.vouches import service as vouches
from marketplace.civic.webhooks import queries as webhook_queries
from marketplace.civic.webhooks import service as webhooks
from marketplace.kernel import clock, db, progress
from marketplace.portal.kits.service import booking as kit_booking
from marketplace.sharing.homeshare.models.applications import ApplicationState, Side
from marketplace.sharing.homeshare.models.appointments import AppointmentKind
from marketplace.sharing.homeshare.models.checkins import CheckIn
from marketplace.sharing.homeshare.models.checks import CheckKind
from marketplace.sharing.homeshare.models.grants import Repair
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import Match, MatchState
from marketplace.sharing.homeshare.models.outcomes import Outcome
from marketplace.sharing.homeshare.models.overrides import OverrideKind
from marketplace.sharing.homeshare.models.references import Relation
from marketplace.sharing.homeshare.queries import matches as match_queries
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.queries import supporters as supporter_queries
from marketplace.sharing.homeshare.service import (
    agreements,
    appointments,
    grants,
    matters,
    meetings,
    references,
    runs,
    supporters,
)
from marketplace.sharing.items.models.lending import Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.models.problems import Trouble
from marketplace.sharing.items.queries import libraries as library_queries
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries.search import Wanted
from marketplace.sharing.items.service import (
    handing,
    libraries,
    line,
    loans,
    longer,
    problems,
    repairs,
    reviews,
    searches,
    stock,
    wanted,
)
from marketplace.sharing.spaces.service import bookings
from marketplace.sharing.spaces.service import rooms as running
from marketplace.web.access import SAFE_METHODS
from tests import factories
from tests.conftest import Browser
from tests.factories import march

REVIEWED = Path(__file__).parent / "access.txt"
ROLES = ("nobody", "owner", "other", "manager", "elsewhere", "staff", "moderator", "officer", "coord", "admin")
HEAD = f"""\
owner: whose bookings, sessions and tokens are asked for; other: another resident; manager: of this building;
elsewhere: manager of another building; staff: of a department; officer: for safeguarding; coord: of home share.
`enter` sends to the sign-in page.

{"".join(f"{role:>10}" for role in ROLES)}
"""


class City(NamedTuple):
    """One of everything, one person of every kind, and a token for a program of each."""

    who: dict[str, Any]
    tokens: dict[str, str]
    things: dict[str, Any]


@pytest.fixture
def city() -> City:
    library, museum = factories.building("Library"), factories.building("Museum")
    culture, area = factories.department(), factories.district()
    room = factories.space("Reading room", building=library)
    asked = factories.space("Hall", building=library, by_request=True)
    hidden = factories.space("Cellar", building=library, open=False)
    roles: dict[str, list[Any]] = {
        "manager": [(Role.MANAGER, library)],
        "elsewhere": [(Role.MANAGER, museum)],
        "staff": [(Role.STAFF, culture)],
        "moderator": [Role.MODERATOR],
        "officer": [Role.SAFEGUARDING],
        "coord": [Role.COORDINATOR],
        "admin": [Role.ADMINISTRATOR],
    }
    who = {
        role: factories.person(f"The {role}", f"canary.{role}@example.org", roles=roles.get(role)) for role in ROLES[1:]
    }
    owner = who["owner"]
    tokens = {role: accounts.create_api_token(person, "A program", None) for role, person in who.items()}
    accounts.open_session(owner, "Firefox, Linux")
    things = {
        "building_id": library.id,
        "department_id": culture.id,
        "district_id": area.id,
        "space_id": room.id,
        "room_of_a_kit": f"space:{room.id}",
        "hidden": hidden.id,
        "reference": factories.booking(room, march(11, 10, 11), by=owner).reference,
        "held": bookings.hold(owner, room, march(10, 10, 11)).reference,
        "request": factories.booking(asked, march(11, 10, 11), by=owner).reference,
        "closure_id": running.close(who["manager"], room, march(20, 9, 22), "The floor is renewed.").id,
        "person_id": owner.id,
        "moderator_id": who["moderator"].id,
        "grant_id": who["moderator"].grants[0].id,
        "session_id": people.sessions_of(owner)[0].id,
        "token_id": people.api_tokens_of(owner)[0].id,
        "passkey_id": factories.passkey(owner).id,
        "notice_id": db.session.scalars(notices.notices_of(owner)).first().id,  # type: ignore[union-attr]
        "word": notices.seal_of(owner.id, "spaces"),
        "secret": _feed(owner),
        "upload_key": factories.upload(owner).key,
        "part": "small",
        "export_id": factories.copy_of_data(owner).id,
        **_conversation(owner, room),
        **_group(owner),
        **_webhook(who["admin"]),
        **_reports(owner, room),
        **_credits(owner),
        **_loans(owner),
        **_wanted(owner),
        **_library(library, who["manager"]),
        "vouch_id": vouches.vouch(who["manager"], library.id, owner).id,
        **_kit(library, owner),
        **_home_share(owner, who["coord"]),
        **_runs(who["other"], who["coord"]),
        **_grant(who["other"]),
        "link": "1-no-such-link",
        "name": "nosuchletter",
        "number": 0,
        "filename": "favicon.svg",
        "item_id": factories.item("Cordless drill", owner).id,
    }
    db.session.commit()
    return City(who, tokens, things)


def _conversation(owner: Any, room: Any) -> dict[str, Any]:
    """What the owner has just written to the building."""
    about = f"booking:{factories.booking(room, march(12, 18, 19), by=owner).id}"
    message = factories.said(owner, about)
    return {"conversation_id": message.conversation_id, "message_id": message.id, "talked_about": about}


def _group(owner: Any) -> dict[str, Any]:
    """The owner's group: someone belongs to it, someone wishes to, someone is invited."""
    member = factories.person("A member")
    club = factories.group(by=owner, members=[member])
    invited = joining.invite(owner, club, "invited@example.org")
    return {
        "group_id": club.id,
        "group_member": member.id,
        "group_link": groups.link_of(invited),
        "invitation_id": invited.id,
        "request_id": joining.ask(factories.person("A newcomer"), club, "I read.").id,
        "role": "officer",
    }


def _webhook(admin: Any) -> dict[str, Any]:
    """A system that is told of bookings, and a message to it."""
    endpoint, _secret = webhooks.register(admin, "https://8.8.8.8/", "Doors", ["booking.confirmed"])
    webhooks.try_out(admin, endpoint)
    db.session.flush()
    return {
        "endpoint_id": endpoint.id,
        "delivery_id": db.session.scalars(webhook_queries.deliveries(endpoint.id)).one().id,
    }


def _reports(owner: Any, room: Any) -> dict[str, Any]:
    """A room reported and waiting; another, reported by the owner, hidden a moment ago; a decision about the owner."""
    judge = factories.person("A judge", roles=[Role.MODERATOR])
    about_owner = factories.judged_case(judge, owner)
    lately = factories.report(f"space:{factories.space('Attic', building=room.building).id}", owner)
    decisions.decide(judge, lately.case, Act.HIDE, reason=Reason.WRONG)
    return {
        "subject": f"space:{room.id}",
        "case": factories.report(f"space:{room.id}", factories.person("A reporter")).case.reference,
        "lately": lately.case.reference,
        "report": lately.reference,
        "judged": about_owner.reference,
        "concern": factories.concern(f"space:{room.id}").reference,
        "reason": "spam",
    }


def _library(building: Any, manager: Any) -> dict[str, Any]:
    """A library of things in the building, with a member."""
    made = library_queries.get_library(factories.library(building).id)
    joined, behalf = factories.person("A reader"), Behalf(entered_by=manager, channel=Channel.COUNTER)
    return {
        "library_id": made.id,
        "member_id": libraries.admit(manager, made, joined, behalf).id,
        "code": db.session.scalar(library_queries.labels(made, factories.item("Hand saw", of=made).id)),
        "ticket_id": _repair(made, manager).id,
        "take_id": stock.start(manager, made).id,
        "work_id": _table(made, manager).id,
    }


def _kit(building: Any, owner: Any) -> dict[str, Any]:
    """A kit of a room and a thing of the building, which the owner booked."""
    shelf = factories.library(building, name="Party things")
    hall = factories.space("Party hall", building=building)
    thing = factories.item("Projector", of=shelf)
    made = factories.kit(hall, things={thing: 1})
    booked = kit_booking.book(owner, made, march(15, 10, 11), **DETAILS)
    return {"kit_id": made.id, "part_id": made.parts[1].id, "kit_booking": booked.reference}


def _grant(other: Any) -> dict[str, Any]:
    """Another resident's room to spare, and a grant that they asked for."""
    home = factories.home(other)
    asked = grants.ask(other, home, Repair.LOCK, 90_000, "The door does not lock.")
    return {"home": home.reference, "grant": asked.reference}


def _table(of: Any, manager: Any) -> Any:
    """A catalogue that is being taken in."""
    rows = b"Title,Category\nSaw,saws\n"
    return progress.begin("items.catalogue", f"library:{of.id}", manager.id, BytesIO(rows), 1, library_id=of.id)


def _repair(of: Any, manager: Any) -> Any:
    """Something of the library that is broken."""
    code = db.session.scalar(library_queries.labels(of, factories.item("Torn tent", of=of).id))
    unit: Any = library_queries.unit_by_code(str(code))
    return repairs.open_ticket(manager, unit, "A pole is broken.")


def _credits(owner: Any) -> dict[str, Any]:
    """What the owner was given by mistake, and an offer to go below nothing."""
    clerk = factories.person("A clerk", roles=[Role.ADMINISTRATOR])
    grant = credits_service.give(clerk, owner, 60, "Helped in the library")
    return {"credit_grant_id": grant.id, "overdraft_id": credits_service.offer(clerk, owner, 60).id}


def _loans(owner: Any) -> dict[str, Any]:
    """What the owner lends and borrows: asked for, agreed, out and to be kept longer."""
    verified = {"verified_at": clock.now(), "verified_method": Method.COUNTER}
    db.session.execute(sa.update(Person).where(Person.id == owner.id).values(**verified))  # the version stays
    friend = factories.neighbour("A neighbour")
    mine, theirs = factories.item("Saw", owner), factories.item("Tent", friend)
    lent = [factories.loan(mine, day, day) for day in (1, 20, 8)]
    borrowed = [factories.loan(theirs, day, day, by=owner) for day in (1, 2, 8)]
    loans.accept(owner, lent[1])
    loans.accept(owner, lent[0])
    loans.accept(friend, borrowed[0])
    loans.propose(friend, borrowed[1], borrowed[1].first_day, borrowed[1].first_day)
    for one, giver in ((lent[0], owner), (borrowed[0], friend)):
        _handover, code = handing.offer(giver, one, Way.OUT, condition=Condition.GOOD)
        handing.take(one.borrower, one, Way.OUT, code)
    longer.ask_longer(lent[0].borrower, lent[0], date(2027, 3, 3))
    waited = factories.item("Trailer", friend)
    loans.accept(friend, factories.loan(waited, 1, 7))
    line.join(owner, listings.get_item(waited.id), 2)
    return (
        _problem(owner, friend)
        | _told(owner, friend)
        | {
            "way": "out",
            "back": "back",
            "agreed": lent[1].reference,
            "asked": lent[2].reference,
            "lent": lent[0].reference,
            "borrowed": borrowed[0].reference,
            "proposed": borrowed[1].reference,
            "requested": borrowed[2].reference,
            "waited": waited.id,
            "theirs": factories.item("Rake", friend).id,
        }
    )


def _wanted(owner: Any) -> dict[str, Any]:
    """What the owner looks for and a search that they saved, and what a friend looks for and could be offered."""
    post, wish = factories.wants(owner), factories.wants(factories.neighbour("A friend"), "A drill", category="drills")
    offered = factories.item("Old drill", owner)
    wanted.offer(owner, wish, listings.get_item(offered.id))
    return {
        "post_id": post.id,
        "wish": wish.id,
        "offered": offered.id,
        "search_id": searches.save(owner, Wanted(words="drill")).id,
    }


def _problem(owner: Any, friend: Any) -> dict[str, Any]:
    """What the owner lent came back broken; a mediator is asked."""
    lamp = _back_again(factories.item("Lamp", owner), owner, friend)
    found = problems.report(owner, lamp, Trouble.DAMAGED, "The bulb is broken.")
    problems.ask_mediator(owner, found)
    return {"troubled": lamp.reference, "problem_id": found.id}


def _told(owner: Any, friend: Any) -> dict[str, Any]:
    """What the owner lent was brought back, and both told how it went."""
    rake = _back_again(factories.item("Rake", owner), owner, friend)
    for person in (friend, owner):
        reviews.write(person, rake, "All went well.", "")
    return {"told": rake.reference}


def _back_again(thing: Any, owner: Any, friend: Any) -> Any:
    """A thing that the owner lent to the friend for a day, brought back."""
    one = factories.loan(thing, 1, 1, by=friend)
    loans.accept(owner, one)
    for giver, taker, way in ((owner, friend, Way.OUT), (friend, owner, Way.BACK)):
        _handover, code = handing.offer(giver, one, way, condition=Condition.GOOD)
        handing.take(taker, one, way, code)
    return one


def _runs(other: Any, coordinator: Any) -> dict[str, Any]:
    """Another resident waits for a room, and was in a run; something is decided by hand about them."""
    waiting, home = factories.student(by=other), factories.home()
    decided = runs.decide(coordinator, OverrideKind.BAN, waiting, home, "For now.", None)
    run = runs.keep(runs.make(time_limit=5.0), db.session())
    return {"waiting": waiting.reference, "offering": home.reference, "run_id": run.id, "override_id": decided.id}


def _match(owner: Any, state: MatchState) -> Match:
    """A match of a home of the owner's, whose application has ended: only one at a time goes on."""
    home = factories.home(by=owner, checked=False)
    home.state, home.closed_at = ApplicationState.CLOSED, clock.now()
    lent_to = factories.student(factories.neighbour("A student of the match"))
    return match_queries.held(factories.match(lent_to, home, state=state).id)


def _living(owner: Any, coordinator: Any) -> dict[str, Any]:
    """Matches of the owner in each state that a page asks for."""
    proposed, meeting = _match(owner, MatchState.PROPOSED), _match(owner, MatchState.MEETING)
    noon = march(10, 12, 13).starts_at
    meetings.arrange(coordinator, meeting, noon, "Riverside House")
    agreeing, trial = _match(owner, MatchState.AGREEING), _match(owner, MatchState.TRIAL)
    digest = agreements.begin(agreeing).digest
    db.session.add(CheckIn(match_id=trial.id, side=Side.HOST, due_on=clock.today()))
    db.session.add(Outcome(match_id=trial.id, side=Side.HOST))
    matter = matters.ask_mediation(owner, trial)
    return {
        "match_proposed": proposed.reference, "match_meeting": meeting.reference, "match_agreeing": agreeing.reference,
        "match_trial": trial.reference, "matter_id": matter.id, "agreement_digest": digest,
    }  # fmt: skip


def _home_share(owner: Any, coordinator: Any) -> dict[str, Any]:
    """The owner's home, ready to be sent, and search for a room, being checked; a friend stands by them."""
    living = _living(owner, coordinator)
    home = factories.home(by=owner, checked=False)
    home.state, home.sent_at = ApplicationState.DRAFT, None
    room = {"square_metres": 12, "furniture": [], "lock": True}
    home.answers = home.answers | room | {"notice": 30, "bills": "shared", "kitchen": "agreed", "food": "own"}
    lock(home, "phone", "02-123-4567")
    search, friend = factories.student(by=owner, checked=False), factories.neighbour("A friend of the owner")
    for one in (home, search):
        for relation in (Relation.FAMILY, Relation.FRIEND):
            speaks = references.name(owner, one, name="Kim", relation=relation, email="speaks@example.org")
    noon = march(10, 12, 13)
    invited = [supporters.invite(owner, search, f"{name}@example.org") for name in ("one", "two")]
    supporters.accept(friend, supporter_queries.link_of(invited[1]))
    return {
        "side": "student",
        "home_draft": home.reference,
        "search": search.reference,
        "question_page": "evenings",
        "check_kind": "identity",
        "check_id": factories.check(search, CheckKind.INTERVIEW, by_id=coordinator.id).id,
        "reference_id": speaks.id,
        "word_link": reference_queries.link_of(speaks),
        "appointment_id": appointments.make(
            coordinator, search, AppointmentKind.INTERVIEW, noon.starts_at, noon.ends_at
        ).id,
        "supporter_id": invited[1].id,
        "support_link": supporter_queries.link_of(invited[0]),
        **living,
    }


def _feed(owner: Any) -> str | None:
    telling.open_feed(owner)
    return notices.feed_of(owner)


ABOUT = {  # what the address names, where it is not the plain one
    "uploads.show": {"key": "upload_key"},
    "uploads.delete": {"key": "upload_key"},
    "conversations.about": {"subject": "talked_about"},
    "credits_staff.take_back": {"grant_id": "credit_grant_id"},
    "groups.change_role": {"person_id": "group_member"},
    "groups.invited": {"link": "group_link"},
    "groups.remove": {"person_id": "group_member"},
    "accounts_staff.revoke": {"person_id": "moderator_id"},
    "spaces.details": {"reference": "held"},
    "spaces.leave": {"reference": "held"},
    "spaces_staff.answer": {"reference": "request"},
    "homeshare.application": {"reference": "search"},
    "homeshare.close": {"reference": "search"},
    "homeshare.pause": {"reference": "search"},
    "homeshare.pictures": {"reference": "home_draft"},
    "homeshare.question": {"reference": "home_draft", "name": "question_page"},
    "homeshare.resume": {"reference": "search"},
    "homeshare.send": {"reference": "home_draft"},
    "homeshare_checks.appoint": {"reference": "search"},
    "homeshare_checks.record": {"reference": "search", "kind": "check_kind"},
    "homeshare_desk.case": {"reference": "search"},
    "homeshare_desk.notes": {"reference": "search"},
    "homeshare_desk.take": {"reference": "search"},
    "homeshare_matches.agreement": {"reference": "match_agreeing"},
    "homeshare_matches.agreement_pdf": {"reference": "match_agreeing"},
    "homeshare_matches.answer": {"reference": "match_proposed"},
    "homeshare_matches.check_in": {"reference": "match_trial"},
    "homeshare_matches.end": {"reference": "match_meeting"},
    "homeshare_matches.end_now": {"reference": "match_trial"},
    "homeshare_matches.go_on": {"reference": "match_trial"},
    "homeshare_matches.ics": {"reference": "match_meeting"},
    "homeshare_matches.match": {"reference": "match_trial"},
    "homeshare_matches.mediation": {"reference": "match_agreeing"},
    "homeshare_outcomes.say": {"reference": "match_trial"},
    "homeshare_references.answer": {"link": "word_link"},
    "homeshare_references.named": {"reference": "search"},
    "homeshare_references.remove": {"reference": "search"},
    "homeshare_runs.alone": {"reference": "waiting"},
    "homeshare_tending.agreement": {"reference": "match_agreeing"},
    "homeshare_tending.agreement_pdf": {"reference": "match_agreeing"},
    "homeshare_tending.end": {"reference": "match_meeting"},
    "homeshare_tending.end_now": {"reference": "match_trial"},
    "homeshare_tending.goes_on": {"reference": "match_meeting"},
    "homeshare_tending.mediation": {"reference": "match_agreeing"},
    "homeshare_tending.meeting": {"reference": "match_meeting"},
    "homeshare_tending.note": {"reference": "match_trial"},
    "homeshare_tending.settle": {"reference": "match_trial"},
    "homeshare_tending.tend": {"reference": "match_trial"},
    "homeshare_supporters.invited": {"link": "support_link"},
    "homeshare_supporters.supporters": {"reference": "search"},
    "kits.booking": {"reference": "kit_booking"},
    "kits.cancel": {"reference": "kit_booking"},
    "kits_api.get_kit_booking": {"reference": "kit_booking"},
    "loans.accept": {"reference": "asked"},
    "loans.answer": {"reference": "asked"},
    "loans.answer_longer": {"reference": "lent"},
    "loans.ask_longer": {"reference": "borrowed"},
    "loans.cancel": {"reference": "agreed"},
    "handing.code": {"reference": "agreed"},
    "loans.decline": {"reference": "asked"},
    "handing.give": {"reference": "borrowed", "way": "back"},
    "loans.ics": {"reference": "agreed"},
    "loans.loan": {"reference": "agreed"},
    "loans.propose": {"reference": "asked"},
    "handing.take": {"reference": "lent", "way": "back"},
    "loans.take_proposal": {"reference": "proposed"},
    "loans.withdraw": {"reference": "requested"},
    "line_api.get_place_in_line": {"item_id": "waited"},
    "line_api.join_line": {"item_id": "waited"},
    "line_api.leave_line": {"item_id": "waited"},
    "loans_api.accept": {"reference": "asked"},
    "loans_api.answer_longer": {"reference": "lent"},
    "loans_api.ask_longer": {"reference": "borrowed"},
    "loans_api.cancel": {"reference": "agreed"},
    "loans_api.decline": {"reference": "asked"},
    "loans_api.get_loan": {"reference": "agreed"},
    "loans_api.propose": {"reference": "asked"},
    "loans_api.take_proposal": {"reference": "proposed"},
    "loans_api.withdraw": {"reference": "requested"},
    "homeshare_fairness.say": {"reference": "home"},
    "homeshare_grants.decide": {"reference": "grant"},
    "homeshare_grants.done": {"reference": "grant"},
    "homeshare_grants.grant": {"reference": "grant"},
    "homeshare_grants.pay": {"reference": "grant"},
    "problems.accept": {"reference": "troubled"},
    "problems.answer": {"reference": "troubled"},
    "problems.appeal": {"reference": "troubled"},
    "problems.ask_mediator": {"reference": "troubled"},
    "problems.offer": {"reference": "troubled"},
    "problems.problem": {"reference": "troubled"},
    "problems.report": {"reference": "troubled"},
    "problems.withdraw": {"reference": "troubled"},
    "reviews.reply": {"reference": "told"},
    "reviews.write": {"reference": "troubled"},
    "wanted.offer": {"post_id": "wish"},
    "wanted.take_back": {"post_id": "wish"},
    "wanted_api.offer": {"post_id": "wish"},
    "wanted_api.take_back_offer": {"post_id": "wish", "item_id": "offered"},
    "moderation.decision": {"reference": "judged"},
    "moderation.sent": {"reference": "report"},
    "moderation_staff.case": {"reference": "case"},
    "moderation_staff.claim": {"reference": "case"},
    "moderation_staff.concern": {"reference": "concern"},
    "moderation_staff.release": {"reference": "case"},
    "moderation_staff.restore": {"reference": "judged"},
    "moderation_staff.take": {"reference": "concern"},
    "moderation_staff.undo": {"reference": "lately"},
}
AGAIN: dict[str, list[dict[str, str]]] = {  # addresses that are asked about something else as well
    "spaces.space": [{"space_id": "hidden"}],
    "spaces.hold": [{"space_id": "hidden"}],
    "spaces_api.get_space": [{"space_id": "hidden"}],
    "spaces_api.list_free_times": [{"space_id": "hidden"}],
    "spaces.booking": [{"reference": "request"}],
}
TIME = {"start": march(12, 10, 11).starts_at.isoformat(), "minutes": 60}
DETAILS: dict[str, Any] = {"people": 3, "purpose": "A reading circle", "rules_accepted": True}
THING = {"title": "Step ladder", "category": "step-ladders", "condition": "good"}
HERE = {"latitude": factories.NEAR_THE_RIVER.latitude, "longitude": factories.NEAR_THE_RIVER.longitude}
PASSWORD = factories.PASSWORD
SENT: dict[str, dict[str, Any]] = {  # what makes an unsafe request succeed for whoever may make it
    "accounts.sign_in": {"email": "canary.owner@example.org", "password": PASSWORD},
    "accounts.register": {"name": "Newcomer", "email": "newcomer@example.org", "password": "three tall herons"},
    "accounts.forgot": {"email": "newcomer@example.org"},
    "accounts.profile": {"name": "New name", "language": "ko", "version": 1},
    "accounts.password": {"current": PASSWORD, "password": "three tall herons"},
    "accounts.email": {"email": "new@example.org", "password": PASSWORD},
    "accounts.tokens": {"name": "Another program"},
    "privacy.erase": {"understood": "true"},
    "accounts_staff.grant": {"role": "moderator"},
    "accounts_staff.verify": {"method": "counter", "day": "2027-02-27"},
    "factors.prove": {"way": "password", "password": PASSWORD},
    "factors_staff.reset": {"checked": "document"},
    "conversations.about": {"text": "Hello!"},
    "conversations.conversation": {"text": "Hello!"},
    "credits.agreement": {"answer": "agree"},
    "credits_staff.give": {"email": "canary.other@example.org", "hours": "1", "reason": "Helped in the library"},
    "credits_staff.offer": {"email": "canary.other@example.org", "hours": "1"},
    "departments.departments": {"code": "NEW", "name_en": "Parks", "name_ko": "공원과"},
    "departments.department": {"code": "NEW", "name_en": "Parks", "name_ko": "공원과"},
    "groups.answer": {"answer": "accept"},
    "groups.edit": {"name": "Readers", "sort": "club", "version": 1},
    "groups.invitations": {"email": "newcomer@example.org"},
    "groups.invited": {"answer": "accept"},
    "groups.new": {"name": "Chess", "sort": "club"},
    "groups_staff.verify": {"answer": "verify", "document": "statutes", "until": "2028-03-01"},
    "counter.lend": {
        "name": "Kim", "phone": "02-123-4567", "language": "en", "channel": "counter", "condition": "good",
        "last": "2027-03-03",
    },
    "repairs.close": {"outcome": "ready"},
    "repairs.report": {"problem": "It squeaks."},
    "repairs.ticket": {"text": "Oiled."},
    "stock.take": {"code": "NOSUCH99"},
    "libraries_staff.add": {"title": "Ladder", "category": "long-ladders", "condition": "good"},
    "libraries_staff.admit": {"name": "Kim", "phone": "02-123-4567", "language": "en", "channel": "counter"},
    "libraries_staff.change": {"name": "Tools", "open": "yes", "version": 1},
    "libraries_staff.new": {"name": "Tools", "building": "Library"},
    "homeshare.close": {"because": "changed_mind"},
    "homeshare.question": {"evenings": "3"},
    "homeshare_checks.appoint": {"kind": "interview", "day": "2027-03-11", "starts": "10:00"},
    "homeshare_checks.hear": {"passed": "yes", "way": "phone", "checked_on": "2027-03-01"},
    "homeshare_checks.record": {"passed": "yes", "checked_on": "2027-03-01", "method": "Card shown"},
    "homeshare_desk.on_behalf": {
        "side": "host", "name": "Kim", "phone": "02-123-4567", "language": "en", "channel": "phone"
    },
    "homeshare_matches.answer": {"said": "no", "reason": "too_far"},
    "homeshare_matches.check_in": {"going": "well", "hours_kept": "yes", "safe": "yes", "talk": "no"},
    "homeshare_matches.end": {"reason": "moves"},
    "homeshare_matches.go_on": {"goes_on": "yes"},
    "homeshare_tending.end": {"reason": "not_suited"},
    "homeshare_tending.meeting": {"day": "2027-03-11", "at": "10:00", "place": "Riverside House"},
    "homeshare_tending.note": {"words": "Called."},
    "homeshare_tending.settle": {"outcome": "called"},
    "homeshare_references.answer": {"recommends": "yes", "words": "A good neighbour."},
    "homeshare_references.named": {"name": "Lee", "relation": "friend", "phone": "02-123-4567"},
    "homeshare_runs.by_hand": {"kind": "apart", "reason": "For their safety."},
    "homeshare_supporters.invited": {"answer": "accept"},
    "homeshare_supporters.supporters": {"email": "three@example.org", "agreed": "true"},
    "kits.book": TIME | DETAILS | {"rules_accepted": "yes"},
    "kits.cancel": {"reason": "We are ill."},
    "kits_api.book_kit": TIME | DETAILS,
    "kits_staff.change": {"name": "Party set", "published": "yes", "version": 1},
    "kits_staff.new": {"name": "Party set"},
    "listing.change": THING | {"pick_up_days": 0, "version": 1},
    "listing.new": THING | HERE | {"pick_up_days": 0},
    "listing.place": HERE,
    "loans.answer_longer": {"answer": "no"},
    "loans.ask_longer": {"until": "2027-03-05"},
    "loans.borrow": {"first": "2027-03-04", "last": "2027-03-05"},
    "loans.cancel": {"reason": "It broke."},
    "loans.decline": {"refusal": "away"},
    "handing.give": {"condition": "good"},
    "loans.propose": {"first": "2027-03-10", "last": "2027-03-10"},
    "handing.take": {"code": "123456"},
    "line.wait": {"days": 2},
    "line_api.join_line": {"days": 2},
    "loans_api.answer_longer": {"yes": False},
    "loans_api.ask": {"first": "2027-03-04", "last": "2027-03-05"},
    "loans_api.ask_longer": {"until": "2027-03-05"},
    "loans_api.cancel": {"reason": "It broke."},
    "loans_api.decline": {"refusal": "away"},
    "loans_api.propose": {"first": "2027-03-10", "last": "2027-03-10"},
    "searches.mine": {"q": "ladder"},
    "wanted.ask_me": {"within": 2000},
    "wanted.end": {"ending": "found"},
    "wanted.new": HERE | {"title": "A ladder", "category": "step-ladders", "first": "2027-03-06"},
    "wanted_api.end_wanted": {"ending": "found"},
    "wanted_api.post_wanted": HERE | {"title": "A ladder", "category": "step-ladders", "first": "2027-03-06"},
    "moderation.decision": {"text": "It was a poem."},
    "moderation.report": {"reason": "spam"},
    "moderation_staff.case": {"act": "keep"},
    "moderation_staff.concern": {"text": "Spoke to both."},
    "moderation_staff.words": {"en": "No advertising.", "ko": "광고는 안 됩니다.", "version": 0},
    "homeshare_grants.ask": {"repair": "light", "amount": "1000", "words": "A lamp."},
    "homeshare_grants.decide": {"granted": "true", "reason": "It has to lock."},
    "homeshare_grants.pay": {"invoice_seen_on": "2027-03-01", "paid_on": "2027-03-01"},
    "problems.accept": {"offer": "1"},
    "problems.answer": {"words": "It was so."},
    "problems.appeal": {"words": "Look again."},
    "problems.mediate": {"remedy": "nothing", "reason": "Bulbs break."},
    "problems.offer": {"remedy": "nothing"},
    "problems.report": {"trouble": "damaged", "words": "It is broken."},
    "places_staff.edit": {"version": 1, "lift": "yes"},
    "reviews.reply": {"words": "Thank you."},
    "reviews.write": {"good": "All went well."},
    "spaces.counter": TIME | DETAILS | {
        "rules_accepted": "yes", "channel": "phone", "name": "Kim", "phone": "02-123-4567", "language": "en"
    },
    "vouches_staff.end": {"reason": "You moved away."},
    "vouches_staff.new": {"email": "canary.other@example.org"},
    "webhooks.register": {"url": "https://8.8.8.8/new", "description": "Boards", "kinds": "booking.moved"},
    "webhooks.change": {"url": "https://8.8.8.8/new", "description": "Boards", "kinds": "booking.moved"},
    "webhooks.replay_failed": {"day": "2027-03-01"},
    "spaces.hold": TIME,
    "spaces.details": DETAILS | {"rules_accepted": "yes"},
    "spaces.change": TIME | {"version": 2},
    "spaces_staff.answer": {"answer": "accept"},
    "spaces_staff.closures": {
        "from_date": "2027-03-15", "from_time": "09:00", "to_date": "2027-03-15", "to_time": "18:00", "reason": "Paint"
    },
    "spaces_staff.rules": {
        "min_minutes": 60, "max_minutes": 120, "raster_minutes": 60, "before_minutes": 0, "after_minutes": 0,
        "notice_days": 0, "horizon_days": 90, "cancel_hours": 24, "answer_days": 3, "open": "yes", "version": 1,
    },
    "spaces_api.book": TIME | DETAILS,
    "spaces_api.move_booking": TIME | {"version": 2},
}  # fmt: skip
NAMED = {  # which thing a body names, by its key in the city
    "kits_api.book_kit": {"kit": "kit_id"},
    "kits_staff.add_part": {"part": "room_of_a_kit"},
    "kits_staff.new": {"building": "building_id"},
    "homeshare_runs.by_hand": {"student": "waiting", "home": "offering"},
    "homeshare_runs.why": {"student": "waiting", "home": "offering"},
    "loans_api.ask": {"item": "theirs"},
    "spaces_api.book": {"space": "space_id"},
    "vouches_staff.new": {"building": "building_id"},
    "wanted_api.offer": {"item": "item_id"},
}


class Asked(NamedTuple):
    """One request, and how the table calls it."""

    name: str
    endpoint: str
    method: str
    path: str


def requests(app: Flask, city: City) -> Iterator[Asked]:
    """Every route with each of its methods, about a thing of the owner's."""
    at = app.url_map.bind("localhost")
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for changes in [ABOUT.get(rule.endpoint, {}), *AGAIN.get(rule.endpoint, [])]:
            about = {argument: changes.get(argument, argument) for argument in rule.arguments}
            parts = {argument: city.things[key] for argument, key in about.items()}
            shown = re.sub(r"<(?:\w+:)?(\w+)>", lambda argument, about=about: f"<{about[argument[1]]}>", rule.rule)  # type: ignore[misc]
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):  # type: ignore[operator]
                yield Asked(f"{method:6} {shown}", rule.endpoint, method, at.build(rule.endpoint, parts, method))


@contextmanager
def undone() -> Iterator[None]:
    """What the block does to the database is taken back."""
    connection = db.session.get_bind()
    assert isinstance(connection, sa.Connection)
    db.session.remove()
    before = connection.begin_nested()
    yield
    db.session.remove()
    before.rollback()


def answer(app: Flask, city: City, asked: Asked, role: str):
    """What someone of that role is answered; a program under /api/v1/ asks with that person's token."""
    app.test_client_class = Browser
    browser: Any = app.test_client()
    named = {field: city.things[key] for field, key in NAMED.get(asked.endpoint, {}).items()}
    body = SENT.get(asked.endpoint, {}) | named
    with undone():
        if asked.path.startswith("/api/v1/"):
            token = city.tokens.get(role)
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            sent = {"json": body} if body else {}
            return browser.open(asked.path, method=asked.method, headers=headers, buffered=True, **sent)
        if role != "nobody":
            factories.sign_in(browser, city.who[role])
        form = {} if asked.method in SAFE_METHODS else {"data": {"csrf_token": browser.token(), **body}}
        return browser.open(asked.path, method=asked.method, buffered=True, **form)


def in_a_word(answered) -> str:
    """The status; `enter` for the way to the sign-in page."""
    return "enter" if answered.headers.get("Location", "").startswith("/sign-in?") else str(answered.status_code)


def test_everyone_gets_the_answer_that_was_reviewed(app, city):
    """Look at the difference; if it is meant: ACCEPT_ACCESS=1 .venv/bin/python -m pytest tests/house/test_access.py"""
    rows = [
        "".join(f"{in_a_word(answer(app, city, asked, role)):>10}" for role in ROLES) + f"   {asked.name}\n"
        for asked in requests(app, city)
    ]
    now = HEAD + "".join(rows)
    if os.environ.get("ACCEPT_ACCESS"):
        REVIEWED.write_text(now)
    reviewed = REVIEWED.read_text()

    difference = "".join(difflib.unified_diff(reviewed.splitlines(True), now.splitlines(True), "reviewed", "now", n=0))
    assert not difference, f"{difference}\n{test_everyone_gets_the_answer_that_was_reviewed.__doc__}"


def test_nobody_reads_someone_else_s_e_mail_address_but_an_administrator(app, city):
    seen = {
        (role, asked.name, whose)
        for asked in requests(app, city)
        if asked.method in SAFE_METHODS and not asked.path.startswith(("/staff/people/", "/groups/staff/"))
        for role in ROLES
        for whose in re.findall(rb"canary\.(\w+)@", answer(app, city, asked, role).data)
        if whose.decode() != role
    }

    assert seen == set()


def test_only_administrators_come_to_the_pages_about_people(app, city):
    pages = [asked for asked in requests(app, city) if asked.path.startswith("/staff/")]

    assert pages
    for asked in pages:
        for role in ROLES[:-1]:
            assert in_a_word(answer(app, city, asked, role)) in ("404", "enter"), (role, asked.name)
