"""The peer: libres, run by its own Python; reads a plan in JSON from standard input and writes figures to the output.

The plan: {dsn, rooms: [{name, raster, openings, held}], questions: [{from, to, rooms: [{name, length, step,
before, after}]}], creates: [{name, start, end}]}; moments as ISO text.
"""

import json
import sys
from datetime import datetime, timedelta
from importlib.metadata import version
from time import perf_counter
from uuid import uuid4

import libres
from libres.db.models import Allocation, Reservation, ReservedSlot
from libres.db.scheduler import Scheduler

ZONE = "UTC"
plan = json.load(sys.stdin)
context = libres.registry.register_context("benchmark")
context.set_setting("dsn", plan["dsn"])
schedulers = {room["name"]: Scheduler(context, room["name"], ZONE) for room in plan["rooms"]}
any_scheduler = next(iter(schedulers.values()))
session = any_scheduler.session


def moments(pair):
    """Two moments."""
    return datetime.fromisoformat(pair[0]), datetime.fromisoformat(pair[1])


def load():
    """Allocations through the library; reservations as `reserve` and `approve_reservations` write them, but in bulk."""
    any_scheduler.setup_database()
    for number, room in enumerate(plan["rooms"]):
        scheduler = schedulers[room["name"]]
        dates = [moments(pair) for pair in room["openings"]]
        allocations = scheduler.allocate(dates, partly_available=True, raster=room["raster"])
        opened = {start: allocation for (start, _end), allocation in zip(dates, allocations, strict=True)}
        reservations = [(_reservation(scheduler, opened[moments(o)[0]], *moments(h)), o, h) for o, h in room["held"]]
        session.add_all(reservation for reservation, *_ in reservations)
        session.flush()
        for reservation, opening, held in reservations:
            allocation = opened[moments(opening)[0]]
            session.add_all(_slots(reservation, allocation, *moments(held)))
        scheduler.commit()
        session.expunge_all()
        if sys.stderr.isatty():
            print(f"\rlibres: {number + 1} rooms", end="", file=sys.stderr)
    session.connection().connection.rollback()
    with session.bind.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _reservation(scheduler, allocation, start, end):
    made = Reservation()
    made.token, made.target, made.target_type = uuid4(), allocation.group, "allocation"
    made.start, made.end = start, end - timedelta(microseconds=1)
    made.timezone, made.status, made.resource = allocation.timezone, "approved", scheduler.resource
    made.email, made.quota = "someone@example.org", 1
    return made


def _slots(reservation, allocation, start, end):
    for slot_start, slot_end in allocation.all_slots(start, end):
        slot = ReservedSlot()
        slot.start, slot.end = slot_start, slot_end
        slot.resource, slot.allocation_id = allocation.resource, allocation.id
        slot.reservation_token, slot.source_type, slot.source_id = reservation.token, "reservation", reservation.id
        yield slot


def fits(allocation, room, first, last):
    """Whether the room is free for so long on its raster within a stretch, with its buffers."""
    opens, closes = allocation.start, allocation.end + timedelta(microseconds=1)
    length, step, before, after = (timedelta(minutes=room[name]) for name in ("length", "step", "before", "after"))
    start = opens + -((opens - max(first, opens)) // step) * step
    while start + length <= min(last, closes):
        if allocation.find_spot(max(start - before, opens), min(start + length + after, closes)):
            return True
        start += step
    return False


def search_by_room(question):
    """The documented way: each room's scheduler is asked."""
    first, last = moments((question["from"], question["to"]))
    return [
        room["name"]
        for room in question["rooms"]
        if any(
            fits(allocation, room, first, last)
            for allocation in schedulers[room["name"]].search_allocations(first, last)
        )
    ]


def search_at_once(question):
    """The same by the library's inner query over all rooms, which leaves out what `search_allocations` adds."""
    first, last = moments((question["from"], question["to"]))
    rooms = {schedulers[room["name"]].resource: room for room in question["rooms"]}
    free = set()
    for allocation in any_scheduler.queries.all_allocations_in_range(first, last):
        room = rooms.get(allocation.resource)
        if room and fits(allocation, room, first, last):
            free.add(room["name"])
    return [room["name"] for room in question["rooms"] if room["name"] in free]


def create(wish):
    """Reserve, approve, commit."""
    scheduler = schedulers[wish["name"]]
    token = scheduler.reserve("someone@example.org", moments((wish["start"], wish["end"])))
    scheduler.approve_reservations(token)
    scheduler.commit()


def timed(work, things, warm):
    """Milliseconds for each thing, after a few without measuring; and the last answers."""
    for thing in warm:
        work(thing)
        session.rollback()
        session.expunge_all()
    taken, answers = [], []
    for thing in things:
        begun = perf_counter()
        answers.append(work(thing))
        session.rollback()
        taken.append((perf_counter() - begun) * 1000)
        session.expunge_all()
    return taken, answers


load()
questions = plan["questions"]
by_room, answers = timed(search_by_room, questions, questions[:2])
at_once, same = timed(search_at_once, questions, questions[:2])
created, _ = timed(create, plan["creates"][3:], plan["creates"][:3])
counts = {model.__tablename__: session.query(model).count() for model in (Allocation, Reservation, ReservedSlot)}
json.dump(
    {
        "versions": {name: version(name) for name in ("libres", "SQLAlchemy", "psycopg2-binary")},
        "by_room": by_room,
        "at_once": at_once,
        "create": created,
        "answers": answers,
        "same": answers == same,
        "counts": counts,
    },
    sys.stdout,
)
