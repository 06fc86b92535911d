"""Saved searches: telling of new things, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, jobs
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.items.queries import searches as search_queries
from marketplace.sharing.items.service import searches
from marketplace.web.pages import whole_address

SEARCHES = Topic("items_new", _l("New things that match a saved search"), _l("Once a day at most for each search."))

models.register(
    News(
        "items.new_things",
        SEARCHES,
        lambda thing, facts: (
            _l("New to borrow: {item}, and {n} more", item=thing.title, n=facts["n"] - 1)
            if facts["n"] > 1
            else _l("New to borrow: {item}", item=thing.title)
        ),
        letter="letters/items/new_things",
        context=lambda _thing, _person, _facts: {"searches": whole_address(url_for("searches.mine"))},
        link=lambda _thing, facts: str(facts["link"]),
    )
)
models.register(
    News(
        "items.search_ended",
        SEARCHES,
        lambda _thing, _facts: _l("A search that you saved a year ago has ended; save it again if you still need it"),
    )
)
hooks.personal_data.register(search_queries.own_data)
hooks.erasing.register(searches.erase)
jobs.timed("items.tell_of_new", every=timedelta(days=1), after=timedelta(hours=8))(searches.tell_of_new)
jobs.timed("items.end_searches", every=timedelta(days=1), after=timedelta(hours=5))(searches.end_old)

register(
    Kept(
        "saved_searches",
        _l("Searches that you saved: words, category and place, the last as an area of 500 m"),
        _l("so that you are told when somebody newly lends such a thing."),
        _l("A year after you saved it, or said that you still need it."),
        Erased.DELETED,
        job="items.end_searches",
    )
)
