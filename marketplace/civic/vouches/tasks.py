"""What people are told about being vouched for, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models as notices
from marketplace.civic.notifications.models import News, Topic
from marketplace.civic.vouches import policy, queries, service
from marketplace.kernel import hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l

VOUCHES = Topic("vouches", _l("Who vouches for you"), _l("A public building says that it knows you, or ends it."))

things.register(
    things.Kind(
        name="vouch",
        label=_l("Word of a public building"),
        find=queries.vouches_by_id,
        title=lambda vouch: str(vouch.building.title),
        link=lambda _vouch: url_for("vouches.mine"),
        may_see=policy.may_agree,
        author_id=lambda _vouch: None,
    )
)


def _news(name: str, title: Text) -> None:
    notices.register(
        News(
            f"vouches.{name}",
            VOUCHES,
            lambda thing, _facts: title.filled(building=thing.title),
            letter="letters/notifications/with_reason",
            context=lambda thing, _person, _facts: {"reason": thing.record.reason},
        )
    )


_news("asked", _l("{building} says that it knows you: do you agree?"))
_news("ended", _l("{building} no longer vouches for you"))

hooks.personal_data.register(queries.own_data)
hooks.erasing.register(service.erase)
jobs.timed("vouches.thin", every=timedelta(days=1), after=timedelta(hours=5))(service.thin)

register(
    Kept(
        "vouches",
        _l("Which public buildings say that they know you, since when, and why one ended it"),
        _l("so that neighbours who lend to you or borrow of you know that someone knows you."),
        _l("Until a year after it ended, or until you leave."),
        Erased.DELETED,
        job="vouches.thin",
    )
)
