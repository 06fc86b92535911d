"""What neighbours look for, what is offered to them, and who is asked: owners nearby who agreed to it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.queries import group_ids
from marketplace.kernel import cells, clock, db, search
from marketplace.kernel.errors import NotFound
from marketplace.kernel.geo import Point
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Audience, Item
from marketplace.sharing.items.models.wanted import AskMe, WantedAsked, WantedOffer, WantedPost
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries.search import Wanted, matching

SEARCH_KIND = "wanted"
MOST_LETTERS, LETTERS_SINCE = 3, timedelta(days=7)
"""So many times in so long, at most, one owner is asked."""

MOST_OWN = 12

# --- the board ---


def _whole(query: sa.Select[WantedPost]) -> sa.Select[WantedPost]:
    return query.options(joinedload(WantedPost.person), joinedload(WantedPost.district))


def still_open() -> sa.ColumnElement[bool]:
    """That something is still looked for."""
    return sa.and_(WantedPost.ended_at.is_(None), WantedPost.last_day >= clock.today())


def board(
    words: str = "", category: str | None = None, district_id: int | None = None, *, after: int | None = None
) -> sa.Select[WantedPost]:
    """What is looked for, the latest first; `after` goes on behind a post."""
    query = _whole(sa.select(WantedPost)).where(still_open(), WantedPost.hidden_at.is_(None))
    if words.strip():
        query = query.where(WantedPost.id.in_(search.matching(SEARCH_KIND, words)))
    if category:
        query = query.where(WantedPost.category.in_(categories.with_all_below(category)))
    if district_id:
        query = query.where(WantedPost.district_id == district_id)
    if after is not None:
        query = query.where(WantedPost.id < after)
    return query.order_by(WantedPost.id.desc())


def posts_of(person: Person) -> sa.Select[WantedPost]:
    """What a person looks for and looked for, the latest first."""
    return _whole(sa.select(WantedPost)).where(WantedPost.person_id == person.id).order_by(WantedPost.id.desc())


def get_post(post_id: int, *, lock: bool = False) -> WantedPost:
    """A post; locked, nobody ends or answers it meanwhile. Raises NotFound."""
    query = _whole(sa.select(WantedPost).where(WantedPost.id == post_id))
    if lock:
        query = query.with_for_update(of=WantedPost, key_share=True).execution_options(populate_existing=True)
    post = db.session.scalar(query)
    if post is None:
        raise NotFound
    return post


def by_id(ids: Collection[int]) -> dict[int, WantedPost]:
    """These posts by id."""
    return {post.id: post for post in db.session.scalars(_whole(sa.select(WantedPost)).where(WantedPost.id.in_(ids)))}


def text_of(post: WantedPost) -> str:
    """What it says in its author's words."""
    return "\n".join(filter(None, (post.title, post.description)))


def words_of(post: WantedPost) -> str:
    """What it is found by."""
    return " ".join((post.title, post.description, categories.words_of(post.category)))


def count_open(person: Person) -> int:
    """How much a person looks for now."""
    return db.count(sa.select(WantedPost).where(WantedPost.person_id == person.id, still_open()))


def count_since(person: Person, moment: datetime) -> int:
    """How much a person has posted since then, whatever became of it."""
    return db.count(sa.select(WantedPost).where(WantedPost.person_id == person.id, WantedPost.posted_at > moment))


def past(limit: int) -> Sequence[WantedPost]:
    """Posts whose days are over and that nobody has ended yet."""
    over = sa.select(WantedPost).where(WantedPost.ended_at.is_(None), WantedPost.last_day < clock.today())
    return db.session.scalars(over.order_by(WantedPost.id).limit(limit).with_for_update(skip_locked=True)).all()


# --- offers ---


def _with_item() -> list[sa.orm.strategy_options._AbstractLoad]:
    of_item = selectinload(WantedOffer.item).options(*listings.everything())
    return [of_item, joinedload(WantedOffer.post)]


def offers_to(post: WantedPost) -> Sequence[WantedOffer]:
    """What is offered to whoever posted it, the first one first."""
    query = sa.select(WantedOffer).where(WantedOffer.post_id == post.id).options(*_with_item())
    return db.session.scalars(query.order_by(WantedOffer.id)).all()


def offer_of(post: WantedPost, item: Item) -> WantedOffer | None:
    """The offer of one thing."""
    query = sa.select(WantedOffer).where(WantedOffer.post_id == post.id, WantedOffer.item_id == item.id)
    return db.session.scalar(query)


def own_to_offer(person: Person, post: WantedPost) -> Sequence[Item]:
    """What a person lends now and could offer: such things first, those of its words next, then the latest."""
    such = Item.category.in_(categories.with_all_below(post.category))
    named_so = Item.id.in_(search.holding_any(listings.SEARCH_KIND, post.title))
    rank = sa.case((sa.and_(such, named_so), 0), (such, 1), (named_so, 2), else_=3)
    query = listings.whole(sa.select(Item).where(Item.owner_id == person.id, Item.offered))
    return db.session.scalars(query.order_by(rank, Item.id.desc()).limit(MOST_OWN)).all()


def count_offers(posts: Collection[WantedPost]) -> dict[int, int]:
    """How many things that are lent now are offered to each of these posts; posts without one are left out."""
    query = sa.select(WantedOffer.post_id, sa.func.count()).join(Item, Item.id == WantedOffer.item_id)
    query = query.where(WantedOffer.post_id.in_([post.id for post in posts]), Item.offered)
    return dict(db.session.execute(query.group_by(WantedOffer.post_id)).all())


def posts_with_offers(person: Person, limit: int) -> Sequence[WantedPost]:
    """What a person looks for and someone offers, the soonest first."""
    offered = sa.exists().where(WantedOffer.post_id == WantedPost.id, WantedOffer.item_id == Item.id, Item.offered)
    query = sa.select(WantedPost).where(
        WantedPost.person_id == person.id, still_open(), WantedPost.hidden_at.is_(None), offered
    )
    return db.session.scalars(query.order_by(WantedPost.first_day, WantedPost.id).limit(limit)).all()


# --- who is asked ---


def ask_me(person: Person) -> AskMe | None:
    """Whether, and from how far, a person agreed to be asked."""
    return db.session.get(AskMe, person.id)


def owners_to_ask(post: WantedPost, poster: Person, point: Point, most: int) -> list[int]:
    """Ids of owners who agreed to be asked, lend such a thing, and may lend it to the poster.

    Those with something free on those days come first, the nearest first; nobody who was asked often lately. One
    statement for all, however many lend such things; distances are from the middle of one cell to that of the other.
    """
    member_of = group_ids(poster)
    such = Wanted(
        any_word=post.title, category=post.category, first=max(post.first_day, clock.today()), last=post.last_day,
        quantity=post.quantity,
    )  # fmt: skip
    thing = matching(such, poster, member_of).subquery()
    same_district = sa.or_(Item.audience != Audience.DISTRICT, Item.district_id == poster.district_id)
    query = (
        sa.select(Item.owner_id, AskMe.within, thing.c.id, thing.c.cell, thing.c.is_free)
        .join(Item, Item.id == thing.c.id)
        .join(AskMe, AskMe.person_id == Item.owner_id)
        .join(Person, Person.id == Item.owner_id)
        .where(Item.owner_id != poster.id, same_district, Person.erase_at.is_(None), _may_act(), _not_often())
    )
    rows = db.rows(query)
    if not rows:
        return []
    here = cells.centre(cells.cell_of(point))
    away = cells.distances(here, np.array([row.cell for row in rows], np.int64))
    near = [(not row.is_free, metres, row.id, row.owner_id) for row, metres in zip(rows, away.tolist(), strict=True)
            if metres <= row.within]  # fmt: skip
    return list(dict.fromkeys(owner_id for *_rank, owner_id in sorted(near)))[:most]


def _may_act() -> sa.ColumnElement[bool]:
    not_suspended = sa.or_(Person.suspended_until.is_(None), Person.suspended_until <= clock.now())
    return sa.and_(Person.confirmed_at.is_not(None), Person.erased_at.is_(None), not_suspended)


def _not_often() -> sa.ColumnElement[bool]:
    asked = sa.select(sa.func.count()).where(
        WantedAsked.person_id == AskMe.person_id, WantedAsked.asked_at > clock.now() - LETTERS_SINCE
    )
    return asked.correlate(AskMe).scalar_subquery() < MOST_LETTERS


def may_still_be_asked(person_ids: Collection[int]) -> list[int]:
    """Those of them who were not asked too often lately, in the same order."""
    query = sa.select(AskMe.person_id).where(AskMe.person_id.in_(person_ids), _not_often())
    left = set(db.session.scalars(query))
    return [person_id for person_id in person_ids if person_id in left]


# --- what is held about one person ---


def own_data(person: Person) -> list[Extract]:
    """What a person looked for, was offered and offered; whether and when they agreed to be asked, and were."""
    said = (WantedPost.title, WantedPost.category, WantedPost.first_day, WantedPost.last_day, WantedPost.quantity)
    became = (WantedPost.description, WantedPost.posted_at, WantedPost.ended_at, WantedPost.ending)
    posts = sa.select(*said, *became, WantedPost.hidden_at).where(WantedPost.person_id == person.id)
    offers = sa.select(WantedPost.title.label("wanted"), Item.title.label("thing"), WantedOffer.offered_at)
    offers = offers.join(WantedPost, WantedPost.id == WantedOffer.post_id).join(Item, Item.id == WantedOffer.item_id)
    asked = sa.select(WantedPost.title.label("wanted"), WantedAsked.asked_at).join(
        WantedPost, WantedPost.id == WantedAsked.post_id
    )
    agreed = sa.select(AskMe.within, AskMe.agreed_at).where(AskMe.person_id == person.id)
    to_them = offers.where(WantedPost.person_id == person.id).order_by(WantedOffer.id)
    return [
        extract("wanted", _l("What you look for"), posts.order_by(WantedPost.id)),
        extract("offered_to_you", _l("What neighbours offered you for it"), to_them),
        extract(
            "offered_by_you",
            _l("What you offered to neighbours who looked for it"),
            offers.where(Item.owner_id == person.id).order_by(WantedOffer.id),
        ),
        extract("ask_me", _l("Whether you are asked when a neighbour looks for something you have"), agreed),
        extract(
            "asked",
            _l("What you were asked for lately"),
            asked.where(WantedAsked.person_id == person.id).order_by(WantedAsked.asked_at),
        ),
    ]


def over_since(moment: datetime, limit: int) -> sa.Select[int]:
    """Posts that ended before a moment."""
    return sa.select(WantedPost.id).where(WantedPost.ended_at <= moment).order_by(WantedPost.id).limit(limit)
