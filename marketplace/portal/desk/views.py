"""The desk: what waits for someone who works for the city, across all features, in one list."""

from datetime import UTC, datetime
from typing import NamedTuple

from flask import Blueprint, Response, request

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, hooks
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.web.access import current_person, staff
from marketplace.web.pages import page, paging

bp = Blueprint("desk", __name__)

FAR = datetime.max.replace(tzinfo=UTC)
GREAT_HARM = 3


class Item(NamedTuple):
    """Something that waits, and in which queue."""

    waiting: Waiting
    queue: Queue

    @property
    def is_overdue(self) -> bool:
        """Whether its time is past."""
        return self.waiting.due_at is not None and self.waiting.due_at < clock.now()


def urgency(item: Item) -> tuple[object, ...]:
    """What may do great harm comes first; then by the day it is due, the more harmful of a day first."""
    due, harm = item.waiting.due_at, item.waiting.harm
    day = clock.local(due).date() if due else FAR.date()
    return harm < GREAT_HARM, day, -harm, due or FAR


@bp.get("/desk")
@staff(*Role)
def desk() -> Response:
    """Everything that waits, or one queue of it."""
    queues: list[Queue] = hooks.waits_at_desk.ask(current_person())
    chosen = next((queue for queue in queues if queue.href == request.args.get("queue")), None)
    shown = [chosen] if chosen else queues
    items = sorted((Item(waiting, queue) for queue in shown for waiting in queue.waiting), key=urgency)
    pages = paging(len(items))
    return page(
        "portal/desk/desk.html",
        queues=queues, chosen=chosen, items=pages.cut(items), pages=pages,
        total=sum(queue.count for queue in queues), more=[one for one in shown if one.count > len(one.waiting)],
        overdue=sum(item.is_overdue for item in items),
    )  # fmt: skip
