"""Runs of the pairing by night, and at once for who needs a room soon; what is kept of them."""

from datetime import timedelta

from marketplace.kernel import db, hooks, jobs
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare.queries import runs as queries
from marketplace.sharing.homeshare.service import runs

LEASE = timedelta(minutes=15)
AT_ONCE_LIMIT = 20.0
OF_NOBODY = frozenset(
    {
        "seed", "commitment", "next_seed", "next_commitment", "digest", "code_version", "last_level", "market",
        "outcome", "changes", "left_out",
    }
)  # fmt: skip
"""What a run keeps for good: numbers that mean nobody."""


@jobs.task("homeshare.run", attempts=2, lease=LEASE, outside=True)
def run(*, at_once: bool = False) -> None:
    """Make a preview. Nobody waits for it: what it reads is a snapshot, and it is written when it is done."""
    made = runs.make(at_once=at_once, time_limit=AT_ONCE_LIMIT if at_once else runs.TIME_LIMIT)
    with db.separate() as session:
        runs.keep(made, session)


@jobs.timed("homeshare.nightly", every=timedelta(days=1), after=timedelta(hours=2))
def nightly() -> None:
    """Have a run made every night."""
    jobs.enqueue("homeshare.run")


@jobs.timed("homeshare.soon", every=timedelta(hours=1))
def soon() -> None:
    """Have a run made by day if somebody who needs a room within days could not be in the last one."""
    if queries.somebody_new_needs_a_room_soon():
        jobs.enqueue("homeshare.run", at_once=True)


jobs.timed("homeshare.thin_runs", every=timedelta(days=1), after=timedelta(hours=4))(runs.thin)
hooks.personal_data.register(queries.own_data)

register(
    Kept(
        "homeshare_run_people",
        _l("In which runs of home share you took part, and by which number"),
        _l("so that it can be told why you were paired or not."),
        _l("For 90 days; after that the published record names nobody."),
        Erased.DELETED,
        job="homeshare.thin_runs",
    ),
    Kept(
        "homeshare_runs",
        _l("Runs of home share: who fits whom by numbers, and for 90 days the answers they were made of"),
        _l("so that anyone can recompute how people were paired."),
        _l("Answers for 90 days; the markets, which name nobody, for good."),
        Erased.NAMELESS,
        job="homeshare.thin_runs",
        stays=OF_NOBODY,
    ),
    Kept(
        "homeshare_overrides",
        _l("What coordinators decided by hand about you and a home or student, and why"),
        _l("so that it can be told why two were paired or kept apart."),
        _l("Until you leave."),
        Erased.DELETED,
    ),
)
