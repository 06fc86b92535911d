"""Telling of messages that wait, giving people their places, forgetting what is over; what is held about people."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.conversations import queries, service
from marketplace.civic.notifications.models import News, Topic, register
from marketplace.civic.notifications.service import tell
from marketplace.kernel import hooks, jobs, looking, retention, things
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.retention import Erased, Kept
from marketplace.kernel.words import _, _l

MESSAGES = Topic(
    "messages",
    _l("Messages"),
    _l("When someone writes to you: one letter for each conversation, until you have read it."),
)
register(
    News(
        "conversations.message",
        MESSAGES,
        lambda thing, facts: _("{name} wrote to you. {title}", name=facts["name"], title=thing.title if thing else ""),
    )
)
looking.page(queries.READING, _l("Your messages, because of a report"))


@jobs.task("conversations.tell")
def tell_of(conversation_id: int, message_id: int) -> None:
    """Tell of a message those who have not read it by now; until they read, nothing more is told."""
    if people := queries.waiting_for(conversation_id, message_id):
        author = queries.message(message_id).message.author
        tell(people, "conversations.message", things.subject("conversation", conversation_id), name=author.name,
             names=author.id)  # fmt: skip


jobs.task("conversations.seat_everywhere")(service.seat_everywhere)
jobs.timed("conversations.forget", every=timedelta(days=1), after=timedelta(hours=3))(service.forget)


@hooks.sides_changed.register
def sides_changed(person_id: int) -> None:
    """Look through the conversations of buildings and groups for whoever now speaks for one, or no longer does."""
    jobs.enqueue("conversations.seat_everywhere", person_id=person_id)


@hooks.personal_data.register
def personal_data(person: Person) -> list[Extract]:
    """What the person wrote and was written."""
    return [
        extract("messages-written", _l("Messages you wrote"), queries.rows_of(person)),
        extract("messages-received", _l("Messages written to you"), queries.rows_to(person)),
        extract("people-blocked", _l("People you blocked"), queries.rows_blocked(person)),
    ]


hooks.erasing.register(service.erase)

retention.register(
    Kept(
        "messages",
        _l("What you write to the other side of a booking or another thing you share"),
        _l("so that both sides can read what was said."),
        _l("A year after the last message, as the record of what was agreed."),
        Erased.NAMELESS,
        job="conversations.forget",
    ),
    Kept(
        "seats",
        _l("In which conversations you have a part, and how far you have read"),
        _l("so that you are told of new messages, and once only."),
        _l("As long as the conversation."),
        Erased.DELETED,
        job="conversations.forget",
    ),
    Kept(
        "blocks",
        _l("Whom you blocked"),
        _l("so that they cannot write to you."),
        _l("Until you unblock them."),
        Erased.DELETED,
    ),
)
