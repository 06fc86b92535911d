"""What people are told about their time credits, and what is kept of them."""

from typing import Any

import sqlalchemy as sa
from flask import url_for

from marketplace.civic.credits import queries, service
from marketplace.civic.credits.models import Deposit, Grant, Overdraft, Why, show
from marketplace.civic.notifications import models as notices
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, things
from marketplace.kernel.hooks import Extract, Obstacle, extract
from marketplace.kernel.ledger import Movement, movements_of
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l

CREDITS = Topic(
    "credits",
    _l("Time credits"),
    _l("Every movement of your time credits that somebody else made, and offers of the city."),
)


def _news(name: str, title: Text, *, link: str = "credits.mine") -> None:
    def titled(_thing: Any, facts: notices.Facts) -> Text:
        amounts = {key: show(facts[key]) for key in ("amount", "most") if key in facts}
        reason = {"why": Why(facts["why"]).words} if "why" in facts else {}
        return title.filled(**amounts, **reason)

    notices.register(
        News(
            f"credits.{name}",
            CREDITS,
            titled,
            letter="letters/notifications/with_reason",
            context=lambda _thing, _person, facts: {"reason": facts.get("reason", "")},
            link=lambda _thing, _facts: url_for(link),
        )
    )


_news("more", _l("{amount} came to your time credits: {why}"))
_news("less", _l("{amount} went from your time credits: {why}"))
_news("offered", _l("The city offers that your time credits may go {most} below zero"), link="credits.agreement")
_news("ended", _l("Your time credits may no longer go below zero"), link="credits.agreement")


# --- what is kept ---

hooks.erasing.register(service.erase)

AS_LONG_AS_THE_LEDGER = _l("As long as the ledger: every later balance is worked out from it.")

register(
    Kept(
        "ledger_accounts",
        _l("How many time credits you have"),
        _l("so that you can use them."),
        AS_LONG_AS_THE_LEDGER,
        Erased.NAMELESS,
    ),
    Kept(
        "ledger_movements",
        _l("Each movement of time credits: how much, when, about what, and who had it made"),
        _l("so that every balance can be checked."),
        AS_LONG_AS_THE_LEDGER,
        Erased.NAMELESS,
    ),
    Kept(
        "credit_grants",
        _l("Time credits that staff gave you, and what for"),
        _l("so that you know why, and a mistake can be put right."),
        AS_LONG_AS_THE_LEDGER,
        Erased.NAMELESS,
    ),
    Kept(
        "deposits",
        _l("Deposits you put down, and how much of each was kept"),
        _l("so that each is settled once."),
        AS_LONG_AS_THE_LEDGER,
        Erased.NAMELESS,
    ),
    Kept(
        "overdrafts",
        _l("Whether the city and you agreed that you may go below zero, and how far"),
        _l("so that nobody owes without having agreed."),
        _l("Until your account is erased."),
        Erased.DELETED,
    ),
    Kept(
        "fund_payments",
        _l("Payments into and out of the insurance fund, what for, and which member of staff put them down"),
        _l("so that the fund can be checked."),
        AS_LONG_AS_THE_LEDGER,
        Erased.NAMELESS,
        stays=frozenset({"reason"}),
    ),
)


@hooks.personal_data.register
def personal_data(person: Any) -> list[Extract]:
    """What a person has, was given, put down and agreed to."""
    given = sa.select(Grant.amount, Grant.reason, Grant.made_at, Grant.taken_back_at)
    put_down = sa.select(
        Deposit.subject, Deposit.unit, Deposit.amount, Deposit.made_at, Deposit.kept, Deposit.settled_at
    )
    agreed = sa.select(Overdraft.most, Overdraft.offered_at, Overdraft.agreed_at, Overdraft.ended_at)
    held = [
        extract("credit_grants", _l("Time credits given to you"), given.where(Grant.person_id == person.id)),
        extract("deposits", _l("Your deposits"), put_down.where(Deposit.person_id == person.id)),
        extract("overdrafts", _l("Agreements to go below zero"), agreed.where(Overdraft.person_id == person.id)),
    ]
    account = queries.wallet(person)
    if account is not None:
        change = sa.case((Movement.target_id == account.id, Movement.amount), else_=-Movement.amount)
        columns = (Movement.made_at, change.label("minutes"), Movement.why, Movement.subject)
        moved = movements_of(account).with_only_columns(*columns)
        held.append(extract("time_credits", _l("Movements of your time credits"), moved))
    return held


@hooks.erasure_obstacles.register
def obstacles(person: Any) -> list[Obstacle]:
    """Deposits that are not settled yet."""
    found = queries.deposits_of(person)
    titles = things.find_all(one.subject for one in found)
    return [
        Obstacle(
            _l("A deposit of {amount} is not settled yet.").filled(amount=show(one.amount, one.unit)),
            titles[one.subject].link if one.subject in titles else url_for("credits.mine"),
        )
        for one in found
    ]
