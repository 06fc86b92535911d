"""Libraries of things: what their members are told, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import libraries as library_queries
from marketplace.sharing.items.service import libraries

LIBRARY = Topic("libraries", _l("Libraries of things you joined"), _l("Your membership begins or ends."))

things.register(
    things.Kind(
        name="library",
        label=_l("Library of things"),
        find=library_queries.by_id,
        title=lambda library: str(library.title),
        link=lambda library: url_for("libraries.library", library_id=library.id),
        may_see=policy.may_find_library,
        author_id=lambda _library: None,  # the city's own words: nobody in particular answers for them
        text=lambda library: str(library.about),
    )
)
models.register(
    News(
        "items.member_admitted",
        LIBRARY,
        lambda thing, facts: _l(
            "You are a member of {library}. Your card: {card}", library=thing.title, card=facts["card"]
        ),
    )
)
models.register(
    News(
        "items.member_ended",
        LIBRARY,
        lambda thing, _facts: _l("Your membership of {library} has ended", library=thing.title),
    )
)

hooks.personal_data.register(library_queries.own_data)
hooks.erasing.register(libraries.erase)
jobs.timed("items.thin_libraries", every=timedelta(days=1), after=timedelta(hours=5))(libraries.thin)

register(
    Kept(
        "library_members",
        _l("Libraries of things that you joined: your card, and from when until when"),
        _l("so that the counter knows you by your card."),
        _l("A year after the membership ended."),
        Erased.DELETED,
        job="items.thin_libraries",
    ),
    Kept(
        "repair_tickets",
        _l("Repairs of a library's things: what was wrong, and who asked for and closed them"),
        _l("so that whoever repairs a thing can ask back, and the library knows what breaks often."),
        _l("As long as the library has the thing."),
        Erased.NAMELESS,
        stays=frozenset({"problem"}),
    ),
    Kept(
        "repair_notes",
        _l("What was done about a repair, and by whom"),
        _l("so that the next one to repair it knows what was tried."),
        _l("As long as the library has the thing."),
        Erased.NAMELESS,
        stays=frozenset({"text"}),
    ),
    Kept(
        "stock_takes",
        _l("Counts of a library's things, and who started and finished them"),
        _l("so that the library knows what is missing since when."),
        _l("Two years."),
        Erased.NAMELESS,
        job="items.thin_libraries",
    ),
    Kept(
        "stock_seen",
        _l("What was scanned in a count, when and by whom"),
        _l("so that two people can count at once and ask each other back."),
        _l("Two years, as the count."),
        Erased.NAMELESS,
        job="items.thin_libraries",
        stays=frozenset({"code"}),
    ),
)
