"""Finding a thing to borrow: the search, with what is free on the days needed, and a thing with its free days."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.queries import group_ids
from marketplace.civic.places import queries as places
from marketplace.civic.places.errors import NoSuchPlace
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import calendar, cells, clock, db, money
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import DomainError
from marketplace.kernel.geo import Point
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, ngettext
from marketplace.kernel.writing import show_date
from marketplace.sharing.items import policy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Condition, Item
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries.availability import days, free_pieces, next_free
from marketplace.sharing.items.queries.reviews import of_thing
from marketplace.sharing.items.queries.search import Found, find, point
from marketplace.sharing.items.queries.trust import trust_in
from marketplace.sharing.items.schemas.search import WITHIN, Calendar, ItemSearch, days_of, wanted
from marketplace.web import maps
from marketplace.web.access import current_person, public
from marketplace.web.forms import Form
from marketplace.web.linked import linked, part
from marketplace.web.pages import paging, whole_address

bp = Blueprint("items", __name__)

OTHERS_SHOWN = 6
REVIEWS_SHOWN = 3
DAYS_SHOWN = 28
DAY = timedelta(days=1)


# --- search ---


@bp.get("/items/")
@public
def search() -> Response:
    """Things free on the days needed; the others with their next free day."""
    form = Form(ItemSearch(), method="GET")
    near, person = _near(form), current_person()
    member_of = group_ids(person)
    found = Found() if form.errors else find(wanted(form.data, near), person, member_of)
    shown_others = form.source.get("show") == "others"
    listed = found.others if shown_others else found.free
    pages = paging(len(listed))
    shown = listings.items(listed[pages.offset : pages.offset + pages.size].tolist())
    others = [] if shown_others else listings.items(found.others[:OTHERS_SHOWN].tolist())
    first, length = days_of(form.data)
    dated, quantity = "first" in form.data, form.data.get("quantity", 1)
    waiting = [*others, *(shown if shown_others or not dated else [])]
    areas = list(dict.fromkeys(item.cell for item in shown))
    return form.page(
        "sharing/items/search.html",
        found=found, shown=shown, others=others, shown_others=shown_others, pages=pages, dated=dated, length=length,
        near=near, first_day=clock.today(),
        categories=categories.tree(), districts=places.districts(), distances=WITHIN,
        next_free=next_free(waiting, length, first, quantity) if waiting else {},
        pieces=free_pieces(shown, first, first + (length - 1) * DAY) if dated and not shown_others else {},
        pictures=_pictures([*shown, *others]), barred=_barred([*shown, *others], person, member_of),
        numbers={cell: number for number, cell in enumerate(areas, 1)}, picture=_picture(shown, areas),
    )  # fmt: skip


def _near(form: Form) -> Point | None:
    """The point to measure from, if the place named is known."""
    try:
        return point(**{name: form.data.get(name) for name in ("near", "latitude", "longitude")})
    except NoSuchPlace as refusal:
        form.refuse("near", refusal.sentence)
        return None


def _pictures(of: Sequence[Item]) -> dict[int, list[Upload]]:
    """The pictures of each thing that can be shown."""
    found = of_subjects(subject("item", item.id) for item in of)
    return {
        item.id: [one for one in found[subject("item", item.id)] if one.is_ready and not one.problem] for item in of
    }


def _barred(of: Sequence[Item], person: Person | None, member_of: set[int]) -> dict[int, DomainError]:
    """Why this person may not borrow some of these things."""
    if person is None:
        return {}
    rules = {item.id: policy.person_rule(item, person, member_of) for item in of}
    return {item_id: rule for item_id, rule in rules.items() if rule}


def _picture(shown: Sequence[Item], areas: Sequence[int]) -> maps.Picture | None:
    """The areas in which these things are, each as a pin in its middle that leads to the first of them."""
    pins = []
    for number, cell in enumerate(areas, 1):
        here, middle = [item for item in shown if item.cell == cell], cells.centre(cell)
        label = ngettext("{n} thing around here", "{n} things around here", len(here))
        pins.append((number, label, f"#item-{here[0].id}", middle.longitude, middle.latitude))
    outlines = places.district_outlines()
    return maps.draw(outlines, pins) if outlines or pins else None


# --- a thing ---


@bp.get("/items/<int:item_id>")
@public
def item(item_id: int) -> Response:
    """A thing: what it is, its owner's rules, its free days, and the days to ask for."""
    person = current_person()
    found, member_of = listings.get_item(item_id), group_ids(person)
    reveal(policy.may_know, person, found, member_of)
    form = Form(Calendar(), method="GET")
    first, length = days_of(form.data)
    last, quantity = first + (length - 1) * DAY, form.data.get("quantity", 1)
    start = max(form.data.get("start") or first, clock.today())
    dated, end = "first" in form.data, start + (DAYS_SHOWN - 1) * DAY
    latest = clock.today() + timedelta(days=found.horizon_days)
    rule = policy.broken_rule(found, person, member_of, first, last, quantity) if dated else None
    free = free_pieces([found], first, last)[found.id] if dated and rule is None else quantity
    later = next_free([found], length, first, quantity).get(found.id)
    pictures = _pictures([found])[found.id]
    return form.page(
        "sharing/items/item.html",
        item=found, pictures=pictures, rule=rule, taken=free < quantity, dated=dated, first=first, last=last,
        quantity=quantity, barred=policy.person_rule(found, person, member_of) if person else None,
        next_free=later, next_last=later and later + (length - 1) * DAY, length=length,
        days=_days(found, start, end), possible=policy.first_possible_day(found),
        previous=max(start - DAYS_SHOWN * DAY, clock.today()) if start > clock.today() else None,
        next=end + DAY if end < latest else None,
        may_edit=policy.may_edit(person, found), picture=_picture([found], [found.cell]),
        linked=_linked(found, pictures), trust=trust_in([found.owner_id])[found.owner_id] if found.owner_id else None,
        reviews=db.session.scalars(of_thing(found, person).limit(REVIEWS_SHOWN + 1)).all(), most=REVIEWS_SHOWN,
    )  # fmt: skip


def _days(found: Item, first: date, last: date) -> list[dict[str, Any]]:
    """Each day in words: free, how many are, taken, or that nobody hands it over."""
    ready, rows = len(found.ready_units), []
    possible = policy.first_possible_day(found)
    latest = clock.today() + timedelta(days=found.horizon_days)
    for day, free in days(found, first, last).items():
        if not possible <= day <= latest:
            state, said = "closed", _("not yet") if day > latest else _("too soon")
        elif not free:
            state, said = "taken", _("taken")
        elif ready > 1:
            state, said = "free", _("{n} of {all} free", n=free, all=ready)
        else:
            state, said = "free", _("free")
        handed_over = bool(policy.hours(found, day))
        notes = [_("public holiday")] if calendar.is_holiday(day) else []
        if state == "free" and not handed_over:
            notes.append(_("no hand-over"))
        rows.append({"key": day.isoformat(), "label": show_date(day), "state": state, "said": said, "notes": notes})
    return rows


_CONDITIONS = {Condition.NEW: "NewCondition"}


def _linked(found: Item, pictures: Sequence[Upload]) -> dict[str, Any] | None:
    """The thing, and the offer to lend it; the place is the district, and a neighbour has no name."""
    if not policy.is_lent(found):
        return None
    return linked(
        "Product",
        name=found.title,
        description=found.description or found.title,
        category=found.category_title,
        url=whole_address(url_for("items.item", item_id=found.id)),
        image=[whole_address(url_for("uploads.show", key=one.key, part="large")) for one in pictures],
        itemCondition=f"https://schema.org/{_CONDITIONS.get(found.condition, 'UsedCondition')}",
        offers=part(
            "Offer",
            businessFunction="http://purl.org/goodrelations/v1#LeaseOut",
            price=money.plain(found.fee),
            priceCurrency=money.currency(),
            areaServed=found.district.name if found.district else None,
            offeredBy=part("Library", name=found.library.title) if found.library else part("Person"),
        ),
    )
