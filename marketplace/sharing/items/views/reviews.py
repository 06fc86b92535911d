"""How loans went: both sides' pages to tell it and to reply, and all that borrowers wrote of a thing."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import db, hooks
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.queries import reviews as queries
from marketplace.sharing.items.schemas import reviews as schemas
from marketplace.sharing.items.service import reviews
from marketplace.sharing.items.views._loan import OFTEN, seen
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell
from marketplace.web.security import limited

bp = Blueprint("reviews", __name__)

SHOWN = 5


@bp.route("/items/loans/<reference>/review", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def write(reference: str) -> ResponseReturnValue:
    """Tell how a loan went, or change what one told while nobody else reads it."""
    found, person = seen(reference), current_person()
    permit(policy.may_review, person, found)
    own = queries.of_loan(found, person).get(policy.borrows(person, found))
    kept = {"good": own.good, "bad": own.bad} if own else {}
    with Form(schemas.Told(), **kept) as form:
        if form.submitted:
            made = reviews.write(person, found, **form.data)
            sealed = _("Kept. Nobody else reads it before both of you have written, or 7 days are over.")
            tell(_("Both of you have written, so both can be read now.") if made.is_open else sealed)
            return redirect(url_for("loans.loan", reference=reference, _anchor="told"), 303)
    if form.refusal:
        found = seen(reference)
    borrows = policy.borrows(person, found)
    return form.page(
        "sharing/items/reviews/write.html",
        loan=found, item=found.item, borrows=borrows, until=policy.reviewed_until(found),
        may_tell=policy.may_tell(person, found, queries.written(found).get(borrows)),
    )  # fmt: skip


@bp.route("/items/loans/<reference>/review/reply", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def reply(reference: str) -> ResponseReturnValue:
    """Answer what the other side wrote, once."""
    person, found = current_person(), seen(reference)
    review = queries.get_other(found, person)
    permit(policy.may_reply, person, review)
    with Form(schemas.Reply()) as form:
        if form.submitted:
            reviews.reply(person, review, **form.data)
            tell(_("Sent. It stands below what the other side wrote."))
            return redirect(url_for("loans.loan", reference=reference, _anchor="told"), 303)
    if form.refusal:
        found = seen(reference)
        review = queries.get_other(found, person)
    return form.page("sharing/items/reviews/reply.html", loan=found, item=found.item, review=review)


@bp.get("/items/<int:item_id>/reviews")
@public
def of_thing(item_id: int) -> Response:
    """All that borrowers wrote of a thing; nobody's name stands there."""
    person, item = current_person(), listings.get_item(item_id)
    reveal(policy.may_know, person, item, loan_queries.member_of(person, item))
    pages, shown = listed(queries.of_thing(item, person))
    return page("sharing/items/reviews/of_thing.html", item=item, shown=shown, pages=pages)


# --- what other floors ask ---


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """Loans of which a person may still tell how they went."""
    query = queries.to_write(person)
    waiting = [
        Waiting(
            _("Say how it went: {item}", item=one.item.title),
            url_for("reviews.write", reference=one.reference),
            policy.reviewed_until(one),
        )
        for one in db.session.scalars(query.limit(SHOWN)).unique()
    ]
    return Queue(_l("How loans went"), url_for("loans.mine", when="past"), len(waiting), waiting) if waiting else None
