"""Letters about what is new, at once or once a day, and what accounts tell their owners."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import models, queries, service
from marketplace.civic.notifications.models import News, Notice, Topic
from marketplace.kernel import db, hooks, jobs, things, words
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l
from marketplace.web import letters
from marketplace.web.letters import Unsubscribe
from marketplace.web.pages import whole_address

MOST_A_DAY = 50
"""So many notices stand in one letter; the others are in the inbox."""

ACCOUNT = Topic(
    "account",
    _l("Your account"),
    _l("What matters for its safety, such as a new password."),
    always=True,
)

# accounts write letters of their own, to the address that it is about
models.register(News("accounts.changed", ACCOUNT, lambda _thing, facts: Text(facts["what"]), letter=None))
things.register(
    things.Kind(
        name="account",
        label=_l("Your account"),
        find=queries.people,
        title=lambda person: str(person.name),
        link=lambda _person: url_for("accounts.profile"),
        may_see=lambda person, owner: person is not None and person.id == owner.id,
        author_id=lambda owner: int(owner.id),
    )
)


@jobs.task("notifications.letter", outside=True)
def letter(notice_id: int) -> None:
    """Write to a person what their inbox says."""
    notice = queries.for_letter(notice_id)
    kind = models.known(notice.news) if notice else None
    if notice is None or kind is None or kind.letter is None:
        return
    thing = things.find(notice.subject)
    with words.speaking(notice.person.language):
        context = _context(kind, thing, notice)
        enclosed = kind.attachments(thing, notice.person, notice.facts) if kind.attachments and thing else None
    if context is not None:
        stop = None if kind.topic.always else unsubscribing(notice.person_id, kind.topic.name, kind.topic.title)
        letters.send(
            notice.person.email,
            notice.person.language,
            kind.letter,
            unsubscribe=stop,
            attachments=enclosed,
            **context,
        )


def _context(kind: News, thing: things.Thing | None, notice: Notice) -> dict[str, Any] | None:
    """What the template is given; None if there is nothing to write about any more."""
    path = models.path_of(notice, thing)
    if path is None:
        return None
    own = kind.context(thing, notice.person, notice.facts) if kind.context and thing else {}
    given = {"name": notice.person.name, "title": notice.title, "link": whole_address(path)}
    return None if own is None else given | own


@dataclass(frozen=True, slots=True)
class Line:
    """A notice in the letter of the day."""

    title: str
    link: str


@jobs.task("notifications.letter_of_the_day", outside=True)
def letter_of_the_day(person_id: int, at: str) -> None:
    """Write to a person what waited for the day's letter and is still unread."""
    notices = queries.for_the_day(person_id, datetime.fromisoformat(at), MOST_A_DAY)
    if not notices:
        return
    person = notices[0].person
    letters.send(
        person.email,
        person.language,
        "letters/notifications/day",
        unsubscribe=unsubscribing(person_id, service.EVERYTHING, _l("all letters that come once a day")),
        name=person.name,
        lines=[Line(one.title, whole_address(url_for("notifications.follow", notice_id=one.id))) for one in notices],
        more=len(notices) == MOST_A_DAY,
        inbox=whole_address(url_for("notifications.inbox")),
    )


def unsubscribing(person_id: int, topic: str, title: object) -> Unsubscribe:
    """By which address a letter may be the last of its kind."""
    word = queries.seal_of(person_id, topic)
    return Unsubscribe(whole_address(url_for("notifications.unsubscribe", word=word)), title)


jobs.timed("notifications.gather_the_day", every=timedelta(days=1), after=timedelta(hours=service.MORNING.hour))(
    service.gather_the_day
)
jobs.timed("notifications.sweep", every=timedelta(days=1), after=timedelta(hours=4))(service.sweep)


# --- what lower floors and other features ask ---


@hooks.account_changed.register
def account_changed(person: Person, what: Text) -> None:
    """Put into the inbox what happened to the account."""
    service.tell(person.id, "accounts.changed", things.of("account", person), what=what.message)


@hooks.address_confirmed.register
def address_confirmed(email: str) -> None:
    """Write to an address again that was shown to be right."""
    service.arrives_again(email)


@hooks.letter_returned.register
def letter_returned(email: str, reason: str) -> None:
    """Write no more to an address that letters come back from; remembered even if what goes on now fails."""
    with db.separate() as own:
        service.mark_returned(own, email, reason)


hooks.taken_over.register(service.close_feed)
hooks.erasing.register(service.erase)


# --- what is held about people ---

register(
    Kept(
        "notices",
        _l("What you were told, and when you read it"),
        _l("so that you can look it up again."),
        _l("A year."),
        Erased.DELETED,
        job="notifications.sweep",
    ),
    Kept(
        "topic_choices",
        _l("Which letters you wish to get"),
        _l("so that you get those and no others."),
        _l("As long as you keep your account."),
        Erased.DELETED,
    ),
    Kept(
        "returned_addresses",
        _l("E-mail addresses that letters come back from, and what the mail server said"),
        _l("so that nobody writes there in vain."),
        _l("Until the address is confirmed again or belongs to no account any more."),
        Erased.DELETED,
        job="notifications.sweep",
    ),
    Kept(
        "calendar_feeds",
        _l("The secret address of your calendar, locked"),
        _l("so that your own calendar can show what you have agreed to."),
        _l("Until you stop it."),
        Erased.DELETED,
    ),
)
