"""Two who are proposed to each other, and what they say to it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.matches import ROOM_FOR_ALL, Match
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run

ONE_ROOM_EACH = ("uq_homeshare_matches_student", "homeshare_matches.student_id")


def propose(student: Application, home: Application, run: Run | None, card: Mapping[str, Any]) -> Match:
    """Propose a student and a home to each other, with the reasons as they are now.

    Raises NoRoomLeft if either was promised elsewhere, even in this instant.
    """
    answer_by = clock.now() + timedelta(days=programme().answer_days)
    match = Match(
        student_id=student.id, home_id=home.id, people=student.people, run_id=run and run.id, card=dict(card),
        answer_by=answer_by,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(match)
    except sa.exc.IntegrityError as error:
        if any(db.violates(error, name) for name in (ROOM_FOR_ALL, *ONE_ROOM_EACH)):
            raise errors.NoRoomLeft from error
        raise
    return match
