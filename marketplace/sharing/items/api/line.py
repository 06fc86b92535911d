"""The line for a thing that others have, for programs: joining it, seeing one's place, leaving."""

from flask import Blueprint, url_for

from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _l
from marketplace.sharing.items import errors
from marketplace.sharing.items.api._shared import LOANS, OFTEN, known
from marketplace.sharing.items.models.lending import InLine
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import line as queries
from marketplace.sharing.items.schemas.lending import PlaceInLineRecord
from marketplace.sharing.items.schemas.loans import Wait
from marketplace.sharing.items.service import line
from marketplace.web.access import current_person, residents
from marketplace.web.api import Created, With, endpoint, expect_unchanged
from marketplace.web.security import limited

bp = Blueprint("line_api", __name__, url_prefix="/api/v1")


@bp.get("/items/<int:item_id>/line")
@residents
@endpoint(summary=_l("Your place in the line for a thing."), tag=LOANS, answer=PlaceInLineRecord)
def get_place_in_line(item_id: int) -> With:
    """Where the person stands, and what is kept for them."""
    item = known(item_id)
    return _told(_own(item), item)


@bp.post("/items/<int:item_id>/line")
@residents
@limited(*OFTEN)
@endpoint(
    summary=_l("Wait for a thing that others have."),
    tag=LOANS,
    body=Wait,
    answer=PlaceInLineRecord,
    status=201,
    refuses=(
        errors.NotOffered, errors.OwnThing, errors.NotVerified, errors.OtherDistrict, errors.NotAMember,
        errors.TooLong, errors.FreeNow, errors.InLineAlready, errors.TooManyLines,
    ),
)  # fmt: skip
def join_line(item_id: int, days: int) -> Created:
    """A place at the end."""
    item = known(item_id)
    place = line.join(current_person(), item, days)
    return Created(_told(place, item), url_for(".get_place_in_line", item_id=item_id))


@bp.delete("/items/<int:item_id>/line")
@residents
@endpoint(summary=_l("Wait no longer; what is kept for you goes to the next."), tag=LOANS, status=204)
def leave_line(item_id: int) -> None:
    """Leave."""
    item = known(item_id)
    place = _own(item)
    expect_unchanged(PlaceInLineRecord, _told(place, item))
    line.pass_on(place, item)


def _own(item: Item) -> InLine:
    place = queries.place_of(current_person(), item)
    if place is None:
        raise NotFound
    return place


def _told(place: InLine, item: Item) -> With:
    first, last = queries.kept(place) or (None, None)
    return With(
        place, position=queries.position_of(place), expected=queries.expected(item, place.days),
        offered_first=first, offered_last=last,
    )  # fmt: skip
