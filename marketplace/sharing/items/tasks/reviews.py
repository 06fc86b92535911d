"""What both sides are told of how a loan went, what moderators may hide, and what is kept."""

from datetime import timedelta
from typing import Any

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import clock, hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.queries import reviews as queries
from marketplace.sharing.items.service import reviews

REVIEWS = Topic(
    "items_reviews", _l("How loans went"), _l("You can say how a loan went, or read what the other side wrote.")
)


def _link(review: Review) -> str:
    """What was said of a thing stands on its page, what was said of a borrower on that of the loan."""
    place = f"review-{review.id}"
    if review.by_borrower:
        return url_for("reviews.of_thing", item_id=review.loan.item_id, _anchor=place)
    return url_for("loans.loan", reference=review.loan.reference, _anchor=place)


things.register(
    things.Kind(
        name="review",
        label=_l("How a loan went"),
        find=queries.reviews_by_id,
        title=lambda review: str(review.loan.item.title),
        link=_link,
        may_see=queries.may_read,
        author_id=lambda review: int(review.author_id),
        text=lambda review: str(review.text),
        hide=reviews.keep_out_of_sight,
        remove=reviews.remove,
    )
)
things.register(
    things.Kind(
        name="review_reply",
        label=_l("Reply to how a loan went"),
        find=queries.replies_by_id,
        title=lambda review: str(review.loan.item.title),
        link=_link,
        may_see=queries.may_read_reply,
        author_id=lambda review: int(review.reply_by_id),
        text=lambda review: str(review.reply),
        hide=reviews.keep_reply_out_of_sight,
        remove=reviews.remove_reply,
    )
)


def _told(name: str, title: Text, text: Text | None = None) -> None:
    """Register what both sides are told; no letter holds anything that either of them wrote.

    Without a text it comes to the inbox only. On the day of the return, which had its letter, none follows.
    """

    def context(thing: Any, _person: Any, _facts: models.Facts) -> dict[str, Any] | None:
        loan = thing.record
        back_today = loan.returned_at is not None and clock.local(loan.returned_at).date() == clock.today()
        return None if back_today else {"loan": loan, "item": loan.item, "text": text}

    models.register(
        News(
            f"items.{name}",
            REVIEWS,
            lambda thing, _facts: title.filled(item=thing.record.item.title),
            letter="letters/items/loan" if text else None,
            context=context,
            link=lambda thing, _facts: f"{thing.link}#told",
        )
    )


_told("is_back", _l("Back with you: {item}. Say within 7 days how it went"))
_told(
    "review_tomorrow", _l("Until tomorrow you can say how it went: {item}"),
    _l("what went well, and what did not? Tomorrow is the last day to say so on the page of the loan."),
)  # fmt: skip
_told(
    "reviews_open", _l("How it went can be read now: {item}"),
    _l("what was written about this loan is open now. You find it on its page, and can reply once."),
)  # fmt: skip
_told("review_replied", _l("The other side replied: {item}"))

jobs.timed("items.open_reviews", every=timedelta(minutes=5))(reviews.open_up)
jobs.timed("items.remind_of_reviews", every=timedelta(days=1), after=timedelta(hours=9))(reviews.remind)

# --- what is held about people ---

hooks.personal_data.register(queries.own_data)
hooks.erasing.register(reviews.erase)
jobs.timed("items.thin_reviews", every=timedelta(hours=1))(reviews.thin)

register(
    Kept(
        "loan_reviews",
        _l("What you and the other side wrote about how a loan went, and what you replied"),
        _l("so that neighbours know what a thing is like, and how loans with you went."),
        _l("A year after the loan, or until one of you leaves."),
        Erased.DELETED,
        job="items.thin_reviews",
    )
)
