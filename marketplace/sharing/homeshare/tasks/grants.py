"""What hosts are told of their grants, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.queries import grants as queries
from marketplace.sharing.homeshare.service import grants

GRANTS = Topic("homeshare_grants", _l("Grants for repairs"), _l("What becomes of a grant for your room."), always=True)

things.register(
    things.Kind(
        name="grant",
        label=_l("Grant for a repair"),
        find=queries.grants_by_id,
        title=lambda grant: str(grant.repair.words),
        link=lambda grant: url_for("homeshare_grants.grant", reference=grant.reference),
        may_see=policy.may_see_grant,
        author_id=lambda grant: int(grant.host_id),
    )
)


def _grant_told(name: str, title: Text, text: Text) -> None:
    """Register what a host is told of a grant."""
    models.register(
        News(
            f"homeshare.grant_{name}",
            GRANTS,
            lambda _thing, _facts: title,
            letter="letters/homeshare/grant",
            context=lambda thing, _person, _facts: {"grant": thing.record, "text": text},
        )
    )


_grant_told(
    "granted", _l("Your grant for a repair is given"),
    _l("the city pays the sum below towards the repair. Have the work done, then tell us on the page of the grant."),
)  # fmt: skip
_grant_told("declined", _l("Your grant for a repair is not given"), _l("the city does not pay this repair."))
_grant_told("paid", _l("Your grant for a repair is paid"), _l("the invoice was seen and the sum was paid to you."))

jobs.timed("homeshare.thin_grants", every=timedelta(hours=1))(grants.thin)
hooks.personal_data.register(queries.own_grants)
hooks.erasing.register(grants.erase)

register(
    Kept(
        "homeshare_grants",
        _l("Grants for repairs of a room: what was asked for, decided and paid"),
        _l("so that the city can decide them, and account for what it paid."),
        _l("What was written for a year after it is over, the sums for five years, as for every payment of the city."),
        Erased.NAMELESS,
        job="homeshare.thin_grants",
    ),
)
