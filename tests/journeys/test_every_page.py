"""Every page of the house, as someone who may see it: in both languages, on a desk and on a phone."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.departments.models import Department
from marketplace.civic.moderation.models import Case, Concern
from marketplace.civic.places.models import District
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import clock
from marketplace.kernel.progress import LongWork
from marketplace.portal.demo.queries import DOMAIN
from marketplace.portal.kits.models import Kit, KitBooking
from marketplace.sharing.homeshare.layouts.agreements import terms_of, text_of
from marketplace.sharing.homeshare.models.agreements import Agreement, digest_of
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Side
from marketplace.sharing.homeshare.models.checkins import CheckIn
from marketplace.sharing.homeshare.models.grants import Grant, Repair
from marketplace.sharing.homeshare.models.matches import Answer, Match, MatchState
from marketplace.sharing.homeshare.models.outcomes import Outcome
from marketplace.sharing.homeshare.models.references import Reference
from marketplace.sharing.homeshare.models.runs import Run
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState
from marketplace.sharing.items.models.libraries import LibraryMember, RepairTicket, StockTake
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library
from marketplace.sharing.items.models.problems import Problem, ProblemState, Remedy, Trouble
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.models.wanted import WantedPost
from marketplace.sharing.spaces.models import Booking, BookingState, Space
from tests.journeys.conftest import City, Visitor

ROUTES = (Path(__file__).parents[1] / "house" / "routes.txt").read_text().splitlines()
PAGES = [
    (mark.strip(), path)
    for mark, methods, path in (re.fullmatch(r"(.+?) +([A-Z ]+?) +(/.*)", line).groups() for line in ROUTES)  # type: ignore[union-attr]
    if "GET" in methods and not path.startswith(("/static/", "/api/v1/", "/api/openapi"))
]
NO_PAGES = {
    "/health", "/go-on", "/spaces/bookings/<reference>/booking.ics", "/dev/mailbox/<name>/<int:number>",
    "/account/data/<int:export_id>", "/account/passkeys/question", "/sign-in/passkey/question", "/sign-in/second-step",
    "/calendar/<secret>.ics", "/moderation/figures.csv", "/credits/statement.csv",
    "/uploads/<key>/<part>", "/inbox/<int:notice_id>",
    "/dev/mailbox/<name>/html",  # a letter, in the language of whoever gets it
    # a provider of identities is not set up here
    "/identity/callback", "/identity/start", "/identity/first", "/identity/prove", "/account/identity",
    "/account/identity/link",
    "/moderation/together",  # but for those that were ticked, below
    "/conversations/<int:conversation_id>/block",  # one blocks a person, not a building
    "/homeshare/runs/<int:run_id>.json", "/homeshare/matches/<reference>/meeting.ics",
    "/homeshare/matches/<reference>/agreement.pdf", "/homeshare/staff/matches/<reference>/agreement.pdf",
    "/items/loans/<reference>/loan.ics", "/libraries/<int:library_id>/catalogue.csv",
    "/libraries/<int:library_id>/labels.pdf", "/items/impact.csv", "/items/refusals.csv",
    "/homeshare/figures.csv", "/homeshare/supply.csv", "/homeshare/supply.geojson", "/homeshare/staff/fairness.csv",
}  # fmt: skip
WITH_QUESTIONS = [
    ("public", "/spaces/?date=<day>&from=13:00&to=18:00&minutes=120&people=20&needs=projector"),
    ("public", "/spaces/?date=<day>&show=others"),
    ("public", "/spaces/?q=nothing-is-called-so"),
    ("public", "/spaces/?from=18:00&to=09:00&people=many"),
    ("public", "/spaces/?page=2"),
    ("public", "/buildings/?district=<code>&words=a"),
    ("public", "/no-such-page"),
    ("residents", "/no-such-page"),
    ("residents", "/spaces/bookings?show=past"),
    ("residents", "/buildings/<int:building_id>/edit"),
    ("staff: manager, administrator", "/spaces/staff/?show=coming"),
    ("staff: administrator", "/staff/people/?words=example"),
    ("residents", "/inbox?show=unread"),
    ("staff: staff, administrator", "/groups/staff/?show=all"),
    ("staff: staff, administrator", "/credits/staff/?show=all"),
    ("staff: moderator", "/moderation/together?case=<reference>"),
    ("public", "/items/?first=<day>&last=<day>"),
    ("public", "/items/?first=<day>&q=nothing-is-called-so&free=yes"),
    ("public", "/items/?first=<day>&show=others"),
    ("residents", "/items/loans/<told>"),
    ("public", "/items/<well_known>"),
    ("residents", "/homeshare/applications/<search>/questions/campus"),
    ("residents", "/homeshare/applications/<search>/questions/people"),
    ("residents", "/homeshare/applications/<home_free>/questions/place"),
    ("residents", "/homeshare/applications/<home_free>/questions/about"),
    ("residents", "/homeshare/applications/<home_free>/questions/dates"),
    ("staff: coordinator", "/homeshare/staff/applications/<search>/checks/enrolment"),
    ("residents", "/kits/<int:kit_id>/book?start=<start>&minutes=120"),
    ("residents", "/items/loans?show=lent"),
    ("residents", "/items/loans?when=past"),
    ("residents", "/libraries/<int:library_id>/counter?code=<piece>"),
    ("residents", "/libraries/<int:library_id>/counter?code=<broken_piece>"),
    ("residents", "/libraries/<int:library_id>/counter?code=<taken>"),
    ("residents", "/libraries/<int:library_id>/counter?card=<card>"),
]


class Everyone:
    """A window for each kind of person, kept open; and something of everything to look at."""

    def __init__(self, browser: Browser, city: City) -> None:
        self.browser, self.city = browser, city
        self.visitors: dict[str, Visitor] = {}
        self.things = self._things()

    def window(self, who: str) -> Visitor:
        """That person's window."""
        if who not in self.visitors:
            context = self.browser.new_context(base_url=self.city.address, locale="en-GB", reduced_motion="reduce")
            made = self.visitors[who] = Visitor(self.city, context.new_page(), "en", scripts=True)
            made.listen()
            if who not in ("nobody", "unconfirmed"):
                made.sign_in(who)
        return self.visitors[who]

    def _things(self) -> dict[str, Any]:
        ask = self.city.ask
        of_the_resident = Booking.person.has(email=f"resident@{DOMAIN}")
        managed = ask(
            "SELECT min(building_id) FROM role_grants JOIN people ON people.id = person_id "
            f"WHERE email = 'manager@{DOMAIN}'"
        )
        room = ask(sa.select(Space.id).where(Space.building_id == managed).order_by(Space.id))
        still_movable = Booking.starts_at > clock.now() + timedelta(days=3)
        confirmed = Booking.state == BookingState.CONFIRMED
        coming = sa.select(Booking.reference).where(of_the_resident, confirmed, still_movable)
        few_starts = Booking.space.has(Space.raster_minutes >= 60)  # axe takes its time with 600 radio buttons
        return {
            "building_id": managed,
            "space_id": room,
            "reference": ask(coming.where(few_starts).order_by(Booking.starts_at)),
            "person_id": ask(f"SELECT id FROM people WHERE email = 'newcomer@{DOMAIN}'"),
            "department_id": ask(sa.select(Department.id)),
            "code": ask(sa.select(District.code)),
            "day": clock.today() + timedelta(days=6),
        }


@pytest.fixture(scope="module")
def everyone(browser: Browser, city: City) -> Iterator[Everyone]:
    made = Everyone(browser, city)
    with_a_hold(made)
    with_letters(made)
    with_a_group(made)
    with_messages(made)
    with_reports(made)
    with_an_app(made)
    with_a_webhook(made)
    with_things(made)
    with_a_problem(made)
    with_a_payment(made)
    with_a_library(made)
    with_a_kit(made)
    with_home_share(made)
    yield made
    for visitor in made.visitors.values():
        visitor.page.context.close()


def with_a_hold(everyone: Everyone) -> None:
    """The resident has begun a booking, and asked for a room of the manager's."""
    resident = everyone.window("resident")
    room = everyone.things["space_id"]
    manager = everyone.window("manager")
    manager.go(f"/spaces/{room}/rules")
    manager.field("The building answers each request itself").check()
    manager.press("Save the rules")
    for wanted in ("request", "held"):
        resident.go(f"/spaces/{room}?date={clock.today() + timedelta(days=30)}")
        resident.choose(resident.times().first)
        resident.press("Continue")
        everyone.things[wanted] = resident.page.url.split("/")[-2]
        if wanted == "request":
            resident.field("How many people will come?").fill("4")
            resident.field("What will you use the room for?").fill("이웃 합창단")
            resident.field("I have read the rules and will keep them").check()
            resident.press("Send the request")


def with_letters(everyone: Everyone) -> None:
    """Letters with links: to confirm an address, to set a new password."""
    nobody = everyone.window("nobody")
    nobody.go("/forgot-password")
    nobody.field("E-mail address").fill(f"newcomer@{DOMAIN}")
    nobody.press("Send the letter")
    nobody.email = f"newcomer@{DOMAIN}"
    nobody.open_letter("Set a new password")
    everyone.things["reset"] = str(nobody.page.locator(".letter a").get_attribute("href")).rpartition("/")[2]
    everyone.things["name"] = nobody.page.url.rpartition("/")[2]
    someone = everyone.window("unconfirmed")
    someone.go("/register")
    someone.register("최하늘", "haneul@example.org")
    someone.open_letter("Confirm your e-mail address")
    everyone.things["confirm"] = str(someone.page.locator(".letter a").get_attribute("href")).rpartition("/")[2]


def with_a_group(everyone: Everyone) -> None:
    """The resident has a group: the newcomer wishes to join, another is invited, staff are asked to verify it."""
    resident, newcomer, staff = (everyone.window(who) for who in ("resident", "newcomer", "staff"))
    resident.go("/groups/new")
    resident.field("Name").fill("느티나무 합창단")
    resident.page.locator("input[name=sort]").first.check()
    resident.press("Found the group")
    group = resident.page.url
    everyone.things["group_id"] = group.rpartition("/")[2]
    resident.press("Ask to be verified")
    resident.go(f"{group}/invitations")
    resident.field("E-mail address").fill(f"staff@{DOMAIN}")
    resident.press("Send the invitation")
    newcomer.go(f"{group}/join")
    newcomer.press("Ask to join")
    everyone.things["request_id"] = everyone.city.ask("SELECT max(id) FROM group_requests")
    staff.open_letter("{group} invites you")
    link = staff.page.locator(".letter a[href*='/groups/join/']").get_attribute("href")
    everyone.things["invitation"] = str(link).rpartition("/")[2]


def with_messages(everyone: Everyone) -> None:
    """The resident has written about one booking, and may write about another; a letter's link ends such letters."""
    resident = everyone.window("resident")
    resident.go(f"/spaces/bookings/{everyone.things['request']}")
    resident.follow("Write to the building")
    resident.field("Your message").fill("의자는 몇 개 있습니까?")
    resident.press("Send")
    everyone.city.typed.append("의자는 몇 개 있습니까?")
    everyone.things["conversation_id"] = resident.page.url.partition("?")[0].partition("#")[0].rpartition("/")[2]
    everyone.things["message_id"] = everyone.city.ask("SELECT max(id) FROM messages")
    everyone.things["talked_about"] = "booking:{}".format(
        everyone.city.ask(sa.select(Booking.id).where(Booking.reference == everyone.things["reference"]))
    )
    resident.open_letter("Your request is sent: {time}")
    link = resident.page.locator(".letter a[href*='/unsubscribe/']").get_attribute("href")
    everyone.things["word"] = str(link).rpartition("/")[2]


def with_reports(everyone: Everyone) -> None:
    """Nobody known reports a room; the resident's group is reported and kept; someone is at risk."""
    nobody, moderator = everyone.window("nobody"), everyone.window("moderator")
    room, group = f"space:{everyone.things['space_id']}", f"group:{everyone.things['group_id']}"
    everyone.things["subject"] = room
    for subject, reason in ((group, "Offensive"), (room, "Someone is at risk"), (room, "Wrong or misleading")):
        nobody.go(f"/report/{subject}")
        nobody.page.get_by_role("radio", name=nobody.word(reason), exact=True).check()
        nobody.press("Send the report")
    everyone.things["report"] = nobody.page.url.partition("?")[0].rpartition("/")[2]
    of = lambda subject: everyone.city.ask(sa.select(Case.reference).where(Case.subject == subject))  # noqa: E731
    everyone.things |= {"case": of(room), "judged": of(group), "reason": "spam"}
    moderator.go(f"/moderation/cases/{of(group)}")
    moderator.press("Take this case")
    moderator.page.get_by_role("radio", name=moderator.word("Keep it"), exact=True).check()
    moderator.press("Decide")
    everyone.things["concern"] = everyone.city.ask(sa.select(Concern.reference))
    officer = everyone.city.ask(f"SELECT id FROM people WHERE email = 'moderator@{DOMAIN}'")
    everyone.city.change(sa.insert(RoleGrant).values(person_id=officer, role=Role.SAFEGUARDING))


def with_an_app(everyone: Everyone) -> None:
    """The newcomer has an app for codes, and so recovery codes."""
    newcomer = everyone.window("newcomer")
    newcomer.go("/account/second-factor/app")
    secret = newcomer.page.locator(".civic-token").inner_text().replace(" ", "")
    newcomer.field("Code").fill(pyotp.TOTP(secret).at(clock.now()))
    newcomer.press("Use this app")


def with_a_webhook(everyone: Everyone) -> None:
    """A system of the city is told of bookings."""
    admin = everyone.window("admin")
    admin.go("/staff/webhooks/new")
    admin.field("Which system is it?").fill("현관문")
    admin.field("Address").fill("https://8.8.8.8/doors")
    admin.page.locator("input[name=kinds]").first.check()
    admin.press("Add the webhook")
    everyone.things["endpoint_id"] = everyone.city.ask("SELECT max(id) FROM webhook_endpoints")


def with_things(everyone: Everyone) -> None:
    """Of the resident: a thing to look at, one of another neighbour, loans of every kind, and a thing looked for."""
    resident = everyone.window("resident")
    person = everyone.city.ask(f"SELECT id FROM people WHERE email = 'resident@{DOMAIN}'")
    own, others = Loan.item.has(Item.owner_id == person), Loan.borrower_id == person

    def loan(side: sa.ColumnElement[bool], state: LoanState) -> str:
        return str(everyone.city.ask(sa.select(Loan.reference).where(side, Loan.state == state).order_by(Loan.id)))

    everyone.things |= {
        "item_id": everyone.city.ask(sa.select(Item.id).where(Item.owner_id == person, Item.paused_at.is_(None))),
        "foreign": everyone.city.ask(sa.select(Loan.item_id).where(others, Loan.state == LoanState.REQUESTED)),
        "way": "out",
        "asked": loan(own, LoanState.REQUESTED),
        "to_give": loan(own, LoanState.ACCEPTED),
        "to_take": loan(others, LoanState.ACCEPTED),
        "borrowed": loan(others, LoanState.OUT),
        "back": loan(others, LoanState.RETURNED),
        "broken": loan(own, LoanState.RETURNED),
        **_told(everyone.city, person),
    }
    resident.go(f"/items/loans/{everyone.things['to_give']}/give/out")
    resident.press("Show the code")
    moderator = everyone.window("moderator")
    moderator.go("/items/wanted/new")
    moderator.field("What do you need?").fill("삼 미터 사다리")
    everyone.city.typed.append("삼 미터 사다리")
    moderator.page.locator("#category").select_option("step-ladders")
    moderator.field("From").fill(str(everyone.things["day"]))
    moderator.press("Put it on the board")
    everyone.things["post_id"] = everyone.city.ask(sa.select(sa.func.max(WantedPost.id)))


def _told(city: City, person: int) -> dict[str, Any]:
    """A loan of which both sides wrote, a thing of which a borrower wrote, and a building's word for someone."""
    managers = sa.select(RoleGrant.building_id).join(RoleGrant.person).where(Person.email == f"manager@{DOMAIN}")
    not_replied = sa.and_(Review.borrower_id == person, ~Review.by_borrower, Review.replied_at.is_(None))
    told = sa.select(Loan.reference).join(Review, Review.loan_id == Loan.id)
    of_things = sa.select(Loan.item_id).join(Review, Review.loan_id == Loan.id).join(Loan.item)
    return {
        "told": city.ask(told.where(not_replied, Review.opens_at < clock.now())),
        "well_known": city.ask(
            of_things.where(Review.by_borrower, Review.told_at.is_not(None), Item.paused_at.is_(None))
        ),
        "vouch_id": city.ask(sa.select(Vouch.id).where(Vouch.building_id.in_(managers), Vouch.ended_at.is_(None))),
    }


def with_a_problem(everyone: Everyone) -> None:
    """The resident reports that something came back broken, and asks a mediator."""
    resident = everyone.window("resident")
    resident.go(f"/items/loans/{everyone.things['broken']}/problem/report")
    resident.page.locator("input[name=trouble]").first.check()
    resident.page.locator("textarea[name=words]").fill("손잡이가 부러졌습니다.")
    everyone.city.typed.append("손잡이가 부러졌습니다.")
    resident.press("Report it")
    resident.page.locator("form[action$='/problem/mediator'] button").click()
    everyone.things["problem_id"] = everyone.city.ask(sa.select(sa.func.max(Problem.id)))


def with_a_payment(everyone: Everyone) -> None:
    """Of a loan long over between others, mediators decided that the fund pays."""
    ask, shown = everyone.city.ask, sa.select(Person.id).where(Person.email.endswith(DOMAIN))
    between_others = sa.and_(Loan.borrower_id.not_in(shown), Loan.item.has(Item.owner_id.not_in(shown)))
    loan = ask(sa.select(Loan.id).where(between_others, Loan.state == LoanState.CLOSED).order_by(Loan.id))
    borrower = ask(sa.select(Loan.borrower_id).where(Loan.id == loan))
    owner = ask(sa.select(Item.owner_id).join(Loan, Loan.item_id == Item.id).where(Loan.id == loan))
    mediator = ask(sa.select(RoleGrant.person_id).where(RoleGrant.role == Role.MODERATOR))
    decided = sa.insert(Problem).values(
        loan_id=loan, borrower_id=borrower, owner_id=owner, by_id=owner, by_borrower=False, deposit=0, most=50_000,
        trouble=Trouble.DAMAGED, words="모서리가 깨졌습니다.", state=ProblemState.FINAL, mediator_id=mediator,
        remedy=Remedy.FUND, amount=20_000, reason="낡아서 생긴 일입니다.",
        decided_at=clock.now(), closed_at=clock.now(),
    )  # fmt: skip
    everyone.city.change(decided)
    everyone.city.typed += ["모서리가 깨졌습니다.", "낡아서 생긴 일입니다."]
    everyone.things["by_fund"] = ask(sa.select(sa.func.max(Problem.id)))


def with_a_library(everyone: Everyone) -> None:
    """The manager's library of things has a piece that waits to be repaired, and its stock is being counted."""
    manager, ask = everyone.window("manager"), everyone.city.ask
    library = ask(sa.select(Library.id).where(Library.building_id == everyone.things["building_id"]))
    pieces = sa.select(ItemUnit.code).where(ItemUnit.item.has(Item.library_id == library)).order_by(ItemUnit.id)
    out = sa.select(LoanPiece.unit_id).where(LoanPiece.is_out)
    everyone.things |= {
        "library_id": library,
        "card": ask(sa.select(LibraryMember.card).where(LibraryMember.library_id == library)),
        "taken": ask(pieces.where(ItemUnit.id.in_(out))),
        "piece": ask(pieces.where(ItemUnit.id.not_in(out))),
        "broken_piece": ask(pieces.where(ItemUnit.id.not_in(out)).offset(1)),
    }
    manager.go(f"/libraries/{library}/repairs/{everyone.things['broken_piece']}/new")
    manager.field("What is wrong").fill("스위치가 고장났습니다.")
    everyone.city.typed.append("스위치가 고장났습니다.")
    manager.press("Send it to repair")
    everyone.things["ticket_id"] = ask(sa.select(sa.func.max(RepairTicket.id)))
    manager.go(f"/libraries/{library}/stock")
    manager.press("Start a count")
    everyone.things["take_id"] = ask(sa.select(sa.func.max(StockTake.id)))
    manager.go(f"/libraries/{library}/catalogue")
    table = b"Title,Category\nNo,saws\n"
    manager.page.locator("#file").set_input_files({"name": "things.csv", "mimeType": "text/csv", "buffer": table})
    manager.press("Send the table")
    everyone.things["work_id"] = ask(sa.select(sa.func.max(LongWork.id)))


def with_a_kit(everyone: Everyone) -> None:
    """A kit of the manager's building, and one that the resident booked."""
    of_the_resident = KitBooking.person.has(email=f"resident@{DOMAIN}")
    building = everyone.city.ask(sa.select(Library.building_id).where(Library.id == everyone.things["library_id"]))
    everyone.things |= {
        "kit_id": everyone.city.ask(sa.select(Kit.id).where(Kit.building_id == building)),
        "kit_booking": everyone.city.ask(sa.select(KitBooking.reference).where(of_the_resident)),
        "start": f"{everyone.things['day']}T09:00:00%2B09:00",
    }


def with_home_share(everyone: Everyone) -> None:
    """The resident looks for a room, the newcomer's home is not sent yet; staff of the city coordinate."""
    city, ask = everyone.city, everyone.city.ask
    who = {one: ask(sa.select(Person.id).where(Person.email == f"{one}@{DOMAIN}")) for one in ("resident", "staff")}
    city.change(sa.insert(RoleGrant).values(person_id=who["staff"], role=Role.COORDINATOR))
    city.change(sa.insert(Campus).values(name="강변대학교", name_en="", latitude=37.55, longitude=126.99))
    own = {"person_id": who["resident"], "campus_id": ask(sa.select(sa.func.max(Campus.id)))}
    sent = {"state": ApplicationState.SENT, "sent_at": clock.now(), "answers": {"campus": own["campus_id"]}}
    city.change(sa.insert(Application).values(side=Side.STUDENT, reference="ROOMSEEK", **own, **sent))
    city.change(sa.insert(Application).values(side=Side.HOST, reference="ROOMFREE", person_id=who["resident"]))
    staff, resident = everyone.window("staff"), everyone.window("resident")
    resident.go("/homeshare/applications/ROOMSEEK/references")
    for name, email in (("서도윤", "speaks@example.org"), ("한유나", "other@example.org")):
        resident.field("Their name").fill(name)
        resident.page.locator("input[name=relation]").nth(2).check()
        resident.field("Their e-mail address (optional)").fill(email)
        resident.press("Save")
    city.typed += ["서도윤", "한유나", "조용하고 따뜻한 사람입니다.", "강변대학교"]
    resident.go("/homeshare/applications/ROOMSEEK/supporters")
    for one in ("manager", "newcomer"):
        resident.field("Their e-mail address").fill(f"{one}@{DOMAIN}")
        resident.field("I agree that this person sees how my application stands").check()
        resident.press("Invite")
    staff.go("/homeshare/staff/applications/ROOMSEEK/checks/interview")
    staff.field("Yes").check()
    staff.field("How was it checked?").fill("면담함")
    staff.field("Note (optional)").fill("조용하고 따뜻한 사람입니다.")
    staff.press("Put down")
    city.typed.append("면담함")
    staff.press("Send the letter")
    everyone.things |= {
        "side": "host", "home_free": "ROOMFREE", "search": "ROOMSEEK", "page_of_questions": "guests",
        "kind": "identity", "reference_id": ask(sa.select(sa.func.max(Reference.id))),
        "to_speak": _link(everyone, "speaks@example.org", "A word about {name}"),
        "to_support": _link(everyone, f"manager@{DOMAIN}", "Stand by {name}?"),
    }  # fmt: skip
    newcomer = everyone.window("newcomer")
    newcomer.go(f"/homeshare/support/{_link(everyone, newcomer.email, 'Stand by {name}?')}")
    newcomer.press("Yes, I stand by them")
    everyone.things["supporter_id"] = newcomer.page.url.partition("?")[0].rpartition("/")[2]
    _with_a_run(everyone)


def _with_a_run(everyone: Everyone) -> None:
    """The newcomer offers a room, and nobody fits."""
    city, ask = everyone.city, everyone.city.ask
    own = {"person_id": ask(sa.select(Person.id).where(Person.email == f"newcomer@{DOMAIN}")), "answers": {}}
    open_ = {"state": ApplicationState.OPEN, "sent_at": clock.now(), "waiting_since": clock.now()}
    city.change(sa.insert(Application).values(side=Side.HOST, reference="ROOMMINE", **own, **open_))
    home = ask(sa.select(Application.id).where(Application.reference == "ROOMMINE"))
    asked = {"repair": Repair.LOCK, "amount": 90_000, "most": 1_000_000, "words": "문이 잠기지 않습니다."}
    city.change(sa.insert(Grant).values(home_id=home, host_id=own["person_id"], **asked))
    city.typed.append(str(asked["words"]))
    everyone.things["grant"] = ask(sa.select(Grant.reference).where(Grant.home_id == home))
    staff = everyone.window("staff")
    staff.go("/homeshare/staff/runs")
    staff.press("Make a preview now")
    newest = sa.select(sa.func.max(Run.id))
    deadline = monotonic() + 60
    while ask(newest) is None and monotonic() < deadline:
        sleep(0.2)
    everyone.things |= {"room_offered": "ROOMMINE", "run_id": ask(newest)}
    _with_matches(everyone)


def _with_matches(everyone: Everyone) -> None:
    """A match of the resident's home in each state that a page asks for; its applications have ended."""
    city, ask = everyone.city, everyone.city.ask
    host, student = (
        ask(sa.select(Person.id).where(Person.email == f"{one}@{DOMAIN}")) for one in ("resident", "admin")
    )
    over = {"state": ApplicationState.CLOSED, "sent_at": clock.now(), "closed_at": clock.now(), "answers": {}}
    yes: dict[str, Any] = {"student_answer": Answer.YES, "host_answer": Answer.YES}
    yes |= {"student_answered_at": clock.now(), "host_answered_at": clock.now()}
    lives = {"moved_in_on": clock.today(), "trial_until": clock.today() + timedelta(days=20)}
    lived: tuple[tuple[MatchState, dict[str, Any]], ...] = (
        (MatchState.PROPOSED, {}), (MatchState.MEETING, yes), (MatchState.AGREEING, yes),
        (MatchState.TRIAL, yes | lives),
    )  # fmt: skip
    for state, facts in lived:
        names = [f"{side}{state.value[:4].upper()}" for side in ("H", "S")]
        for name, side, person in zip(names, (Side.HOST, Side.STUDENT), (host, student), strict=True):
            city.change(sa.insert(Application).values(reference=name, side=side, person_id=person, **over))
        home_id, student_id = (ask(sa.select(Application.id).where(Application.reference == name)) for name in names)
        reference = f"M{state.value[:4].upper()}"
        by = clock.now() + timedelta(days=5)
        made = {"reference": reference, "home_id": home_id, "student_id": student_id, "state": state, "answer_by": by}
        city.change(sa.insert(Match).values(**made, **facts))
        everyone.things[f"match_{state.value}"] = reference
    text = text_of(terms_of({}, {}))
    agreeing = ask(sa.select(Match.id).where(Match.reference == everyone.things["match_agreeing"]))
    written = {"match_id": agreeing, "number": 1, "terms": terms_of({}, {}), "text": text, "digest": digest_of(text)}
    city.change(sa.insert(Agreement).values(written))
    trial = ask(sa.select(Match.id).where(Match.reference == everyone.things["match_trial"]))
    city.change(sa.insert(CheckIn).values(match_id=trial, side=Side.HOST, due_on=clock.today()))
    city.change(sa.insert(Outcome).values(match_id=trial, side=Side.HOST))


def _link(everyone: Everyone, email: str, subject: str) -> str:
    """What the link in the letter to this address ends with."""
    reader = everyone.window("nobody")
    reader.email, reader.letters_before = email, 0
    reader.open_letter(subject)
    link = reader.page.locator(".letter a[href*='/homeshare/']").get_attribute("href")
    return str(link).rpartition("/")[2]


OTHER_THING = {
    "/confirm/<link>": "confirm", "/new-password/<link>": "reset", "/spaces/bookings/<reference>/details": "held",
    "/spaces/staff/bookings/<reference>": "request", "/groups/join/<link>": "invitation",
    "/conversations/about/<subject>": "talked_about", "/report/sent/<reference>": "report",
    "/moderation/decisions/<reference>": "judged", "/moderation/cases/<reference>": "case",
    "/moderation/safeguarding/<reference>": "concern", "/moderation/together": "case",
    "/items/<int:item_id>": "foreign", "/items/<int:item_id>/borrow": "foreign", "/items/<int:item_id>/wait": "foreign",
    "/items/loans/<reference>": "borrowed", "/items/loans/<reference>/answer": "asked",
    "/items/loans/<reference>/cancel": "to_take", "/items/loans/<reference>/longer": "borrowed",
    "/items/loans/<reference>/code/<way> reference": "to_give",
    "/items/loans/<reference>/give/<way> reference": "to_give",
    "/items/loans/<reference>/take/<way> reference": "to_take",
    "/items/problems/<int:problem_id>/fund": "by_fund",
    "/items/loans/<reference>/problem": "broken", "/items/loans/<reference>/problem/report": "back",
    "/items/loans/<reference>/review": "back", "/items/loans/<reference>/review/reply": "told",
    "/items/<int:item_id>/reviews": "well_known",
    "/kits/bookings/<reference>": "kit_booking", "/kits/bookings/<reference>/cancel": "kit_booking",
    **dict.fromkeys(
        (
            "/homeshare/applications/<reference>", "/homeshare/applications/<reference>/close",
            "/homeshare/applications/<reference>/references", "/homeshare/applications/<reference>/supporters",
            "/homeshare/staff/applications/<reference>", "/homeshare/staff/applications/<reference>/notes",
            "/homeshare/staff/applications/<reference>/appointments",
            "/homeshare/staff/applications/<reference>/checks/<kind> reference",
        ),
        "search",
    ),
    **dict.fromkeys(
        (
            "/homeshare/applications/<reference>/pictures", "/homeshare/applications/<reference>/send",
            "/homeshare/applications/<reference>/questions/<name> reference",
        ),
        "home_free",
    ),
    "/homeshare/mine/<reference>/why": "room_offered",
    "/homeshare/matches/<reference>": "match_proposed", "/homeshare/staff/matches/<reference>": "match_trial",
    **dict.fromkeys(
        ("/homeshare/matches/<reference>/agreement", "/homeshare/staff/matches/<reference>/agreement"), "match_agreeing"
    ),
    "/homeshare/matches/<reference>/end": "match_meeting",
    **dict.fromkeys(
        (f"/homeshare/matches/<reference>/{page}" for page in ("check-in", "help", "outcome")), "match_trial"
    ),
    "/homeshare/applications/<reference>/questions/<name> name": "page_of_questions",
    "/homeshare/references/<link>": "to_speak", "/homeshare/support/<link>": "to_support",
    "/homeshare/audit/<reference>": "room_offered", "/homeshare/grants/<reference>": "grant",
    "/things/<code>": "piece", "/libraries/<int:library_id>/repairs/<code>/new code": "piece",
}  # fmt: skip
SEEN_BY = {
    "public": "nobody",
    "residents": "resident",
    "staff: manager": "manager",
    "staff: manager, administrator": "manager",
    "staff: administrator": "admin",
    "staff: manager, staff, moderator, safeguarding, coordinator, administrator": "manager",
    "staff: coordinator": "staff",
    "staff: moderator": "moderator",
    "staff: moderator, administrator": "moderator",
    "staff: safeguarding": "moderator",
    "staff: staff, administrator": "staff",
}
SEEN_BY_OTHERS = {
    **dict.fromkeys(
        (
            "/homeshare/mine/<reference>/why", "/homeshare/audit/<reference>", "/homeshare/grants",
            "/homeshare/grants/<reference>", "/homeshare/grants/new",
        ),
        "newcomer",
    ),
    "/homeshare/support/<link>": "manager", "/homeshare/supporting/<int:supporter_id>": "newcomer",
    "/homeshare/apply/<side>": "manager",
    "/groups/join/<link>": "staff", "/groups/<int:group_id>/join": "moderator",
    "/account/second-factor/codes": "newcomer",
}  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "path"), [page for page in PAGES if page[1] not in NO_PAGES] + WITH_QUESTIONS, ids=lambda text: text
)
def test_the_page_has_no_fault(everyone, mark, path):
    kind = path.partition("?")[0]
    runs_a_library = mark == "residents" and kind.startswith("/libraries/")
    visitor = everyone.window(SEEN_BY_OTHERS.get(kind, "manager" if runs_a_library else SEEN_BY[mark]))
    other = lambda name: OTHER_THING.get(f"{kind} {name}") or OTHER_THING.get(kind, name)  # noqa: E731
    thing = lambda argument: str(everyone.things[other(argument[1])])  # noqa: E731
    address = re.sub(r"<(?:\w+:)?(\w+)>", thing, path)
    for language in ("en", "ko"):
        visitor.language = language
        visitor.page.set_viewport_size({"width": 1280, "height": 900})
        visitor.go(f"{address}{'&' if '?' in address else '?'}language={language}")
        visitor.page.set_viewport_size({"width": 320, "height": 640})
        visitor.look()
