"""What was not brought back for long, for those who help between neighbours."""

from typing import Any

from flask import Blueprint, Response, url_for

from marketplace.civic.accounts.models import Role
from marketplace.kernel import clock, db, hooks, looking
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import loans as queries
from marketplace.web.access import current_person, staff
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page

bp = Blueprint("late", __name__)

SHOWN = 5
STAFF = (Role.MODERATOR, Role.ADMINISTRATOR)
"""Who helps where something was not brought back for long."""

looking.page("items.late_loans", _l("The list of things not brought back"))


@bp.get("/items/loans/late")
@staff(*STAFF)
def late() -> Response:
    """What should have been back two weeks ago."""
    pages, shown = listed(queries.long_late())
    office = {"role": next(role for role in STAFF if current_person().is_a(role))}
    people = {side: office for one in shown for side in (one.borrower_id, one.item.owner_id) if side is not None}
    looked("items.late_loans", people)
    return page("sharing/items/loans/late.html", shown=shown, pages=pages)


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """What is two weeks late, for those who help between neighbours."""
    if not any(person.is_a(role) for role in STAFF):
        return None
    query = queries.long_late()
    count = db.count(query)
    waiting = [
        Waiting(
            f"{one.item.title} · {one.when}", url_for("late.late"), clock.at(one.last_day + policy.STAFF_AFTER, 0), 1
        )
        for one in db.session.scalars(query.limit(SHOWN)).unique()
    ]
    return Queue(_l("Things not brought back"), url_for("late.late"), count, waiting) if count else None
