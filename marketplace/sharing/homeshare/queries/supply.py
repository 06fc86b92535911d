"""Where rooms lack: per campus the students who wait and the free rooms within reach, of privacy cells alone."""

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from marketplace.kernel import cells, db, geo
from marketplace.kernel.disclosure import LEAST, Hidden, Shown, shielded
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Side
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match

REACH = 10_000
"""Metres in a straight line within which a room counts for a campus."""

STEP = 5
"""Rooms are counted in fives, so that no room is found by comparing two campuses."""


@dataclass(frozen=True, slots=True)
class Supply:
    """A campus, how many students wait for a room, and how many rooms are free within reach, rounded down to fives."""

    campus: Campus
    waiting: Shown
    rooms: Shown

    @property
    def ratio(self) -> float | None:
        """Rooms for each student who waits, if both may be told."""
        if isinstance(self.waiting, Hidden) or isinstance(self.rooms, Hidden):
            return None
        return self.rooms / self.waiting


def by_campus() -> list[Supply]:
    """Every campus, in three statements; few students or rooms are hidden, and what would give them away."""
    campuses = list(db.session.scalars(sa.select(Campus).order_by(Campus.name)))
    waiting, rooms = _waiting(), _free_rooms()
    shown, _total = shielded([waiting.get(one.id, 0) for one in campuses])
    places = np.array(list(rooms), dtype=np.int64)
    free = np.array(list(rooms.values()), dtype=np.int64)
    return [
        Supply(campus, count, _in_fives(_within_reach(campus, places, free)))
        for campus, count in zip(campuses, shown, strict=True)
    ]


def _within_reach(campus: Campus, places: np.ndarray, free: np.ndarray) -> int:
    here = geo.Point(campus.latitude, campus.longitude)
    return int(free[cells.distances(here, places) <= REACH].sum()) if len(places) else 0


def _in_fives(rooms: int) -> Shown:
    return rooms // STEP * STEP if rooms >= LEAST else Hidden.SMALL


def _waiting() -> dict[int, int]:
    """How many students who take part and have no room are at each campus."""
    kept = sa.select(Match.student_id).where(Match.state.in_(GOING_ON))
    query = sa.select(Application.campus_id, sa.func.sum(Application.people)).where(
        Application.side == Side.STUDENT, Application.state == ApplicationState.OPEN, Application.id.not_in(kept)
    )
    rows = db.session.execute(query.group_by(Application.campus_id))
    return {campus: int(people) for campus, people in rows if campus is not None}


def _free_rooms() -> dict[int, int]:
    """How many rooms of homes that take part are kept for nobody, by privacy cell."""
    kept = sa.select(sa.func.coalesce(sa.func.sum(Match.people), 0)).where(
        Match.home_id == Application.id, Match.state.in_(GOING_ON)
    )
    free = Application.rooms - kept.scalar_subquery()
    query = sa.select(Application.cell, sa.func.sum(free)).where(
        Application.side == Side.HOST, Application.state == ApplicationState.OPEN, Application.cell.is_not(None)
    )
    found = db.session.execute(query.group_by(Application.cell))
    return {cell: int(rooms) for cell, rooms in found if cell is not None and rooms}
