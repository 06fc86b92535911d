"""The inbox, how letters come, and the calendar's secret address."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.notifications import models, queries, schemas, service
from marketplace.civic.notifications.models import CADENCES, Cadence, CalendarFeed, Notice, TopicChoice
from marketplace.kernel import credentials, hooks, ical, things, words
from marketplace.kernel.hooks import Extract, Queue, Waiting, extract
from marketplace.kernel.words import _, _l
from marketplace.web import security
from marketplace.web.access import current_person, public, residents, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell, whole_address
from marketplace.web.security import sealed

bp = Blueprint("notifications", __name__)


# --- the inbox ---


@bp.get("/inbox")
@residents
def inbox() -> Response:
    """What one was told, latest first; all of it or what is unread."""
    person, unread = current_person(), request.args.get("show") == "unread"
    pages, shown = listed(queries.notices_of(person, unread=unread))
    return page(
        "civic/notifications/inbox.html",
        shown=shown, pages=pages, unread=unread, returned=queries.returned(person), person=person,
    )  # fmt: skip


@bp.get("/inbox/<int:notice_id>")
@residents
def follow(notice_id: int) -> ResponseReturnValue:
    """To the thing that a notice is about; from then on it counts as read."""
    person = current_person()
    notice = queries.notice(person, notice_id)
    if notice.read_at is None:
        security.afterwards(lambda: service.mark_read(person, notice_id))
    path = models.path_of(notice, things.find(notice.subject))
    if path is None:
        tell(_("What this was about is gone."), "error")
    return redirect(path or url_for(".inbox"), 303)


@bp.post("/inbox/<int:notice_id>/read")
@residents
def read(notice_id: int) -> ResponseReturnValue:
    """Mark one as read."""
    service.mark_read(current_person(), queries.notice(current_person(), notice_id).id)
    return redirect(url_for(".inbox"), 303)


@bp.post("/inbox/read")
@residents
def read_all() -> ResponseReturnValue:
    """Mark as read what had come when the page was shown."""
    with Form(schemas.Seen()) as form:
        if form.submitted:
            service.mark_read(current_person(), until=form.data["until"])
            tell(_("Everything is marked as read."))
    return redirect(url_for(".inbox"), 303)


@bp.app_template_global("unread_notices")
def unread_notices() -> int:
    """How many notices one has not read, for the head of the page: asked once a request."""
    if "unread_notices" not in g:
        g.unread_notices = queries.count_unread(current_person())
    return int(g.unread_notices)


# --- letters ---


@bp.route("/inbox/settings", methods=["GET", "POST"])
@residents
def settings() -> ResponseReturnValue:
    """Which letters one gets, and when."""
    person = current_person()
    topics = queries.topics_for(person)
    chosen = queries.choices_of(person)
    with Form(schemas.wishes(topics), **{one.name: chosen.get(one.name, Cadence.NOW) for one in topics}) as form:
        if form.submitted:
            for topic, cadence in form.data.items():
                service.choose(person.id, topic, cadence)
            tell(_("Your choice is saved."))
            return redirect(url_for(".settings"), 303)
    return form.page(
        "civic/notifications/settings.html",
        topics=topics, cadences=list(CADENCES.items()), returned=queries.returned(person), person=person,
    )  # fmt: skip


@bp.route("/unsubscribe/<word>", methods=["GET", "POST"])
@public
@sealed
def unsubscribe(word: str) -> Response:
    """End the letters about a topic by a letter's link. Mail programs post (RFC 8058); people get a button first."""
    switch = service.switched_by(word)
    if request.method == "POST":
        service.switch_off(switch)
    known = models.topics().get(switch.topic)
    return page(
        "civic/notifications/unsubscribe.html",
        done=request.method == "POST",
        what=known.title if known else _("all letters that come once a day"),
    )


# --- the calendar feed ---


@bp.get("/calendar")
@residents
@stepped_up
def calendar() -> Response:
    """The secret address of one's calendar."""
    secret = queries.feed_of(current_person())
    address = whole_address(url_for(".feed", secret=secret)) if secret else None
    response = page("civic/notifications/calendar.html", address=address)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/calendar/open")
@residents
@stepped_up
def open_feed() -> ResponseReturnValue:
    """Make the address, or a new one in place of the old."""
    service.open_feed(current_person())
    tell(_("Your calendar has a new address."))
    return redirect(url_for(".calendar"), 303)


@bp.post("/calendar/close")
@residents
def close_feed() -> ResponseReturnValue:
    """Let the address stop."""
    service.close_feed(current_person())
    tell(_("The address of your calendar no longer works."))
    return redirect(url_for(".calendar"), 303)


@bp.get("/calendar/<secret>.ics")
@public
def feed(secret: str) -> ResponseReturnValue:
    """Everything the owner has agreed to, for the calendar that knows the address."""
    owner = queries.owner_of_feed(secret)
    with words.speaking(owner.language):
        entries = queries.entries_of(owner)
        city = current_app.extensions["settings"].city_name(owner.language)
        body = ical.calendar(entries, name=f"Maeul {city}")
    response = Response(body, content_type="text/calendar; charset=utf-8")
    response.headers["X-Robots-Tag"] = "noindex"
    response.set_etag(credentials.digest(repr(entries)))  # of what it says: every file has a stamp of its own
    return response.make_conditional(request)


# --- what other floors ask ---


@hooks.account_links.register
def links(person: Any) -> tuple[object, list[tuple[object, str]]]:
    """The pages about news, for my page."""
    return _l("News for you"), [
        (_l("Inbox"), url_for("notifications.inbox")),
        (_l("Which letters you get"), url_for("notifications.settings")),
        (_l("Your bookings in your own calendar"), url_for("notifications.calendar")),
    ]


@hooks.waits_for_me.register
def address_to_check(person: Any) -> Queue | None:
    """An address that letters come back from waits to be checked."""
    if queries.returned(person) is None:
        return None
    href = url_for("accounts.email")
    waiting = Waiting(_("Letters to {email} come back", email=person.email), href)
    return Queue(_l("Your e-mail address"), href, 1, [waiting])


@hooks.personal_data.register
def personal_data(person: Any) -> Iterable[Extract]:
    """What the person was told, and how they wish to be told."""
    return [
        extract("notices", _l("What you were told"), queries.columns(Notice, person)),
        extract("topic_choices", _l("How letters come to you"), queries.columns(TopicChoice, person)),
        extract("calendar_feed", _l("Since when your calendar has an address"), queries.columns(CalendarFeed, person)),
    ]
