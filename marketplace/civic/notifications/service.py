"""Telling people: in the inbox, and by letter as they wish."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.queries import letters_arrive
from marketplace.civic.notifications import models
from marketplace.civic.notifications.errors import NoLongerInForce, NotOurLink
from marketplace.civic.notifications.models import (
    Cadence,
    CalendarFeed,
    Facts,
    News,
    Notice,
    ReturnedAddress,
    TopicChoice,
)
from marketplace.kernel import clock, credentials, db, jobs, things, vault, words
from marketplace.kernel.things import Thing

AT_ONCE = 5000
"""So many people in one statement: both databases take as many parameters."""

KEPT = timedelta(days=365)
EVERYTHING = "daily"
"""In place of a topic in the link of a daily letter: whatever comes daily."""

MORNING, EVENING = time(8), time(21)
"""Between these the city's clocks show a decent hour for a letter of the day."""


# --- telling ---


def tell(person_ids: Collection[int] | int, news: str, subject: str | Thing, **facts: Any) -> None:
    """Tell people something, in the present transaction: one notice each, and a letter to those who wish one at once.

    `news` is registered in models, `subject` names the thing it is about, or is the thing if it is at hand. The facts
    must be JSON; `link` among them is the path of the page where the thing has none, and `names` the id of whoever the
    title names, so that it can be forgotten with them. Raises LookupError if nobody registered the news.
    """
    kind = models.news(news)
    thing = things.find(subject) if isinstance(subject, str) else subject
    row = _row(kind, subject if isinstance(subject, str) else subject.subject, _titles(kind, thing, facts), facts)
    told = sorted({person_ids} if isinstance(person_ids, int) else set(person_ids))
    for first in range(0, len(told), AT_ONCE):
        people = sa.select(*row.values()).select_from(Person).outerjoin(
            TopicChoice, sa.and_(TopicChoice.person_id == Person.id, TopicChoice.topic == kind.topic.name)
        )  # fmt: skip
        some = people.where(Person.id.in_(told[first : first + AT_ONCE]))
        table = cast("sa.Table", Notice.__table__)
        made = sa.insert(table).from_select(list(row), some).returning(table.c.id, table.c.letter)
        at_once = [{"notice_id": number} for number, letter in db.session.execute(made) if letter is Cadence.NOW]
        jobs.enqueue_many("notifications.letter", at_once)


def _titles(kind: News, thing: Thing | None, facts: Facts) -> dict[str, str]:
    """The title in each language, on one line."""
    titles = {}
    for language in words.LANGUAGES:
        with words.speaking(language):
            titles[language] = " ".join(str(kind.title(thing, facts)).split())[:200]
    return titles


def _row(kind: News, subject: str, titles: dict[str, str], facts: Facts) -> dict[str, Any]:
    """What a notice says, as the database works it out for each person."""
    letter, now = _letter(kind), sa.literal(clock.now(), db.UtcDateTime)
    return {
        "person_id": Person.id,
        "news": sa.literal(kind.name),
        "subject": sa.literal(subject),
        "language": Person.language,
        "title": sa.case(*((Person.language == code, title) for code, title in titles.items()), else_=titles["en"]),
        "facts": sa.literal(dict(facts), sa.JSON),
        "created_at": now,
        "letter": letter,
        "lettered_at": sa.case((letter == sa.literal(Cadence.NOW, Notice.letter.type), now)),
    }


def _letter(kind: News) -> sa.ColumnElement[Cadence]:
    """How a person wishes to be told, if letters reach them at all."""
    now, daily, off = (sa.literal(cadence, Notice.letter.type) for cadence in Cadence)
    otherwise = now if kind.letter else off
    if kind.topic.always:
        wished: sa.ColumnElement[Cadence] = otherwise
    else:
        chosen = TopicChoice.cadence
        wished = sa.case((chosen == Cadence.DAILY, daily), (chosen == Cadence.OFF, off), else_=otherwise)
    return sa.case((letters_arrive(), wished), else_=off)


# --- the inbox ---


def mark_read(person: Person, notice_id: int | None = None, *, until: int | None = None) -> None:
    """Remember that a person has read a notice of theirs, or all, or all that had come until one."""
    unread = sa.update(Notice).where(Notice.person_id == person.id, Notice.read_at.is_(None))
    if notice_id is not None:
        unread = unread.where(Notice.id == notice_id)
    if until is not None:
        unread = unread.where(Notice.id <= until)
    db.session.execute(unread.values(read_at=clock.now()), execution_options={"synchronize_session": False})


# --- wishes ---


def choose(person_id: int, topic: str, cadence: Cadence) -> None:
    """Have letters about a topic come at another pace; those that must be sent come all the same."""
    wish = {"person_id": person_id, "topic": topic, "cadence": cadence.value, "now": clock.now()}
    db.session.execute(
        sa.text(
            "INSERT INTO topic_choices (person_id, topic, cadence) VALUES (:person_id, :topic, :cadence)"
            " ON CONFLICT (person_id, topic) DO UPDATE SET cadence = excluded.cadence, resumed_at = CASE"
            " WHEN topic_choices.cadence = 'off' AND excluded.cadence <> 'off' THEN :now"
            " ELSE topic_choices.resumed_at END"
        ).bindparams(sa.bindparam("now", type_=db.UtcDateTime)),
        wish,
    )


@dataclass(frozen=True, slots=True)
class Switch:
    """What the link of a letter switches off: a topic, or EVERYTHING that comes daily, as chosen before the letter."""

    person: Person
    topic: str
    written_at: datetime


def switched_by(word: str) -> Switch:
    """What a link switches off. Raises NotOurLink, or NoLongerInForce if its letters were wished for again since."""
    text, _, rest = word.partition("-")
    signed, _, seal = rest.rpartition("-")
    topic, _, at = signed.rpartition("-")
    number = db.row_number(text)
    if number is None or not credentials.is_seal(seal, "letters", number, topic, at):
        raise NotOurLink
    person = db.session.get(Person, number)
    if person is None:
        raise NotOurLink
    switch = Switch(person, topic, datetime.fromtimestamp(int(at) / 1_000_000, UTC))
    resumed = [choice.resumed_at is not None and choice.resumed_at > switch.written_at for choice in _coming(switch)]
    if resumed and all(resumed):
        raise NoLongerInForce
    return switch


def _coming(switch: Switch) -> Sequence[TopicChoice]:
    """The choices that have letters come which a link would end."""
    own = sa.select(TopicChoice).where(TopicChoice.person_id == switch.person.id)
    if switch.topic == EVERYTHING:
        return db.session.scalars(own.where(TopicChoice.cadence == Cadence.DAILY)).all()
    return db.session.scalars(own.where(TopicChoice.topic == switch.topic, TopicChoice.cadence != Cadence.OFF)).all()


def switch_off(switch: Switch) -> None:
    """Send no more letters as a link says. Done again, it changes nothing."""
    if switch.topic != EVERYTHING:
        choose(switch.person.id, switch.topic, Cadence.OFF)
        return
    for choice in _coming(switch):
        if choice.resumed_at is None or choice.resumed_at <= switch.written_at:
            choose(switch.person.id, choice.topic, Cadence.OFF)


# --- the letter of the day ---


def gather_the_day() -> int:
    """Queue one letter for everyone whose notices wait for the day's; returns how many. Each notice goes once."""
    now = clock.now()
    waiting = sa.update(Notice).where(Notice.letter == Cadence.DAILY, Notice.lettered_at.is_(None))
    taken = db.session.execute(
        waiting.values(lettered_at=now).returning(Notice.person_id), execution_options={"synchronize_session": False}
    )
    people = sorted(set(taken.scalars()))
    jobs.enqueue_many(
        "notifications.letter_of_the_day",
        [{"person_id": person_id, "at": now.isoformat()} for person_id in people],
        run_at=decent(now),
    )
    return len(people)


def decent(moment: datetime) -> datetime:
    """The moment itself or, if it is night in the city, the next morning."""
    local = clock.local(moment)
    if MORNING <= local.time() < EVENING:
        return moment
    day = local.date() + timedelta(days=local.time() >= EVENING)
    return clock.at(day, MORNING.hour * 60)


# --- addresses that letters come back from ---


def mark_returned(session: Session, email: str, reason: str) -> None:
    """Remember that no letter arrives at an address. In the session given, which may outlive a failure."""
    session.execute(
        sa.text(
            "INSERT INTO returned_addresses (email, since, reason) VALUES (:email, :since, :reason)"
            " ON CONFLICT (email) DO NOTHING"
        ).bindparams(sa.bindparam("since", type_=db.UtcDateTime)),
        {"email": email, "since": clock.now(), "reason": " ".join(reason.split())[:300]},
    )


def arrives_again(email: str) -> None:
    """Send letters to the address again: its owner has shown that they arrive."""
    db.session.execute(sa.delete(ReturnedAddress).where(ReturnedAddress.email == email))


# --- the calendar feed ---


def open_feed(person: Person) -> None:
    """Give the person's calendar a new secret address; an older one stops at once."""
    secret = credentials.new_token()
    db.session.merge(
        CalendarFeed(
            person_id=person.id,
            secret_hash=credentials.digest(secret),
            secret_locked=vault.lock(secret, f"calendar_feeds:{person.id}"),
            created_at=clock.now(),
        )
    )
    db.session.flush()


def close_feed(person: Person) -> None:
    """Let the calendar's address stop."""
    db.session.execute(sa.delete(CalendarFeed).where(CalendarFeed.person_id == person.id))


# --- forgetting ---


def erase(person: Person) -> None:
    """Delete all that is kept about a person here, and what others were told that names them."""
    db.session.execute(sa.delete(Notice).where(Notice.facts["names"].as_integer() == person.id))
    for table in (Notice, TopicChoice, CalendarFeed):
        db.session.execute(sa.delete(table).where(table.person_id == person.id))
    arrives_again(person.email)


def sweep() -> None:
    """Forget notices told long ago, and returned addresses that are nobody's."""
    db.session.execute(sa.delete(Notice).where(Notice.created_at < clock.now() - KEPT))
    db.session.execute(
        sa.delete(ReturnedAddress).where(~sa.exists().where(Person.email == ReturnedAddress.email)),
        execution_options={"synchronize_session": False},
    )
