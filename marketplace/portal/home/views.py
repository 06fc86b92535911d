"""The first page, my page, and what the city says about the service: accessibility, privacy, source code."""

from flask import Blueprint, Response

from marketplace.civic.places import queries as places
from marketplace.kernel import clock, hooks, retention
from marketplace.sharing.spaces.queries import rooms
from marketplace.web.access import current_person, public, residents
from marketplace.web.pages import page

bp = Blueprint("home", __name__)


@bp.get("/")
@public
def home() -> Response:
    """What the city shares, starting with a search for a room."""
    return page(
        "portal/home/home.html",
        rooms=rooms.count_open(),
        buildings=places.count_buildings(),
        districts=places.districts(),
        first_day=clock.today(),
    )


@bp.get("/my")
@residents
def mine() -> Response:
    """The one civic account: what waits for the person, what was agreed, what was said, and the pages about it all."""
    person = current_person()
    return page(
        "portal/home/mine.html",
        person=person,
        waiting=hooks.waits_for_me.ask(person),
        coming=hooks.coming_up.ask(person),
        said=hooks.own_words.ask(person),
        links=hooks.account_links.ask(person),
    )


@bp.get("/about")
@public
def about() -> Response:
    """What Maeul is, and whose."""
    return page("portal/home/about.html")


@bp.get("/accessibility")
@public
def accessibility() -> Response:
    """How the pages can be used, and what to do if they cannot."""
    return page("portal/home/accessibility.html")


@bp.get("/privacy")
@public
def privacy() -> Response:
    """What is stored about people, why, and for how long."""
    return page("portal/home/privacy.html", kept=retention.all_kept())


@bp.get("/health")
@public
def health() -> Response:
    """Whether the application and its database answer, for a load balancer."""
    rooms.count_open()
    return Response("ok\n", content_type="text/plain")
