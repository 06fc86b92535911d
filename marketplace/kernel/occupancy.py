"""Who holds which resource when, for rooms, things and cars alike. No two live claims on a resource overlap.

A resource may have a parent, as the two halves of a hall have. A claim holds the resource and everything below it, so
the hall and a half exclude each other while the two halves do not. What a claim holds is written out in
`occupied_spans`, one row for each of these parts and for each day begun, and the database refuses rows that overlap.

A transaction that needs several resources takes them with one `claim_all`, which cannot deadlock. Where each claim is
made by a service of its own, it calls `hold_still` for all of them first.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db
from marketplace.kernel.errors import Conflict
from marketplace.kernel.intervals import Interval
from marketplace.kernel.words import _l

PIECE = timedelta(hours=24)
"""The longest stretch in one row of occupied_spans: who looks for what overlaps a window starts a day before it."""

MANY = 500
SHORT = timedelta(days=2)
"""More resources than MANY, or a query's unknown number in a SHORT time, are looked for by time first."""

OVERLAP = "ex_occupied_spans_overlap"

# Rows of one resource do not overlap and none is empty, so in order of starts_at they are also in order of ends_at.
# A row r overlaps NEW if r.starts_at < NEW.ends_at and r.ends_at > NEW.starts_at. Of all rows that satisfy the first,
# the one that starts last also ends last: if any satisfies the second, that one does. One step into the index
# decides, however many rows there are.
_REFUSE_OVERLAP = """
BEGIN
  SELECT RAISE(ABORT, 'ex_occupied_spans_overlap')
  WHERE NEW.starts_at < (
    SELECT ends_at FROM occupied_spans
    WHERE resource_id = NEW.resource_id AND starts_at < NEW.ends_at{others}
    ORDER BY starts_at DESC LIMIT 1
  );
END"""
SQLITE_INSERT_TRIGGER = f"CREATE TRIGGER {OVERLAP}_insert BEFORE INSERT ON occupied_spans" + _REFUSE_OVERLAP.format(
    others=""
)
SQLITE_UPDATE_TRIGGER = (
    f"CREATE TRIGGER {OVERLAP}_update BEFORE UPDATE OF id, resource_id, starts_at, ends_at ON occupied_spans"
    + _REFUSE_OVERLAP.format(others=" AND id <> OLD.id")
)
SQLITE_TRIGGERS = (SQLITE_INSERT_TRIGGER, SQLITE_UPDATE_TRIGGER)

# SQLite keeps moments as text, which sorts as time only while all are written alike; anything else compares wrongly.
SQLITE_PIECE_CHECK = (
    "(unixepoch(ends_at) - unixepoch(starts_at) <= 86400) IS TRUE"
    " AND starts_at GLOB '????-??-?? ??:??:??.??????' AND ends_at GLOB '????-??-?? ??:??:??.??????'"
)
POSTGRESQL_PIECE_CHECK = "ends_at - starts_at <= interval '24 hours'"


class Taken(Conflict):
    """Something else holds the resource at that time, perhaps since this instant."""

    message = _l("Someone just took that time.")

    def __init__(self, resource_id: int, interval: Interval) -> None:
        super().__init__(resource_id=resource_id, interval=interval)
        self.resource_id = resource_id
        self.interval = interval


class Expired(Conflict):
    """What was held is held no longer: the hold ran out and was cleared away, or was released."""

    message = _l("That time is no longer held for you.")


class Kind(StrEnum):
    """Why a resource is held."""

    BOOKING = "booking"
    LOAN = "loan"
    HOLD = "hold"
    CLOSURE = "closure"
    BUFFER = "buffer"


class Resource(db.Base):
    """Something that one party at a time can have. Made by `add_resource`, which also records its parts."""

    __tablename__ = "resources"
    __table_args__ = (sa.CheckConstraint("parent_id <> id", name="not_own_parent"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("resources.id"), index=True)


class Occupancy(db.Base):
    """A claim as it was made, on one resource; it lives as long as its row. Buffers are part of what is held."""

    __tablename__ = "occupancies"
    __table_args__ = (
        sa.CheckConstraint("starts_at < ends_at", name="in_order"),
        sa.CheckConstraint("expires_at IS NULL OR kind = 'hold'", name="only_holds_expire"),
        sa.Index(
            "ix_occupancies_expires_at",
            "expires_at",
            sqlite_where=sa.text("expires_at IS NOT NULL"),
            postgresql_where=sa.text("expires_at IS NOT NULL"),
        ),
        # Otherwise SQLite gives the id of a claim that is gone to the next one, and a late release would hit that.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resource_id: Mapped[int] = mapped_column(sa.ForeignKey("resources.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kind: Mapped[Kind]
    expires_at: Mapped[datetime | None]

    @property
    def interval(self) -> Interval:
        """What is held, buffers included."""
        return Interval(self.starts_at, self.ends_at)


resource_parts = sa.Table(
    "resource_parts",
    db.Base.metadata,
    sa.Column("resource_id", sa.ForeignKey("resources.id"), primary_key=True),
    sa.Column("part_id", sa.ForeignKey("resources.id"), primary_key=True),
    sa.Index("ix_resource_parts_part_id", "part_id", "resource_id"),
)
"""Every resource with itself and everything below it."""

occupied_spans = sa.Table(
    "occupied_spans",
    db.Base.metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("occupancy_id", sa.ForeignKey("occupancies.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("resource_id", sa.ForeignKey("resources.id"), nullable=False),
    sa.Column("starts_at", db.UtcDateTime, nullable=False),
    sa.Column("ends_at", db.UtcDateTime, nullable=False),
    sa.CheckConstraint("starts_at < ends_at", name="in_order"),
    sa.CheckConstraint(SQLITE_PIECE_CHECK, name="one_piece").ddl_if(dialect="sqlite"),
    sa.CheckConstraint(POSTGRESQL_PIECE_CHECK, name="one_piece").ddl_if(dialect="postgresql"),
    ExcludeConstraint(
        (sa.column("resource_id"), "="),
        (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
        name=OVERLAP,
    ).ddl_if(dialect="postgresql"),
    # One index answers for a few resources and a long time, the other for a short time and many resources; both hold
    # all that busy() reads, so that the rows themselves are not touched.
    sa.Index("ix_occupied_spans_resource_id", "resource_id", "starts_at", "ends_at", "occupancy_id"),
    sa.Index("ix_occupied_spans_starts_at", "starts_at", "ends_at", "resource_id", "occupancy_id"),
)
"""What every claim holds, cut into pieces: the rows that may not overlap."""

for _trigger in SQLITE_TRIGGERS:
    event.listen(occupied_spans, "after_create", sa.DDL(_trigger).execute_if(dialect="sqlite"))


@dataclass(frozen=True, slots=True)
class Claim:
    """What someone asks to hold; `before` and `after` are buffers added to the interval."""

    resource_id: int
    interval: Interval
    kind: Kind
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)
    expires_at: datetime | None = None


ResourceIds: TypeAlias = list[int] | tuple[int, ...] | set[int] | sa.Select[Any]
"""The resources asked about: their ids, or a query that selects them."""


def add_resource(parent: Resource | None = None) -> Resource:
    """Make a resource, on its own or as a part of another, whose live claims then hold the new part too."""
    if parent is not None:
        _lock({parent.id})
        _clear_expired(_parts_of({parent.id}))
    resource = Resource(parent_id=parent.id if parent else None)
    db.session.add(resource)
    db.session.flush()
    db.session.execute(sa.insert(resource_parts).values(resource_id=resource.id, part_id=resource.id))
    if parent is not None:
        part, span, new_id = resource_parts.c, occupied_spans.c, sa.literal(resource.id)
        above = sa.select(part.resource_id, new_id).where(part.part_id == parent.id)
        db.session.execute(sa.insert(resource_parts).from_select([part.resource_id, part.part_id], above))
        held = sa.select(span.occupancy_id, new_id, span.starts_at, span.ends_at).where(span.resource_id == parent.id)
        db.session.execute(sa.insert(occupied_spans).from_select(_SPAN_COLUMNS, held))
    return resource


def claim(
    resource_id: int,
    interval: Interval,
    *,
    kind: Kind,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
    expires_at: datetime | None = None,
) -> Occupancy:
    """Hold a resource, and everything below it, for an interval with buffers before and after.

    Fractions of a second are cut off. Raises Taken if something else holds any of it, even since this instant; holds
    in the way that have run out are cleared away. Raises LookupError if there is no such resource.
    """
    return claim_all([Claim(resource_id, interval, kind, before, after, expires_at)])[0]


def claim_all(claims: Sequence[Claim]) -> list[Occupancy]:
    """Make every claim, in the order given, or none of them.

    Raises Taken for the first that is not possible, because of others or of an earlier one in the list.
    """
    if not claims:
        return []
    resource_ids = {claim.resource_id for claim in claims}
    if unknown := resource_ids - _lock(resource_ids):
        raise LookupError(f"no such resource: {unknown}")
    try:
        return _write(claims)
    except Taken:
        cleared = _clear_expired(_parts_of(resource_ids))
        if len(claims) == 1 and not cleared:
            raise
    with db.session.begin_nested():  # once more, one by one, to learn which of them it was
        return [_write([claim])[0] for claim in claims]


def hold_still(resource_ids: Collection[int]) -> None:
    """Have nobody else claim or release any of these until the transaction ends; holds that ran out are cleared away.

    Whoever then claims or releases them one after another, in whatever order, waits for nobody, and so cannot deadlock.
    """
    _lock(set(resource_ids))
    _clear_expired(_parts_of(set(resource_ids)))


def release(occupancy: Occupancy) -> None:
    """Let go of what a claim holds. Letting go twice is no error."""
    _lock({occupancy.resource_id})
    db.session.execute(sa.delete(Occupancy).where(Occupancy.id == occupancy.id))


def extend(
    occupancy: Occupancy,
    interval: Interval,
    *,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
) -> None:
    """Lengthen, shorten or move a claim in time, buffers included, in one step.

    Raises Taken, and leaves the claim as it was, if something else is in the way; Expired if the claim is gone.
    """
    _lock({occupancy.resource_id})
    _clear_expired(_parts_of({occupancy.resource_id}), keep=occupancy.id)
    if db.session.scalar(sa.select(Occupancy.id).where(Occupancy.id == occupancy.id).with_for_update()) is None:
        raise Expired
    held = _whole_seconds(interval.widened(before, after))
    try:
        with db.session.begin_nested():
            db.session.execute(sa.delete(occupied_spans).where(occupied_spans.c.occupancy_id == occupancy.id))
            _write_spans([(occupancy.id, occupancy.resource_id, held)])
    except IntegrityError as error:
        if db.violates(error, OVERLAP):
            raise Taken(occupancy.resource_id, interval) from error
        raise
    occupancy.starts_at, occupancy.ends_at = held.starts_at, held.ends_at
    db.session.flush()


def confirm(occupancy: Occupancy, kind: Kind) -> None:
    """Turn a hold into what it was for; it no longer expires.

    A hold that has run out may still be confirmed until it is cleared away: as long as its spans stand, nobody else
    has the time. Raises Expired once it is gone.
    """
    found = db.session.execute(
        sa.update(Occupancy)
        .where(Occupancy.id == occupancy.id)
        .values(kind=kind, expires_at=None)
        .returning(Occupancy.id)
    )
    if found.first() is None:
        raise Expired


def sweep() -> int:
    """Clear away every hold that has run out and that nobody is just confirming; says how many."""
    return _clear_expired(None)


def busy(resources: ResourceIds, interval: Interval) -> dict[int, list[Interval]]:
    """When each resource is held within an interval: in order, merged, cut to it; an empty list if never.

    A resource is held while any part of it is, or anything it is a part of. Holds that have run out do not count.
    """
    make = _maker()
    return {
        resource_id: [make(*span) for span in spans]
        for resource_id, spans in held_seconds(resources, _whole_seconds(interval), idle=True).items()
    }


def free(resources: ResourceIds, interval: Interval) -> dict[int, list[Interval]]:
    """When each resource is free within an interval: the other side of `busy`."""
    interval = _whole_seconds(interval)
    opens, closes = _seconds(interval)
    make = _maker()
    result: dict[int, list[Interval]] = {}
    for resource_id, spans in held_seconds(resources, interval, idle=True).items():
        gaps = result[resource_id] = []
        free_from = opens
        for start, end in spans:
            if free_from < start:
                gaps.append(make(free_from, start))
            free_from = end
        if free_from < closes:
            gaps.append(make(free_from, closes))
    return result


def holding(resources: ResourceIds, interval: Interval) -> list[Occupancy]:
    """The claims that stand in the way of holding these resources, or any one of them, at that time."""
    span, part = occupied_spans.c, resource_parts.c
    in_the_way = (
        sa.select(span.occupancy_id)
        .join(resource_parts, part.part_id == span.resource_id)
        .where(db.any_of(part.resource_id, resources), *_within(interval))
    )
    query = sa.select(Occupancy).where(Occupancy.id.in_(in_the_way)).order_by(Occupancy.starts_at, Occupancy.id)
    return list(db.session.scalars(query))


_SPAN_COLUMNS = [occupied_spans.c[name] for name in ("occupancy_id", "resource_id", "starts_at", "ends_at")]

# The parts are read again here, in the statement that follows the lock: one may have been added while we waited.
_WRITE_SPANS = sa.insert(occupied_spans).from_select(
    _SPAN_COLUMNS,
    sa.select(
        sa.bindparam("claim", type_=sa.Integer),
        resource_parts.c.part_id,
        sa.bindparam("from", type_=db.UtcDateTime),
        sa.bindparam("to", type_=db.UtcDateTime),
    ).where(resource_parts.c.resource_id == sa.bindparam("whole", type_=sa.Integer)),
)


def _whole_seconds(interval: Interval) -> Interval:
    """Both ends cut to the second, which keeps order: what touched still touches, what was apart does not overlap."""
    return Interval(interval.starts_at.replace(microsecond=0), interval.ends_at.replace(microsecond=0))


def _parts_of(resource_ids: set[int]) -> sa.Select[int]:
    return sa.select(resource_parts.c.part_id).where(db.any_of(resource_parts.c.resource_id, resource_ids))


def _lock(resource_ids: set[int]) -> set[int]:
    """Make others who want any of these resources or their parts wait for the end of this transaction.

    Two inserts that race for one stretch of an exclusion constraint each see the other's row, wait for each other and
    deadlock. Whoever claims therefore first takes the rows of all parts, lowest id first; two claims that could
    conflict share a part, so one waits here, holding nothing the other needs. SQLite already let only one in.
    """
    rows = sa.select(Resource.id).where(Resource.id.in_(_parts_of(resource_ids))).order_by(Resource.id)
    return set(db.session.scalars(rows.with_for_update(key_share=True)))


def _clear_expired(parts: sa.Select[int] | None, keep: int | None = None) -> int:
    """Delete the holds that have run out, on these parts or everywhere; in order of id, so as not to deadlock.

    Few have run out at any moment, many claims are kept: they are looked for by when they ran out.
    """
    query = sa.select(Occupancy.id).where(Occupancy.expires_at <= clock.now()).order_by(Occupancy.id)
    if parts is None:
        query = query.with_for_update(skip_locked=True)
    else:
        sharing_one = sa.select(resource_parts.c.resource_id).where(resource_parts.c.part_id.in_(parts))
        query = query.where(db.unindexed(Occupancy.resource_id).in_(sharing_one)).with_for_update()
    ids = [found for found in db.session.scalars(query) if found != keep]
    if ids:
        db.session.execute(sa.delete(Occupancy).where(Occupancy.id.in_(ids)))
    return len(ids)


def _write(claims: Sequence[Claim]) -> list[Occupancy]:
    """Write claims and their spans, or raise Taken (for the first of them) and write nothing."""
    held = [_whole_seconds(claim.interval.widened(claim.before, claim.after)) for claim in claims]
    made = [
        Occupancy(
            resource_id=claim.resource_id,
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            kind=claim.kind,
            expires_at=claim.expires_at,
        )
        for claim, span in zip(claims, held, strict=True)
    ]
    try:
        with db.session.begin_nested():
            db.session.add_all(made)
            db.session.flush()
            _write_spans([(one.id, one.resource_id, span) for one, span in zip(made, held, strict=True)])
    except IntegrityError as error:
        if db.violates(error, OVERLAP):
            raise Taken(claims[0].resource_id, claims[0].interval) from error
        raise
    return made


def _write_spans(claims: Iterable[tuple[int, int, Interval]]) -> None:
    """Write what (claim, resource, interval) hold: each part of the resource, cut into pieces."""
    rows = []
    for claim_id, resource_id, held in claims:
        start = held.starts_at
        while start < held.ends_at:
            end = min(start + PIECE, held.ends_at)
            rows.append({"claim": claim_id, "whole": resource_id, "from": start, "to": end})
            start = end
    db.session.execute(_WRITE_SPANS, rows)


def _within(interval: Interval) -> tuple[sa.ColumnElement[bool], ...]:
    """The spans that overlap an interval and have not run out. The first condition is what PIECE is for."""
    span = occupied_spans.c
    run_out = sa.select(Occupancy.id).where(Occupancy.expires_at <= clock.now())
    return (
        span.starts_at > interval.starts_at - PIECE,
        span.starts_at < interval.ends_at,
        span.ends_at > interval.starts_at,
        span.occupancy_id.not_in(run_out),
    )


def held(interval: Interval) -> sa.Select[int]:
    """The ids of all resources that are held at some time within an interval: a query to put into another.

    Of what has parts it does not tell that only one of them is held: ask for the parts.
    """
    return sa.select(occupied_spans.c.resource_id).where(*_within(_whole_seconds(interval)))


def held_seconds(resources: ResourceIds, interval: Interval, *, idle: bool = False) -> dict[int, list[tuple[int, int]]]:
    """What `busy` tells, in whole seconds since 1970: one query, cheap to read by the thousand.

    idle   tell of resources that nothing holds as well, with an empty list
    """
    span, part = occupied_spans.c, resource_parts.c
    by_time = interval.length <= SHORT if isinstance(resources, sa.Select) else len(resources) > MANY
    columns = (part.resource_id, span.resource_id)
    whole, spanned = (db.unindexed(column) for column in columns) if by_time else columns
    held = (
        sa.select(part.resource_id, db.epoch(span.starts_at), db.epoch(span.ends_at))
        .join_from(occupied_spans, resource_parts, part.part_id == spanned)
        .where(*_within(interval))
    )
    query: sa.Select[Any] | sa.CompoundSelect[Any] = held.where(db.any_of(whole, resources))
    result: dict[int, list[tuple[int, int]]] = {}
    if idle and not isinstance(resources, sa.Select):
        result = {resource_id: [] for resource_id in resources}
    elif idle and isinstance(resources, sa.Select):
        asked = sa.select(resources.cte("wanted").c[0])
        query = sa.union_all(asked.add_columns(sa.null(), sa.null()), held.where(whole.in_(asked)))
    opens, closes = _seconds(interval)
    for resource_id, start, end in db.rows(query):
        spans = result.setdefault(resource_id, [])
        if start is not None:
            spans.append((max(start, opens), min(end, closes)))
    for spans in result.values():
        if len(spans) > 1:
            _merge(spans)
    return result


def _merge(spans: list[tuple[int, int]]) -> None:
    """Sort spans and join those that overlap or touch, in place."""
    spans.sort()
    last = 0
    for start, end in spans[1:]:
        if start <= spans[last][1]:
            spans[last] = (spans[last][0], max(end, spans[last][1]))
        else:
            last += 1
            spans[last] = (start, end)
    del spans[last + 1 :]


def _seconds(interval: Interval) -> tuple[int, int]:
    return int(interval.starts_at.timestamp()), int(interval.ends_at.timestamp())


def _maker() -> Callable[[int, int], Interval]:
    """Makes intervals from seconds; many resources share the same few."""

    @cache
    def make(start: int, end: int) -> Interval:
        return Interval(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))

    return make
