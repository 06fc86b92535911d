"""Things that are lent: what others may do with them, what is kept, and what lending spared."""

from datetime import timedelta

from flask import url_for

from marketplace.kernel import hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import listings, personal
from marketplace.sharing.items.queries.loans import member_of
from marketplace.sharing.items.service import forgetting, impact
from marketplace.sharing.items.service.listing import keep_out_of_sight

things.register(
    things.Kind(
        name="item",
        label=_l("Thing to borrow"),
        find=listings.by_id,
        title=lambda item: str(item.title),
        link=lambda item: url_for("items.item", item_id=item.id),
        may_see=lambda person, item: policy.may_know(person, item, member_of(person, item)),
        author_id=lambda item: item.owner_id,
        text=listings.text_of,
        hide=keep_out_of_sight,
    )
)

hooks.personal_data.register(personal.own_things)
hooks.leaving.register(forgetting.pause_all)
hooks.erasing.register(forgetting.erase_things)
jobs.timed("items.thin_things", every=timedelta(days=1), after=timedelta(hours=5))(forgetting.thin_things)

register(
    Kept(
        "pick_up_places",
        _l("Where you hand over what you lend: a district and an area of 500 m; the address you wrote, locked"),
        _l("so that neighbours find things nearby, and whoever borrows one can fetch it."),
        _l("Until you take it back or leave."),
        Erased.DELETED,
    ),
    Kept(
        "items",
        _l("Things you lend: what you say of them, your terms, and the area where they are fetched"),
        _l("so that neighbours can find and borrow them."),
        _l("As long as you lend them. A year after you withdraw one, its words and area are deleted."),
        Erased.NAMELESS,
        job="items.thin_things",
    ),
)

# --- what lending spared ---

jobs.timed("items.record_months", every=timedelta(days=1), after=timedelta(hours=4))(impact.record_months)
