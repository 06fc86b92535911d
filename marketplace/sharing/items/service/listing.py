"""Listing things: what is lent, in how many pieces, and how long."""

from marketplace.kernel import clock, db
from marketplace.sharing.items.models.listing import Item


def keep_out_of_sight(item: Item, hidden: bool) -> None:
    """Take a thing off the search, or show it again, because moderators say so; what is promised stays promised."""
    item.hidden_at = (item.hidden_at or clock.now()) if hidden else None
    db.session.flush()
