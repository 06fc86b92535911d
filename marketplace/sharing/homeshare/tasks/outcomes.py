"""Who is asked what living together did for them, and what is kept of it."""

from datetime import timedelta

from marketplace.civic.notifications import models as notices
from marketplace.civic.notifications.models import News
from marketplace.kernel import hooks, jobs
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare.queries import outcomes as queries
from marketplace.sharing.homeshare.service import outcomes
from marketplace.sharing.homeshare.tasks.applications import HOME_SHARE

notices.register(
    News(
        "homeshare.outcome",
        HOME_SHARE,
        lambda _thing, _facts: _l("Home share: what did it do for you?"),
        letter="letters/homeshare/match",
        context=lambda thing, _person, _facts: {
            "match": thing.record,
            "text": _l("if you like, answer four questions about what living together did for you. We ask only once."),
        },
    )
)

jobs.timed("homeshare.ask_outcomes", every=timedelta(days=1), after=timedelta(hours=8))(outcomes.ask)
jobs.timed("homeshare.thin_outcomes", every=timedelta(days=1), after=timedelta(hours=5))(outcomes.thin)
hooks.personal_data.register(queries.own_outcomes)
hooks.erasing.register(outcomes.erase)

register(
    Kept(
        "homeshare_outcomes",
        _l("What you said living together did for you; voluntary"),
        _l("so that the city sees whether home share helps. Only sums over many answers are shown."),
        _l("Answers two years; that you were asked, as long as the match."),
        Erased.NAMELESS,
        job="homeshare.thin_outcomes",
    ),
)
