"""The wanted board: who is told of what, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import events, hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import wanted as wanted_queries
from marketplace.sharing.items.service import wanted
from marketplace.sharing.items.tasks.loans import BORROWING
from marketplace.web.pages import whole_address

WANTED = Topic(
    "items_wanted", _l("Neighbours look for something you lend"), _l("Only if you agreed to be asked, three a week.")
)

events.register(events.Kind("wanted.posted", _l("A resident looks for a thing")))
things.register(
    things.Kind(
        name="wanted",
        label=_l("Wanted"),
        find=wanted_queries.by_id,
        title=lambda post: str(post.title),
        link=lambda post: url_for("wanted.post", post_id=post.id),
        may_see=policy.may_see_post,
        author_id=lambda post: int(post.person_id),
        text=wanted_queries.text_of,
        hide=wanted.keep_out_of_sight,
        remove=wanted.remove,
    )
)
models.register(
    News(
        "items.wanted_nearby",
        WANTED,
        lambda thing, _facts: _l(
            "A neighbour looks for: {thing}, {when}", thing=thing.record.title, when=thing.record.when
        ),
        letter="letters/items/wanted",
        context=lambda thing, _person, _facts: (
            {"post": thing.record, "choice": whole_address(url_for("wanted.ask_me"))}
            if thing.record.is_open and thing.record.hidden_at is None
            else None
        ),
    )
)
models.register(
    News(
        "items.offered",
        BORROWING,
        lambda thing, facts: _l("Offered to you: {item}, for {wanted}", item=facts["item"], wanted=thing.title),
    )
)

hooks.personal_data.register(wanted_queries.own_data)
hooks.leaving.register(wanted.give_up)
hooks.erasing.register(wanted.erase)
jobs.timed("items.end_wanted", every=timedelta(hours=1))(wanted.end_past)
jobs.timed("items.thin_wanted", every=timedelta(days=1), after=timedelta(hours=5))(wanted.thin)

register(
    Kept(
        "wanted_posts",
        _l("Things you look for: what, when, your district, and what you wrote"),
        _l("so that neighbours who have one can offer it to you."),
        _l("A year after it was found, withdrawn or over."),
        Erased.DELETED,
        job="items.thin_wanted",
    ),
    Kept(
        "wanted_offers",
        _l("Things of yours that you offered to a neighbour who looked for one"),
        _l("so that the neighbour can ask you for it."),
        _l("As long as what they look for is kept."),
        Erased.DELETED,
        job="items.thin_wanted",
    ),
    Kept(
        "ask_me",
        _l("That you agreed to be asked when a neighbour looks for something you lend, and from how far"),
        _l("so that you are asked, and nobody who does not want it."),
        _l("Until you change your mind or leave."),
        Erased.DELETED,
    ),
    Kept(
        "wanted_asked",
        _l("That you were asked for something, and when"),
        _l("so that you are asked three times a week at most."),
        _l("A week."),
        Erased.DELETED,
        job="items.thin_wanted",
    ),
)
