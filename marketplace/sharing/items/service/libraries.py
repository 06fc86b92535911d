"""Opening and running a library of things, and who belongs to it."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.queries import found as groups_found
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.civic.notifications import service as notifications
from marketplace.civic.places import queries as places
from marketplace.civic.places.models import Building
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.references import new_reference
from marketplace.kernel.things import subject
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.libraries import LibraryMember, StockTake
from marketplace.sharing.items.models.listing import Library, LibraryHours
from marketplace.sharing.items.queries import libraries as queries

Span = tuple[int, int, int]
"""A weekday (7: holidays), and the minutes past midnight between which the counter is open."""

MEMBERS_KEPT = timedelta(days=365)
"""How long after its end a membership may still be asked about."""

COUNTS_KEPT = timedelta(days=2 * 365)
AT_ONCE = 1000


# --- the library ---


def found(admin: Person, building: str, group: str = "", *, hours: Iterable[Span], **says: Any) -> Library:
    """Open a library in the building of this name, perhaps helped by a group. Raises NoSuchBuilding, NoSuchGroup."""
    permit(policy.may_found, admin)
    library = Library(building_id=_building(building).id, **says)
    library.group_id = _group(group)
    library.hours = [LibraryHours(weekday=weekday, opens=opens, closes=closes) for weekday, opens, closes in hours]
    db.session.add(library)
    db.session.flush()
    audit.record(admin.id, "items.library_opened", subject("library", library.id))
    return queries.get_library(library.id)


def change(
    person: Person, library: Library, group: str | None = None, *, version: int, hours: Iterable[Span], **says: Any
) -> Library:
    """Change what a library says of itself and when it is open; an administrator also, which group helps.

    Raises LibraryChanged if someone else saved it since it was shown, even this instant.
    """
    permit(policy.may_set_up, person, library)
    if library.version != version:
        raise errors.LibraryChanged
    before = {(one.weekday, one.opens, one.closes) for one in library.hours}
    now = set(hours)
    changed = [name for name, value in says.items() if getattr(library, name) != value]
    for name in changed:
        setattr(library, name, says[name])
    if group is not None and policy.may_found(person) and library.group_id != (group_id := _group(group)):
        library.group_id = group_id
        changed.append("group")
    if before != now:
        library.hours = [LibraryHours(weekday=day, opens=opens, closes=closes) for day, opens, closes in sorted(now)]
        flag_modified(library, "name")  # the hours are the library's: its version counts them too
        changed.append("hours")
    try:
        db.session.flush()
    except StaleDataError as clash:
        raise errors.LibraryChanged from clash
    if changed:
        audit.record(person.id, "items.library_changed", subject("library", library.id), fields=sorted(changed))
    db.session.expire(library, ["group"])
    return queries.get_library(library.id)


def _building(named: str) -> Building:
    alike = places.buildings(words=named, limit=20)
    exact = [one for one in alike if named.strip() in (one.name, one.name_en)] or alike
    if len(exact) != 1:
        raise errors.NoSuchBuilding(field="building")
    return exact[0]


def _group(named: str) -> int | None:
    if not named.strip():
        return None
    alike = list(db.session.scalars(groups_found(named).limit(20)).unique())
    exact = [one for one in alike if named.strip() in (one.name, one.name_en)] or alike
    if len(exact) != 1:
        raise errors.NoSuchGroup(field="group")
    return exact[0].id


# --- members ---


def admit(
    staff: Person, library: Library, person: Person, behalf: Behalf, *, card: str = "", until: date | None = None
) -> LibraryMember:
    """Make someone at the counter a member, with a card of theirs or a new one, and tell them.

    Raises AlreadyMember, CardTaken or UntilPast.
    """
    permit(policy.may_run, staff, library)
    if until is not None and until < clock.today():
        raise errors.UntilPast(field="until")
    if (before := _membership(library, person)) is not None:
        if before.is_current:
            raise errors.AlreadyMember
        before.ended_at = clock.now()
        db.session.flush()
    member = LibraryMember(
        library_id=library.id, person=person, card=queries.one_spelling(card) or new_reference(),
        until=until, added_by_id=staff.id,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(member)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        if db.violates(clash, "uq_library_members_card") or db.violates(clash, "library_members.card"):
            raise errors.CardTaken(field="card") from clash
        raise errors.AlreadyMember from clash
    audit.record(staff.id, "items.member_admitted", subject("library", library.id), **behalf.detail(person))
    notifications.tell(person.id, "items.member_admitted", subject("library", library.id), card=member.card)
    return member


def end_membership(staff: Person, library: Library, member: LibraryMember) -> None:
    """End a membership today; ending it again changes nothing."""
    permit(policy.may_run, staff, library)
    if member.ended_at is None:
        member.ended_at = clock.now()
        audit.record(staff.id, "items.member_ended", subject("library", library.id), for_person=member.person_id)
        notifications.tell(member.person_id, "items.member_ended", subject("library", library.id))


def _membership(library: Library, person: Person) -> LibraryMember | None:
    own = sa.select(LibraryMember).where(LibraryMember.library_id == library.id, LibraryMember.ended_at.is_(None))
    return db.session.scalar(own.where(LibraryMember.person_id == person.id))


# --- forgetting ---


def erase(person: Person) -> None:
    """Forget where a person was a member."""
    db.session.execute(sa.delete(LibraryMember).where(LibraryMember.person_id == person.id))


def thin() -> None:
    """Forget memberships over for a year, and counts finished two years ago, some at a time."""
    now = clock.now()
    over = sa.or_(LibraryMember.ended_at <= now - MEMBERS_KEPT, LibraryMember.until < clock.today() - MEMBERS_KEPT)
    for table, old in ((LibraryMember, over), (StockTake, StockTake.finished_at <= now - COUNTS_KEPT)):
        ids = list(db.session.scalars(sa.select(table.id).where(old).order_by(table.id).limit(AT_ONCE)))
        db.session.execute(sa.delete(table).where(table.id.in_(ids)))
