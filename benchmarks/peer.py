"""The same rooms, bookings and questions for libres, which runs in an environment of its own (libres_peer.py)."""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import gcd
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.environment import python
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces import policy
from marketplace.sharing.spaces.models import Space

PACKAGES = ("libres==1.4.0", "psycopg2-binary")
RASTERS = (60, 30, 15, 10, 5)
"""Steps in minutes that libres knows; the larger, the fewer rows it writes."""


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Carry out a plan; libres_peer.py says what is in it."""
    plan["dsn"] = sa.make_url(plan["dsn"]).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    script = Path(__file__).with_name("libres_peer.py")
    done = subprocess.run(
        [python(*PACKAGES), script], input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def rooms(spaces: Sequence[Space], days: int) -> list[dict[str, Any]]:
    """When the rooms are open in the coming days, and when something holds them then."""
    first, last = clock.today() + timedelta(days=1), clock.today() + timedelta(days=days)
    whole = Interval(clock.at(first, 0), clock.at(last, 1440))
    with db.transaction(read_only=True):
        busy = occupancy.busy([space.resource_id for space in spaces], whole)
    return [_room(space, policy.openings(space, first, last), busy[space.resource_id]) for space in spaces]


def _room(space: Space, opened: list[Interval], busy: list[Interval]) -> dict[str, Any]:
    """Of a booking's buffers, what lies outside the opening hours is left out: libres cannot hold it."""
    held = [(opening, within) for opening in opened for span in busy if (within := opening.meet(span))]
    return {
        "name": str(space.id),
        "raster": _raster(space),
        "openings": [_pair(opening) for opening in opened],
        "held": [(_pair(opening), _pair(span)) for opening, span in held],
    }


def _raster(space: Space) -> int:
    steps = gcd(space.raster_minutes, space.before_minutes, space.after_minutes)
    return next(raster for raster in RASTERS if steps % raster == 0)


def question(spaces: Sequence[Space], day: date, stretch: tuple[int, int], minutes: int, people: int) -> dict[str, Any]:
    """The rooms among which libres is asked: size and booking rules, which it does not know, are sorted out for it."""
    ahead = (day - clock.today()).days
    return {
        "from": clock.at(day, stretch[0]).isoformat(),
        "to": clock.at(day, stretch[1]).isoformat(),
        "rooms": [
            {
                "name": str(space.id),
                "length": max(minutes, space.min_minutes),
                "step": space.raster_minutes,
                "before": space.before_minutes,
                "after": space.after_minutes,
            }
            for space in spaces
            if (space.capacity or 0) >= people
            and space.notice_days <= ahead <= space.horizon_days
            and minutes <= space.max_minutes
        ],
    }


def create(space_id: int, interval: Interval) -> dict[str, str]:
    """A booking that libres shall make."""
    start, end = _pair(interval)
    return {"name": str(space_id), "start": start, "end": end}


def _pair(interval: Interval) -> tuple[str, str]:
    return _text(interval.starts_at), _text(interval.ends_at)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
