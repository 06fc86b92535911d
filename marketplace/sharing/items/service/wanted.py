"""The wanted board: posting what one looks for, asking owners nearby for it, offering, and ending it."""

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.notifications import service as notifications
from marketplace.civic.places.queries import point_of
from marketplace.kernel import audit, cells, clock, db, events, search, things
from marketplace.kernel.access import permit
from marketplace.kernel.errors import DomainError
from marketplace.kernel.geo import Point
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.models.wanted import (
    ONLY_OFFERED,
    AskMe,
    Ending,
    WantedAsked,
    WantedOffer,
    WantedPost,
)
from marketplace.sharing.items.queries import availability, listings
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.queries import wanted as queries
from marketplace.sharing.items.service import places

MOST_OPEN, MOST_A_DAY = 3, 5
MOST_ASKED = 20
"""So many owners at most are asked for one thing."""

KEPT = timedelta(days=365)
AT_ONCE = 500

# --- posting ---


def post(
    person: Person,
    point: Point,
    *,
    title: str,
    category: str,
    first: date,
    last: date,
    quantity: int = 1,
    description: str = "",
) -> WantedPost:
    """Say on the board what one looks for, and ask owners near a point who agreed to be asked.

    The point is not kept; the post says the district. Raises NotVerifiedToPost, OutsideTheCity, TooManyWanted or
    TooManyWantedToday; and Suspended or NotConfirmed of an account.
    """
    expect_may_act(person)
    if not person.is_verified:
        raise errors.NotVerifiedToPost
    made = WantedPost(
        person=person, title=title, category=category, first_day=first, last_day=last, quantity=quantity,
        description=description, district_id=places.district_of(person, point),
    )  # fmt: skip
    owners = queries.owners_to_ask(made, person, point, MOST_ASKED)
    one_at_a_time(person.id, *owners)
    if queries.count_open(person) >= MOST_OPEN:
        raise errors.TooManyWanted(most=MOST_OPEN)
    if queries.count_since(person, clock.now() - timedelta(days=1)) >= MOST_A_DAY:
        raise errors.TooManyWantedToday(most=MOST_A_DAY)
    db.session.add(made)
    db.session.flush()
    search.index(queries.SEARCH_KIND, made.id, queries.words_of(made))
    audit.record(person.id, "items.wanted", subject(made))
    events.emit(
        "wanted.posted", subject(made), category=category, first_day=first.isoformat(), last_day=last.isoformat(),
        quantity=quantity, district_id=made.district_id,
    )  # fmt: skip
    _ask(made, owners)
    return made


def _ask(made: WantedPost, owners: list[int]) -> None:
    asked = queries.may_still_be_asked(owners)
    db.session.add_all(WantedAsked(post_id=made.id, person_id=owner_id) for owner_id in asked)
    db.session.flush()
    if asked:
        notifications.tell(asked, "items.wanted_nearby", things.of("wanted", made))


def point_for(person: Person, near: str, latitude: float | None, longitude: float | None) -> Point:
    """From where owners are asked: the place named, else where the person's own things are fetched.

    Raises NoPlaceToAskFrom if there is neither, and what `point_of` raises.
    """
    named = point_of(near, latitude, longitude)
    if named is not None:
        return named
    own = listings.place_of(person)
    if own is None:
        raise errors.NoPlaceToAskFrom(field="near")
    return cells.centre(own.cell)


def end(person: Person, wanted: WantedPost, ending: Ending) -> None:
    """Look for it no more, because it was found or is not needed. Raises WantedNoMore."""
    permit(policy.may_end, person, wanted)
    wanted = queries.get_post(wanted.id, lock=True)
    if not wanted.is_open:
        raise errors.WantedNoMore
    _end(wanted, ending)
    audit.record(person.id, f"items.wanted_{ending.value}", subject(wanted))


def _end(wanted: WantedPost, ending: Ending) -> None:
    wanted.ended_at, wanted.ending = clock.now(), ending
    db.session.flush()
    search.forget(queries.SEARCH_KIND, wanted.id)


def end_past() -> None:
    """End what was wanted until yesterday, some at a time."""
    for wanted in queries.past(AT_ONCE):
        _end(wanted, Ending.OVER)


def subject(wanted: WantedPost) -> str:
    """What the record keeps, and reports name."""
    return things.subject("wanted", wanted.id)


# --- offering ---


def broken_rule(owner: Person, wanted: WantedPost, item: Item) -> DomainError | None:
    """Why a thing cannot be offered: the first of its rules that lending it to the poster on those days would break.

    Fewer pieces than are wanted may be offered. Needs `wanted.person`.
    """
    first = max(wanted.first_day, clock.today())
    quantity = max(1, min(wanted.quantity, len(item.ready_units)))
    member_of = loan_queries.member_of(wanted.person, item)
    if wanted.person_id == owner.id:
        return errors.OwnWish()
    if refusal := policy.broken_rule(item, wanted.person, member_of, first, wanted.last_day, quantity):
        return refusal
    free = availability.free_pieces([item], first, wanted.last_day)[item.id]
    return None if free >= quantity else errors.AlreadyPromised()


def offer(owner: Person, wanted: WantedPost, item: Item) -> WantedOffer:
    """Offer one of one's things to whoever looks for such a one, who is told of it.

    Raises the thing's broken rule, AlreadyPromised, WantedNoMore, OfferedAlready or NotOffered.
    """
    permit(policy.may_edit, owner, item)
    expect_may_act(owner)
    item = listings.get_item(item.id, lock=True)
    wanted = queries.get_post(wanted.id, lock=True)
    if not wanted.is_open or wanted.hidden_at:
        raise errors.WantedNoMore
    if refusal := broken_rule(owner, wanted, item):
        raise refusal
    if queries.offer_of(wanted, item):
        raise errors.OfferedAlready
    made = WantedOffer(post=wanted, item=item)
    db.session.add(made)
    try:
        db.session.flush()
    except IntegrityError as failure:
        if db.violates(failure, ONLY_OFFERED):
            raise errors.NotOffered from failure
        raise
    audit.record(owner.id, "items.offered", things.subject("item", item.id), wanted=wanted.id)
    notifications.tell(wanted.person_id, "items.offered", things.of("wanted", wanted), item=item.title)
    return made


def take_back(owner: Person, wanted: WantedPost, item: Item) -> None:
    """Offer it no more."""
    permit(policy.may_edit, owner, item)
    if made := queries.offer_of(wanted, item):
        db.session.delete(made)
        db.session.flush()


# --- being asked ---


def choose(person: Person, within: int | None) -> None:
    """Agree to be asked from so many metres, or not to be asked any more."""
    expect_may_act(person)
    one_at_a_time(person.id)
    agreed = queries.ask_me(person)
    if within is None:
        db.session.execute(sa.delete(AskMe).where(AskMe.person_id == person.id))
    elif agreed is None:
        db.session.add(AskMe(person_id=person.id, within=within))
    else:
        agreed.within = within
    db.session.flush()


# --- moderation, leaving, forgetting ---


def keep_out_of_sight(wanted: WantedPost, hidden: bool) -> None:
    """Take a post off the board, or show it again, because moderators say so."""
    wanted.hidden_at = (wanted.hidden_at or clock.now()) if hidden else None
    db.session.flush()


def remove(wanted: WantedPost) -> None:
    """Delete its words for good; it is looked for no more."""
    wanted.title, wanted.description = categories.words_of(wanted.category)[:100], ""
    if wanted.ended_at is None:
        wanted.ended_at, wanted.ending = clock.now(), Ending.WITHDRAWN
    db.session.flush()
    search.forget(queries.SEARCH_KIND, wanted.id)


def give_up(person: Person) -> None:
    """Look for nothing, offer nothing and be asked no more, because the person leaves."""
    going_on = sa.select(WantedPost).where(WantedPost.person_id == person.id, WantedPost.ended_at.is_(None))
    for wanted in db.session.scalars(going_on).all():
        _end(wanted, Ending.WITHDRAWN)
    own = sa.select(Item.id).where(Item.owner_id == person.id)
    db.session.execute(sa.delete(WantedOffer).where(WantedOffer.item_id.in_(own)))
    db.session.execute(sa.delete(AskMe).where(AskMe.person_id == person.id))


def erase(person: Person) -> None:
    """Delete what a person looked for and was offered, what they offered, and that they were asked."""
    give_up(person)
    db.session.execute(sa.delete(WantedAsked).where(WantedAsked.person_id == person.id))
    _delete(list(db.session.scalars(sa.select(WantedPost.id).where(WantedPost.person_id == person.id))))


def thin() -> None:
    """Delete what ended a year ago, and forget who was asked more than a week ago, some at a time."""
    _delete(list(db.session.scalars(queries.over_since(clock.now() - KEPT, AT_ONCE))))
    long_ago = WantedAsked.asked_at <= clock.now() - queries.LETTERS_SINCE
    db.session.execute(sa.delete(WantedAsked).where(long_ago))


def _delete(ids: list[int]) -> None:
    for model, column in ((WantedOffer, WantedOffer.post_id), (WantedAsked, WantedAsked.post_id)):
        db.session.execute(sa.delete(model).where(column.in_(ids)))
    db.session.execute(sa.delete(WantedPost).where(WantedPost.id.in_(ids)))
