"""Libraries of things: which there are, their members, their things piece by piece."""

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.groups.models import Group, GroupMember
from marketplace.civic.groups.queries import officer_group_ids
from marketplace.civic.places.models import Building
from marketplace.kernel import clock, db, search
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.items.models.libraries import LibraryMember, RepairNote, RepairTicket, StockTake
from marketplace.sharing.items.models.listing import Item, ItemUnit, Library, UnitState
from marketplace.sharing.items.queries.listings import SEARCH_KIND

# --- libraries ---


def whole(query: sa.Select[Library]) -> sa.Select[Library]:
    """Libraries with everything that pages and rules ask of them."""
    return query.options(
        joinedload(Library.building).options(joinedload(Building.district), joinedload(Building.location)),
        joinedload(Library.group).selectinload(Group.officers).joinedload(GroupMember.person),
        selectinload(Library.hours),
    )


def get_library(library_id: int) -> Library:
    """A library with its building, hours and group. Raises NotFound."""
    library = db.session.scalar(whole(sa.select(Library).where(Library.id == library_id)))
    if library is None:
        raise NotFound
    return library


def by_id(ids: Collection[int]) -> dict[int, Library]:
    """These libraries by id."""
    return {library.id: library for library in db.session.scalars(whole(sa.select(Library).where(Library.id.in_(ids))))}


def libraries() -> sa.Select[Library]:
    """The libraries that lend, by name."""
    return whole(sa.select(Library).where(Library.open).order_by(Library.name, Library.id))


def libraries_in(building: Building) -> list[Library]:
    """The libraries that lend in a building, by name."""
    return list(db.session.scalars(libraries().where(Library.building_id == building.id)))


def run_by(person: Person) -> list[Library]:
    """The libraries that a person runs, by name."""
    query = whole(sa.select(Library).order_by(Library.name, Library.id))
    if not person.is_a(Role.ADMINISTRATOR):
        runs = Library.building_id.in_(person.building_ids), Library.group_id.in_(officer_group_ids(person))
        query = query.where(sa.or_(*runs))
    return list(db.session.scalars(query))


def counts(of: Collection[Library]) -> dict[int, int]:
    """How many things each of these libraries offers."""
    offered = sa.select(Item.library_id, sa.func.count()).where(Item.offered).group_by(Item.library_id)
    rows = db.session.execute(offered.where(Item.library_id.in_([library.id for library in of])))
    return {library_id: many for library_id, many in rows if library_id is not None}


# --- things, piece by piece ---


def items_of(library: Library, words: str = "") -> sa.Select[Item]:
    """A library's things with their pieces and accessories, by title; those withdrawn are left out.

    words   found in what they say, or the code of a piece
    """
    own = sa.select(Item).where(Item.library_id == library.id, Item.withdrawn_at.is_(None))
    if words.strip():
        by_label = sa.select(ItemUnit.item_id).where(ItemUnit.code == one_spelling(words))
        own = own.where(sa.or_(Item.id.in_(search.matching(SEARCH_KIND, words)), Item.id.in_(by_label)))
    return own.options(selectinload(Item.units), selectinload(Item.accessories)).order_by(Item.title, Item.id)


def offered_by(library: Library) -> sa.Select[Item]:
    """The things of a library that residents may find, by title."""
    return items_of(library).where(Item.offered)


def unit_by_code(code: str) -> ItemUnit | None:
    """The piece of a label, with its item and library, whoever typed the code in whatever case."""
    own = sa.select(ItemUnit).where(ItemUnit.code == one_spelling(code))
    library = joinedload(ItemUnit.item).joinedload(Item.library)
    return db.session.scalar(
        own.options(
            joinedload(ItemUnit.item).selectinload(Item.accessories),
            library.joinedload(Library.building),
            library.joinedload(Library.group).selectinload(Group.officers).joinedload(GroupMember.person),
        )
    )


def one_spelling(code: str) -> str:
    """A code as it is kept: in capitals, without the spaces that hands add and the address that scanners read."""
    return "".join(code.split()).rpartition("/")[2].upper()


def pieces(library: Library) -> sa.Select[ItemUnit]:
    """The pieces of a library that are not gone for good, by title and number, each with its item."""
    own = sa.select(ItemUnit).join(Item).where(Item.library_id == library.id, Item.withdrawn_at.is_(None))
    there = own.where(ItemUnit.state != UnitState.GONE).options(joinedload(ItemUnit.item))
    return there.order_by(Item.title, Item.id, ItemUnit.number)


def labels(library: Library, item_id: int | None = None, since: date | None = None) -> sa.Select[Any, str]:
    """(code, title) of the pieces that can have a label: of one thing, or of those listed from a day on."""
    own = sa.select(ItemUnit.code, Item.title).join(Item).where(Item.library_id == library.id)
    there = own.where(ItemUnit.code.is_not(None), Item.withdrawn_at.is_(None), ItemUnit.state != UnitState.GONE)
    if item_id is not None:
        there = there.where(Item.id == item_id)
    if since is not None:
        there = there.where(Item.listed_at >= clock.at(since, 0))
    return there.order_by(Item.title, Item.id, ItemUnit.number)


# --- repairs ---


def _whole_tickets(query: sa.Select[RepairTicket]) -> sa.Select[RepairTicket]:
    library = joinedload(RepairTicket.unit).joinedload(ItemUnit.item).joinedload(Item.library)
    return query.options(
        library.joinedload(Library.building),
        library.joinedload(Library.group).selectinload(Group.officers).joinedload(GroupMember.person),
    )


def tickets(library: Library, *, waiting: bool = True) -> sa.Select[RepairTicket]:
    """A library's repairs that wait, the oldest first; or those closed, the latest first."""
    own = sa.select(RepairTicket).join(RepairTicket.unit).join(ItemUnit.item).where(Item.library_id == library.id)
    if waiting:
        return _whole_tickets(own.where(RepairTicket.closed_at.is_(None)).order_by(RepairTicket.id))
    return _whole_tickets(own.where(RepairTicket.closed_at.is_not(None)).order_by(RepairTicket.closed_at.desc()))


def open_ticket(unit: ItemUnit) -> RepairTicket | None:
    """The repair in which a piece is."""
    return db.session.scalar(
        sa.select(RepairTicket).where(RepairTicket.unit_id == unit.id, RepairTicket.closed_at.is_(None))
    )


def get_ticket(ticket_id: int) -> RepairTicket:
    """A repair with its piece, library and notes. Raises NotFound."""
    own = _whole_tickets(sa.select(RepairTicket).where(RepairTicket.id == ticket_id))
    ticket = db.session.scalar(own.options(selectinload(RepairTicket.notes).joinedload(RepairNote.by)))
    if ticket is None:
        raise NotFound
    return ticket


# --- members ---


def _current() -> tuple[sa.ColumnElement[bool], ...]:
    today = clock.today()
    return LibraryMember.ended_at.is_(None), sa.or_(LibraryMember.until.is_(None), LibraryMember.until >= today)


def members_of(library: Library, *, current: bool = True) -> sa.Select[LibraryMember]:
    """A library's members, by name; or those whose membership is over, the latest first."""
    own = sa.select(LibraryMember).join(LibraryMember.person).where(LibraryMember.library_id == library.id)
    own = own.options(joinedload(LibraryMember.person))
    if current:
        return own.where(*_current()).order_by(Person.name, LibraryMember.id)
    return own.where(sa.not_(sa.and_(*_current()))).order_by(LibraryMember.id.desc())


def member_by_card(library: Library, card: str) -> LibraryMember | None:
    """The member who shows this card."""
    own = sa.select(LibraryMember).where(LibraryMember.library_id == library.id, *_current())
    return db.session.scalar(
        own.where(LibraryMember.card == one_spelling(card)).options(joinedload(LibraryMember.person))
    )


def get_member(member_id: int) -> LibraryMember:
    """A membership with its person and library. Raises NotFound."""
    own = sa.select(LibraryMember).where(LibraryMember.id == member_id)
    found = db.session.scalar(own.options(joinedload(LibraryMember.person), joinedload(LibraryMember.library)))
    if found is None:
        raise NotFound
    return found


# --- what is held about people ---


def own_data(person: Person) -> list[Extract]:
    """A person's memberships; and what they did where they run a library."""
    where = Library.name.label("library")
    joined = sa.select(where, LibraryMember.card, LibraryMember.since, LibraryMember.until, LibraryMember.ended_at)
    wrong = sa.select(RepairTicket.problem, RepairTicket.opened_at, RepairTicket.closed_at, RepairTicket.outcome)
    noted = sa.select(RepairNote.at, RepairNote.text)
    counted = sa.select(where, StockTake.started_at, StockTake.finished_at)
    return [
        extract(
            "library_members",
            _l("Libraries of things that you joined"),
            joined.join(Library).where(LibraryMember.person_id == person.id),
        ),
        extract("repairs", _l("Repairs you asked for"), wrong.where(RepairTicket.opened_by_id == person.id)),
        extract("repair_notes", _l("Notes you made on repairs"), noted.where(RepairNote.by_id == person.id)),
        extract(
            "stock_takes", _l("Counts you started"), counted.join(Library).where(StockTake.started_by_id == person.id)
        ),
    ]
