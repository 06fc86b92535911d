"""What an operator does with the ground: work through the jobs, look after the dead ones, check the audit record."""

import json
import os
import signal
import socket
import sys
import uuid
from dataclasses import asdict
from types import FrameType

import click
from flask.cli import AppGroup

from marketplace.kernel import audit, clock, db, jobs
from marketplace.web.schema import db_group as db_group

jobs_group = AppGroup("jobs", help="Work done after the answer.")
audit_group = AppGroup("audit", help="The record of who did what.")


class _Stop:
    """Told to stop by SIGTERM or SIGINT; the present job is finished first."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True

    def __call__(self) -> bool:
        return self.asked


@jobs_group.command("work")
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
@click.option("--quick", is_flag=True, help="Leave slow jobs, such as videos, to other workers.")
def work(once: bool, quick: bool) -> None:
    """Carry out jobs until stopped."""
    if once:
        jobs.queue_timed({})
        click.echo(json.dumps({"done": jobs.run_pending(quick=quick)}))
        return
    jobs.work(_Stop(), f"{socket.gethostname()[:50]}:{os.getpid()}:{uuid.uuid4().hex[:8]}", quick=quick)


@jobs_group.command("list")
def list_jobs() -> None:
    """Show how the queue stands and every dead job."""
    with db.transaction(read_only=True):
        figures, dead = asdict(jobs.figures()), jobs.dead()
    for job in dead:
        click.echo(f"{job.id}\t{job.name}\t{job.attempts} attempts\tdead since {job.dead_at}\t{job.last_error}")
    click.echo(json.dumps(figures, default=str))


@jobs_group.command("requeue")
@click.argument("job_id", type=int, required=False)
@click.option("--all", "every", is_flag=True, help="Every dead job.")
def requeue(job_id: int | None, every: bool) -> None:
    """Try a dead job, or all of them, again."""
    if every is (job_id is not None):
        raise click.UsageError("Give the number of one dead job, or --all.")
    with db.transaction():
        revived = jobs.requeue(job_id)
    click.echo(json.dumps({"requeued": revived}))
    if job_id is not None and not revived:
        sys.exit(1)


@jobs_group.command("run")
@click.argument("name")
def run(name: str) -> None:
    """Queue a job that needs no payload, such as a timed one, to be done at once."""
    if name not in jobs.names():
        raise click.UsageError(f"There is no such job. There are: {', '.join(jobs.names())}.")
    with db.transaction():
        jobs.enqueue(name)


@audit_group.command("verify")
@click.option("--head", help="A head noted earlier: also find entries cut off the end since.")
def verify(head: str | None) -> None:
    """Check the chain of the audit record from its first entry to its last."""
    with db.transaction(read_only=True):
        problems, now_at = audit.verify(head), audit.head()
    for problem in problems:
        click.echo(f"entry {problem.entry_id}: {problem.what}")
    click.echo(json.dumps({"at": clock.now().isoformat(), "problems": len(problems), "head": now_at}))
    if problems:
        sys.exit(1)
