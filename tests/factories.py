"""Builders of what a test needs and nothing more; each section belongs to one feature."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any, Unpack

import shapely
from PIL import Image

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Method, Person, PersonSession, Role, RoleGrant
from marketplace.civic.conversations import service as conversations
from marketplace.civic.conversations.models import Message
from marketplace.civic.credits import service as time_credits
from marketplace.civic.credits.models import CITY, TIME, Why
from marketplace.civic.credits.models import Kind as Account
from marketplace.civic.departments.models import Department
from marketplace.civic.factors.models import Passkey
from marketplace.civic.groups import queries as group_queries
from marketplace.civic.groups.models import Group, GroupMember, Sort
from marketplace.civic.groups.models import Role as GroupRole
from marketplace.civic.groups.service import groups
from marketplace.civic.moderation.models import Act, Case, CaseState, Concern, Decision, Reason, Report
from marketplace.civic.moderation.service import reports, safeguarding
from marketplace.civic.places import queries as place_queries
from marketplace.civic.places import service as places
from marketplace.civic.places.models import Building, District
from marketplace.civic.privacy.models import DataExport
from marketplace.civic.privacy.service import exports
from marketplace.civic.uploads import service as uploads
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.service import making
from marketplace.kernel import cells, clock, credentials, db, geo, ledger, occupancy, search, storage, things, vault
from marketplace.kernel.intervals import Interval
from marketplace.kernel.references import new_reference
from marketplace.portal.kits.models import Kit, KitPart
from marketplace.portal.kits.queries import kits as kit_queries
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES, Check, CheckKind, needed
from marketplace.sharing.homeshare.models.matches import GOING_ON, TOGETHER, Answer, Match, MatchState
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.listing import (
    Accessory,
    Condition,
    Item,
    ItemUnit,
    Library,
    LibraryHours,
    PickUpPlace,
)
from marketplace.sharing.items.models.wanted import WantedPost
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import loans, wanted
from marketplace.sharing.spaces.models import (
    Booking,
    Feature,
    Kind,
    Space,
    SpaceClosedDay,
    SpaceFeature,
    SpaceHours,
)
from marketplace.sharing.spaces.queries import bookings as booking_queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.service import bookings

if TYPE_CHECKING:
    from tests.conftest import Browser

_numbers = count(1)

# --- places ---


def district(
    name_en: str = "Riverside", name_ko: str = "강변구", *, west: float = 127.0, south: float = 37.5, side: float = 0.1
) -> District:
    """A square district of so many degrees, about 9 km wide and 11 km high unless told otherwise."""
    code = f"D{next(_numbers)}"
    area = shapely.MultiPolygon([shapely.box(west, south, west + side, south + side)])
    places.import_districts([geo.Feature(area, {"code": code, "name_en": name_en, "name_ko": name_ko})])
    made = place_queries.district_by_code(code)
    assert made is not None
    return made


def building(
    name: str = "Riverside Library", *, point: geo.Point | None = None, **facts: Unpack[places.Facts]
) -> Building:
    """A public building, by default nowhere on the map."""
    return places.save_building(f"B{next(_numbers)}", name, point=point, **facts)


# --- departments and people ---

PASSWORD = "seven quiet herons"
_CHEAP_HASH = "$argon2id$v=19$m=8,t=1,p=1$Qlx9tfEBhmQBdIhs63785g$3vSRDyo1QzpcMofRpK6hafSk6/yAqDhVEg9NIVeEVxE"
"""Of PASSWORD, quick to check."""


def department(code: str | None = None, name_en: str = "Culture", name_ko: str = "문화과") -> Department:
    """A department of the city."""
    made = Department(code=code or f"DEP{next(_numbers)}", name_en=name_en, name_ko=name_ko)
    db.session.add(made)
    db.session.commit()
    return made


def person(
    name: str = "Jiwoo Park",
    email: str | None = None,
    *,
    roles: list[Role | tuple[Role, Building | Department]] | None = None,
    confirmed: bool = True,
    language: str = "en",
) -> Person:
    """Someone with an account and the password PASSWORD; roles of a place are pairs such as (Role.MANAGER, library)."""
    made = Person(
        name=name,
        email=email or f"person{next(_numbers)}@example.org",
        password_hash=_CHEAP_HASH,
        language=language,
        confirmed_at=clock.now() if confirmed else None,
        grants=[_grant(*role) if isinstance(role, tuple) else RoleGrant(role=role) for role in roles or []],
    )
    db.session.add(made)
    db.session.commit()
    return made


def _grant(role: Role, place: Building | Department) -> RoleGrant:
    if isinstance(place, Building):
        return RoleGrant(role=role, building_id=place.id)
    return RoleGrant(role=role, department_id=place.id)


def passkey(person: Person, name: str = "Phone") -> Passkey:
    """A passkey registered by a person; no device answers for it."""
    made = Passkey(
        person_id=person.id, name=name, credential_id=f"key{next(_numbers)}", public_key=b"", handle="", sign_count=0
    )
    db.session.add(made)
    db.session.commit()
    return made


def sign_in(browser: "Browser", person: Person, device: str = "Firefox, Linux") -> "Browser":
    """Have the browser recognised as this person, without the form."""
    token = credentials.new_token()
    db.session.add(PersonSession(token_hash=credentials.digest(token), person_id=person.id, device=device))
    db.session.commit()
    with browser.session_transaction() as session:
        session["_user_id"] = token
        session.permanent = True
    return browser


def bearer(person: Person) -> dict[str, str]:
    """The header by which a program acts for this person."""
    return {"Authorization": f"Bearer {accounts.create_api_token(person, 'Test', None)}"}


# --- groups ---


def group(
    name: str = "Riverside Reading Club", *, by: Person | None = None, members: Iterable[Person] = (), **says: Any
) -> Group:
    """A club that someone founded and speaks for, with its other members."""
    made = groups.found(by or person("The founder"), name, says.pop("sort", Sort.CLUB), **says)
    db.session.add_all([GroupMember(group_id=made.id, person_id=one.id) for one in members])
    db.session.commit()
    return group_queries.get_group(made.id)


def officer(of: Group, name: str = "An officer") -> Person:
    """Another officer of a group."""
    made = person(name)
    db.session.add(GroupMember(group_id=of.id, person_id=made.id, role=GroupRole.OFFICER))
    db.session.commit()
    group_queries.get_group(of.id, lock=True)  # read anew: the record that a test holds knows its officers
    return made


# --- spaces ---

ALWAYS_NINE_TO_TEN = {weekday: [(9, 22)] for weekday in range(8)}
"""Open from 09:00 to 22:00 every day, holidays too; 7 stands for holidays."""


def space(
    name: str = "Reading room",
    *,
    building: Building | None = None,
    hours: Mapping[int, Iterable[tuple[float, float]]] = ALWAYS_NINE_TO_TEN,
    closed_days: Iterable[tuple[int, int]] = (),
    features: Iterable[Feature] = (),
    part_of: Space | None = None,
    kind: Kind = Kind.MEETING,
    capacity: int | None = 20,
    **rules: Any,
) -> Space:
    """A room: hours as (opens, closes) of each weekday, closed on each (weekday, nth), a hall's half by `part_of`."""
    whole = db.session.get_one(occupancy.Resource, part_of.resource_id) if part_of else None
    made = Space(
        name=name,
        building=building or (part_of.building if part_of else _building()),
        resource_id=occupancy.add_resource(whole).id,
        part_of=part_of,
        kind=kind,
        capacity=capacity,
        hours=[
            SpaceHours(weekday=weekday, opens=round(opens * 60), closes=round(closes * 60))
            for weekday, spans in hours.items()
            for opens, closes in spans
        ],
        closed_days=[SpaceClosedDay(weekday=weekday, nth=nth) for weekday, nth in closed_days],
        features=[SpaceFeature(feature=feature) for feature in features],
        **rules,
    )
    db.session.add(made)
    db.session.flush()
    search.index(rooms.SEARCH_KIND, made.id, rooms.words_of(made))
    return rooms.get_space(made.id)


_building = building  # the name means a parameter above


def march(day: int, start: float, end: float) -> Interval:
    """A time of a day in March 2027, from one hour to another on the city's clocks."""
    return Interval(*(clock.at(date(2027, 3, 1) + timedelta(days=day - 1), round(hour * 60)) for hour in (start, end)))


def booking(
    room: Space, time: Interval, *, by: Person | None = None, people: int = 5, purpose: str = "A reading circle"
) -> Booking:
    """A room booked by a resident, or asked for where the building answers."""
    resident = by or person()
    held = bookings.hold(resident, room, time)
    bookings.send(resident, held, people=people, purpose=purpose, rules_accepted=True)
    return booking_queries.get_booking(held.reference)


# --- conversations ---


def said(by: Person, subject: str, text: str = "Hello!", *, sure: bool = False) -> Message:
    """A message about a thing; the first one begins the conversation."""
    return conversations.say(by, conversations.about(by, subject), text, sure=sure)


# --- files ---


def upload(by: Person | None = None, name: str = "river.jpg", subject: str | None = None) -> Upload:
    """A small picture someone added, ready to be shown, perhaps attached to something."""
    sent = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(sent, "JPEG")
    owner = by or person()
    made = uploads.receive(owner, sent, name)
    making.prepare(made.id)
    db.session.refresh(made)
    if subject:
        uploads.attach(owner, [made.id], subject)
    return made


# --- privacy ---


def copy_of_data(owner: Person) -> DataExport:
    """A copy of a person's data, ready to be fetched."""
    made = exports.ask(owner)
    storage.store().put(exports.file_of(made.key), BytesIO(b"PK"))
    assert exports.made(made.id, made.key, 2)
    return made


# --- moderation ---


def report(subject: str, by: Person, reason: Reason = Reason.WRONG) -> Report:
    """Something reported by someone who sees it."""
    return reports.report(by, things.seen(by, subject), reason, "Please look at this.")


def concern(subject: str, by: Person | None = None) -> Concern:
    """Something that safeguarding officers are told about a thing that everyone sees."""
    return safeguarding.raise_concern(by, things.seen(by, subject), Reason.AT_RISK, "Someone sleeps there.")


def judged_case(moderator: Person, author: Person, subject: str = "message:0") -> Case:
    """A case of something gone meanwhile that the author wrote: hidden, and the author was told."""
    case = Case(
        subject=subject, title="Cheap bicycles", said="Cheap bicycles for sale", author_id=author.id,
        reason=Reason.SPAM, harm=0, due_at=clock.now(), state=CaseState.SETTLED, settled_at=clock.now(),
    )  # fmt: skip
    db.session.add(case)
    db.session.flush()
    db.session.add(Decision(case_id=case.id, act=Act.HIDE, reason=Reason.SPAM, by_id=moderator.id))
    db.session.flush()
    return case


# --- time credits ---


def with_credits(owner: Person, amount: int) -> Person:
    """The same person, who has so many minutes of time credit more."""
    issue = ledger.open_account(CITY, Account.ISSUE, TIME, floor=None)
    about = f"person:{owner.id}"
    key = f"made {next(_numbers)}"
    ledger.move(issue, time_credits.wallet(owner), amount, why=Why.GRANTED, subject=about, key=key, by=None)
    return owner


# --- things that are lent ---

NEAR_THE_RIVER = geo.Point(37.55, 127.05)


def neighbour(name: str = "Sunhee Kim", *, district: District | None = None, **facts: Any) -> Person:
    """A verified resident, perhaps of a district."""
    made = person(name, **facts)
    made.verified_at, made.verified_method = clock.now(), Method.COUNTER
    made.district_id = district.id if district else None
    db.session.commit()
    return made


def pick_up_place(owner: Person, point: geo.Point = NEAR_THE_RIVER, address: str = "12 River Road, door 4") -> None:
    """Where a neighbour hands things over."""
    locked = vault.lock(address, f"pick_up_places:{owner.id}")
    cell = cells.cell_of(point)
    district_id = place_queries.district_at(cells.centre(cell))
    place = PickUpPlace(person_id=owner.id, cell=cell, district_id=district_id, address=locked)
    db.session.merge(place)
    db.session.commit()


def place_of(owner: Person) -> PickUpPlace:
    """The place where a neighbour hands things over, as it is now."""
    found = listings.place_of(owner)
    assert found is not None
    return found


def library(at: Building | None = None, *, name: str = "Riverside tool library", **facts: Any) -> Library:
    """A library of things in a public building, open every day from 9 to 18."""
    made = Library(name=name, building_id=(at or building(point=NEAR_THE_RIVER)).id, **facts)
    made.hours = [LibraryHours(weekday=weekday, opens=9 * 60, closes=18 * 60) for weekday in range(8)]
    db.session.add(made)
    db.session.commit()
    return made


def item(
    title: str = "Cordless drill",
    owner: Person | None = None,
    *,
    of: Library | None = None,
    units: int = 1,
    parts: Mapping[str, int] | None = None,
    point: geo.Point = NEAR_THE_RIVER,
    category: str = "drills",
    **facts: Any,
) -> Item:
    """A thing of a neighbour, or of a library, in so many identical pieces and with these accessories."""
    if of is None and owner is None:
        owner = neighbour("Minsu Lee")
    made = Item(
        title=title, owner_id=owner.id if owner and of is None else None, library_id=of.id if of else None,
        category=category, **{"condition": Condition.GOOD, "cell": cells.cell_of(point), **facts},
    )  # fmt: skip
    made.district_id = made.district_id or place_queries.district_at(point)
    db.session.add(made)
    db.session.flush()
    for number in range(1, units + 1):
        code = new_reference() if of else None
        db.session.add(ItemUnit(item_id=made.id, resource_id=occupancy.add_resource().id, number=number, code=code))
    for position, (name, many) in enumerate((parts or {}).items(), 1):
        db.session.add(Accessory(item_id=made.id, position=position, name=name, count=many))
    words = f"{made.title} {made.description} {categories.words_of(made.category)}"
    search.index("item", made.id, words)
    db.session.commit()
    return made


def loan(of: Item, first: int, last: int, *, by: Person | None = None, **facts: Any) -> Loan:
    """A thing asked for from one day of March 2027 to another; agreed at once where the rules say so."""
    thing = listings.get_item(of.id)
    start, end = (date(2027, 3, day) for day in (first, last))
    made = loans.request(by or neighbour(), thing, start, end, **facts)
    db.session.commit()
    return made


def wants(
    by: Person,
    title: str = "A ladder",
    point: geo.Point = NEAR_THE_RIVER,
    *,
    category: str = "step-ladders",
    first: date = date(2027, 3, 6),
    last: date | None = None,
    **facts: Any,
) -> WantedPost:
    """A thing that a neighbour looks for, on the first Saturday of March 2027 if nothing is said."""
    made = wanted.post(by, point, title=title, category=category, first=first, last=last or first, **facts)
    db.session.commit()
    return made


# --- kits ---


def kit(
    *rooms: Space,
    things: Mapping[Item, int] | None = None,
    name: str = "Party set",
    published: bool = True,
    **facts: Any,
) -> Kit:
    """Rooms of a building and things of a library in it that are offered together."""
    parts = [KitPart(space_id=room.id) for room in rooms]
    parts += [KitPart(item_id=thing.id, quantity=quantity) for thing, quantity in (things or {}).items()]
    made = Kit(building_id=rooms[0].building_id, name=name, published=published, parts=parts, **facts)
    db.session.add(made)
    db.session.commit()
    return kit_queries.get_kit(made.id)


def party(*, chairs: int = 30, by_request: bool = False, name: str = "Party set") -> Kit:
    """A hall, a projector and thirty chairs of a library in the same building, offered together."""
    house = building("Riverside House", point=NEAR_THE_RIVER)
    shelf = library(house)
    hall = space("Hall", building=house, by_request=by_request, capacity=50, name_en="Hall")
    projector, chair = item("Projector", of=shelf), item("Chair", of=shelf, units=chairs)
    return kit(hall, things={projector: 1, chair: chairs}, name=name)


# --- home share ---


def campus(name: str = "Riverside University", *, point: geo.Point = NEAR_THE_RIVER) -> Campus:
    """A place of study."""
    made = Campus(name=f"{name} {next(_numbers)}", latitude=point.latitude, longitude=point.longitude)
    db.session.add(made)
    db.session.commit()
    return made


STUDENT_ANSWERS: dict[str, Any] = {
    "adult": True, "wanted_from": "2027-03-01", "wanted_until": "2028-02-28", "least_stay": 180, "budget": 280_000,
    "hours": 8, "tasks": ["company", "meals", "shopping", "cleaning", "phone_and_computer", "errands"],
    "liked_tasks": ["company"], "evenings": 4, "smokes": False, "pets": [], "avoids": [], "step_free": False,
    "longest_way": 8_000, "enrolled_until": "2028-02-28", "guests": "monthly", "least_guests": "never",
    "most_guests": "weekly", "quiet": "after_eleven", "least_quiet": "any_time", "most_quiet": "after_nine",
    "languages": ["ko", "en"],
}  # fmt: skip
HOST_ANSWERS: dict[str, Any] = {
    "eligible": True, "free_from": "2027-03-01", "least_stay": 180, "rent": 250_000, "deposit": 0, "hours": 5,
    "tasks": ["company", "shopping"], "welcome_tasks": ["garden"], "evenings": 3, "smoking": False, "pets": [],
    "allergens": [], "steps": 0, "lift": False, "guests": "monthly", "least_guests": "never", "most_guests": "weekly",
    "quiet": "after_eleven", "least_quiet": "any_time", "most_quiet": "after_nine", "languages": ["ko"],
}  # fmt: skip


def student(
    by: Person | None = None, *, at: Campus | None = None, checked: bool = True, people: int = 1, **answers: Any
) -> Application:
    """A student who takes part, with everything answered and checked unless told otherwise."""
    at = at or campus()
    given = STUDENT_ANSWERS | {"campus": at.id, "people": people} | answers
    return _applied(Side.STUDENT, by or neighbour("Minjun Lee"), given, checked, people=people, campus_id=at.id)


def home(
    by: Person | None = None, *, near: geo.Point = NEAR_THE_RIVER, checked: bool = True, rooms: int = 1, **answers: Any
) -> Application:
    """An older resident with a room to spare who takes part, everything answered and checked unless told otherwise."""
    cell = cells.cell_of(near)
    district_id = place_queries.district_at(cells.centre(cell))
    given = HOST_ANSWERS | {"rooms": rooms} | answers
    host = by or neighbour("Boksoon Han")
    return _applied(Side.HOST, host, given, checked, rooms=rooms, cell=cell, district_id=district_id)


def _applied(side: Side, by: Person, answers: dict[str, Any], checked: bool, **facts: Any) -> Application:
    now = clock.now()
    state = ApplicationState.OPEN if checked else ApplicationState.SENT
    waiting_since = now if checked else None
    made = Application(
        side=side, person_id=by.id, answers=answers, state=state, sent_at=now, waiting_since=waiting_since, **facts
    )
    db.session.add(made)
    db.session.flush()
    for kind in needed(side) if checked else ():
        for of_second in (False, True)[: made.people]:
            for _turn in range(REFERENCES if kind is CheckKind.REFERENCE else 1):
                check(made, kind, of_second=of_second)
    db.session.commit()
    return made


def check(of: Application, kind: CheckKind, *, passed: bool = True, until: date | None = None, **facts: Any) -> Check:
    """That something was made sure of today, holding for two years unless told otherwise."""
    today = clock.today()
    last = (until or today + timedelta(days=730)) if passed else None
    facts.setdefault("by_id", of.person_id)
    made = Check(application_id=of.id, kind=kind, passed=passed, checked_on=today, good_until=last, **facts)
    db.session.add(made)
    db.session.flush()
    return made


def coordinator(name: str = "Cora Coordinator") -> Person:
    """Someone who looks after home share."""
    return person(name, roles=[Role.COORDINATOR])


def match(student: Application, home: Application, *, state: MatchState = MatchState.PROPOSED, **facts: Any) -> Match:
    """Two who were proposed to each other, or have come further."""
    now, today = clock.now(), clock.today()
    if state is not MatchState.PROPOSED:
        yes = {"student_answer": Answer.YES, "host_answer": Answer.YES}
        facts = yes | {"student_answered_at": now, "host_answered_at": now} | facts
    if state in TOGETHER:
        facts = {"moved_in_on": today, "trial_until": today + timedelta(days=30)} | facts
    facts.setdefault("answer_by", now + timedelta(days=5))
    facts.setdefault("ended_at", None if state in GOING_ON else now)
    made = Match(student_id=student.id, home_id=home.id, people=student.people, state=state, **facts)
    db.session.add(made)
    db.session.commit()
    return made
