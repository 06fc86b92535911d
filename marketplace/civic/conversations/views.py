"""Conversations on the web: one's own, one about a thing, taking back, blocking; and what other floors ask."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.conversations import policy, queries, schemas, service
from marketplace.civic.conversations.errors import HoldsContacts
from marketplace.civic.conversations.models import Message, Side
from marketplace.civic.conversations.queries import Spoken, Stretch, Talk
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import clock, db, hooks, things
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.things import Sides, Thing
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import page, paging, tell
from marketplace.web.security import Limit, address, afterwards, limited, takes_files, visitor

bp = Blueprint("conversations", __name__, url_prefix="/conversations")
SHOWN = 5
"""So many conversations stand on a page about other things."""

OFTEN = (
    Limit("message", 30, timedelta(minutes=10), visitor),
    Limit("message address", 300, timedelta(minutes=10), address),
)


# --- one's own ---


@bp.get("/")
@residents
def mine() -> Response:
    """The conversations one has a part in, latest first."""
    person = current_person()
    found = queries.of_person(person)
    pages = paging(db.count(found))
    shown = queries.listed(person, found.limit(pages.size).offset(pages.offset))
    return page("civic/conversations/mine.html", shown=shown, pages=pages)


@bp.route("/about/<subject>", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def about(subject: str) -> ResponseReturnValue:
    """Go to the conversation about a thing, or begin it."""
    person, thing = current_person(), things.find(subject)
    sides = thing.sides if thing else None
    reveal(policy.may_read, person, sides)
    begun = queries.by_subject(subject)
    if begun is not None and request.method == "GET":
        return redirect(_place(begun.id), 303)
    return _writing(subject, "civic/conversations/start.html", thing=thing, **_around(thing, sides))


def _writing(subject: str, template: str, **context: Any) -> ResponseReturnValue:
    """The page with its field to write in; what was written is sent, warned of, or shown again with what is wrong."""
    person = current_person()
    with Form(schemas.NewMessage()) as form:
        if form.submitted:
            conversation = service.about(person, subject)
            message = service.say(person, conversation, form.data["text"], form.data["files"], sure=form.data["sure"])
            return redirect(_place(conversation.id, message.id), 303)
    if isinstance(form.refusal, HoldsContacts):
        found = form.refusal.details["found"]
        return form.page("civic/conversations/warning.html", found=found, **context)
    return form.page(template, **context)


def _place(conversation_id: int, message_id: int | None = None) -> str:
    """The end of a conversation, or one of its last messages."""
    anchor = f"message-{message_id}" if message_id else "newest"
    return url_for("conversations.conversation", conversation_id=conversation_id, _anchor=anchor)


# --- one conversation ---


@dataclass(frozen=True, slots=True)
class Line:
    """A message as it is shown; `day` where a new day begins, `new` where what is unread begins."""

    message: Message
    pieces: list[tuple[str, str | None]]
    uploads: list[Upload]
    own: bool
    ours: bool
    office: object | None
    may_delete: bool
    may_report: bool
    warned: bool
    day: date | None
    new: bool


@bp.route("/<int:conversation_id>", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def conversation(conversation_id: int) -> ResponseReturnValue:
    """What was written about a thing, from the newest back, and the field to write in."""
    person, talk = current_person(), queries.talk(conversation_id)
    if not policy.may_read(person, talk.sides):
        return _look(talk)
    stretch = _stretch(talk)
    seat = queries.seat_of(person, talk.conversation)
    read_id = seat.read_id if seat else 0
    if request.method == "GET" and stretch.messages and (seat is None or read_id < stretch.messages[-1].id):
        reader, last = person.id, stretch.messages[-1].id
        afterwards(lambda: service.read(reader, conversation_id, last))
    return _writing(
        talk.conversation.subject,
        "civic/conversations/conversation.html",
        lines=_lines(stretch, talk.sides, read_id),
        looks=queries.looks_at(talk.conversation),
        **_frame(talk, stretch),
    )


def _look(talk: Talk) -> Response:
    """A moderator reads because of a message that was reported, and nothing else; it is put on record."""
    moderator = current_person()
    because = queries.message(_asked("message") or 0).message
    here = because.conversation_id == talk.conversation.id and request.method == "GET"
    reveal(policy.may_look, moderator, here and queries.is_reported(because.name))
    look = (moderator.id, because.id, request.query_string.decode())
    afterwards(lambda: service.look(*look))
    stretch = _stretch(talk)
    return page(
        "civic/conversations/look.html",
        lines=_lines(stretch, talk.sides, stretch.messages[-1].id if stretch.messages else 0),
        because=because,
        **_frame(talk, stretch),
    )


def _asked(name: str) -> int | None:
    """A message's number in the address. Raises NotFound if it is none."""
    text = request.args.get(name)
    if text is None:
        return None
    if (number := db.row_number(text)) is None:
        raise NotFound
    return number


def _stretch(talk: Talk) -> Stretch:
    """The messages that the address asks for: before one, after one, around one, or the newest."""
    before, after, around = _asked("before"), _asked("after"), _asked("message")
    if after is not None:
        return queries.onward(talk.conversation, after)
    if before is None and around is not None:
        return queries.around(talk.conversation, around)
    return queries.newest(talk.conversation, before)


def _frame(talk: Talk, stretch: Stretch) -> dict[str, Any]:
    """What stands around the messages: the thing, the sides, the ways to earlier and later ones."""
    here: dict[str, Any] = {"conversation_id": talk.conversation.id, "message": request.args.get("message")}
    first, last = (stretch.messages[0].id, stretch.messages[-1].id) if stretch.messages else (0, 0)
    return {
        "talk": talk,
        "thing": talk.thing,
        "earlier": url_for(".conversation", **here, before=first) if stretch.earlier else None,
        "later": url_for(".conversation", **here, after=last) if stretch.later else None,
        **_around(talk.thing, talk.sides),
    }


def _around(thing: Thing | None, sides: Sides | None) -> dict[str, Any]:
    """Who is on the other side, why one cannot write, whether one may block."""
    person = current_person()
    side = policy.side_of(person, sides)
    if sides is None or side is None:
        return {"hindrance": None, "other": None, "office": None, "may_block": False, "agreed": False}
    other = Side.OTHER if side is Side.ONE else Side.ONE
    hindrance = queries.hindrance(person, sides)
    return {
        "hindrance": hindrance.sentence if hindrance else None,
        "office": policy.office_of(other, sides),
        "other": ", ".join(queries.names_of(policy.across(side, sides))),
        "may_block": policy.other_of_two(person, sides) is not None,
        "agreed": sides.agreed,
    }


def _lines(stretch: Stretch, sides: Sides | None, read_id: int) -> list[Line]:
    person = current_person()
    side = policy.side_of(person, sides)
    uploads = of_subjects(message.name for message in stretch.messages)
    lines: list[Line] = []
    day, seen = None, True
    for message in stretch.messages:
        own, its_day = message.author_id == person.id, clock.local(message.written_at).date()
        new = message.id > read_id and not own
        lines.append(
            Line(
                message=message,
                pieces=schemas.pieces(message.text),
                uploads=uploads[message.name],
                own=own,
                ours=message.side is side,
                office=policy.office_of(message.side, sides) if sides else None,
                may_delete=policy.may_delete(person, message),
                may_report=policy.may_report(message, side),
                warned=bool(message.flags) and not own and sides is not None and not sides.agreed,
                day=its_day if its_day != day else None,
                new=new and seen,
            )
        )
        day, seen = its_day, seen and not new
    return lines


# --- taking back, blocking ---


@bp.route("/messages/<int:message_id>/delete", methods=["GET", "POST"])
@residents
def delete(message_id: int) -> ResponseReturnValue:
    """Take back a message of one's own, after looking at it once more."""
    person, found = current_person(), queries.message(message_id)
    message = found.message
    reveal(lambda who, what: what.author_id == who.id and policy.may_read(who, found.sides), person, message)
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            service.delete(person, message)
            tell(_("The message is deleted."))
            return redirect(_place(message.conversation_id, message.id), 303)
    return form.page(
        "civic/conversations/delete.html", message=message, back=_place(message.conversation_id, message.id)
    )


@bp.route("/<int:conversation_id>/block", methods=["GET", "POST"])
@residents
def block(conversation_id: int) -> ResponseReturnValue:
    """Hear no more from the other one."""
    person, talk = current_person(), queries.talk(conversation_id)
    reveal(lambda who, sides: sides is not None and policy.other_of_two(who, sides) is not None, person, talk.sides)
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            service.block(person, talk.sides)
            tell(_("You have blocked this person."))
            return redirect(url_for(".blocked"), 303)
    return form.page("civic/conversations/block.html", **_frame(talk, Stretch([], False, False)))


@bp.get("/blocked")
@residents
def blocked() -> Response:
    """Whom one has blocked."""
    return page("civic/conversations/blocked.html", blocks=queries.blocked_by(current_person()))


@bp.post("/blocked/<int:person_id>/unblock")
@residents
def unblock(person_id: int) -> ResponseReturnValue:
    """Let someone write to one again."""
    service.unblock(current_person(), person_id)
    tell(_("This person is no longer blocked."))
    return redirect(url_for(".blocked"), 303)


# --- what other floors ask ---


def _link(message: Message) -> str:
    return url_for(
        "conversations.conversation",
        conversation_id=message.conversation_id,
        message=message.id,
        _anchor=f"message-{message.id}",
    )


def _may_see_message(person: Any, spoken: Spoken) -> bool:
    """Both sides, until it is hidden from the other; moderators once it is reported."""
    if person is None:
        return False
    message = spoken.message
    if policy.may_read(person, spoken.sides):
        return not message.hidden or message.author_id == person.id
    return person.is_staff and policy.may_look(person, queries.is_reported(message.name))


things.register(
    things.Kind(
        name="message",
        label=_l("Message"),
        find=queries.spoken,
        title=lambda spoken: _("Message by {name}", name=spoken.message.author.name),
        link=lambda spoken: _link(spoken.message),
        may_see=_may_see_message,
        author_id=lambda spoken: int(spoken.message.author_id),
        text=lambda spoken: str(spoken.message.text),
        hide=lambda spoken, hidden: service.hide(spoken.message, hidden),
        remove=lambda spoken: service.remove(spoken.message),
    )
)
things.register(
    things.Kind(
        name="conversation",
        label=_l("Conversation"),
        find=queries.talks,
        title=lambda talk: _("Messages about {title}", title=talk.thing.title) if talk.thing else _("Messages"),
        link=lambda talk: _place(talk.conversation.id),
        may_see=lambda person, talk: person is not None and policy.may_read(person, talk.sides),
        author_id=lambda _talk: None,
    )
)


def _queue(person: Any, *, in_office: bool) -> hooks.Queue | None:
    """What one has not read yet."""
    found = queries.part_of_person(person, in_office=in_office, unread=True)
    if not (count := db.count(found)):
        return None
    waiting = [
        hooks.Waiting(_("{name} wrote about {title}", name=one.last.author.name, title=one.thing.title),
                      _place(one.conversation.id))
        for one in queries.listed(person, found.limit(SHOWN))
    ]  # fmt: skip
    return hooks.Queue(_l("Messages to read"), url_for("conversations.mine"), count, waiting)


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> hooks.Queue | None:
    """What was written to the person and not read yet."""
    return _queue(person, in_office=False)


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> hooks.Queue | None:
    """What was written to the buildings and groups that the person speaks for, and not read yet."""
    return _queue(person, in_office=True)


@hooks.own_words.register
def own_words(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The latest conversations of the person, for my page."""
    shown = queries.listed(person, queries.part_of_person(person, in_office=False, unread=False).limit(SHOWN))
    return (_l("Messages"), [(one.thing.title, _place(one.conversation.id)) for one in shown]) if shown else None


@hooks.account_links.register
def account_links(_person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The pages above, for my page."""
    return _l("Messages"), [
        (_("Your messages"), url_for("conversations.mine")),
        (_("People you blocked"), url_for("conversations.blocked")),
    ]
