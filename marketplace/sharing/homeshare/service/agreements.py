"""The agreement of two: begun of what both answered, changed by the coordinator, signed by both as it stands."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, money
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.layouts.agreements import terms_of, text_of
from marketplace.sharing.homeshare.models.agreements import SETTLED, SIGNED_AS_IT_IS, Agreement, Signature, digest_of
from marketplace.sharing.homeshare.models.matches import Match, MatchState
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import living
from marketplace.sharing.homeshare.service.matches import expect, expect_tends, own_side
from marketplace.sharing.homeshare.service.telling import record_match, tell_both


def begin(match: Match) -> Agreement:
    """The first edition, of what both answered."""
    return _edition(match, terms_of(match.student.answers, match.home.answers), 1, None)


def _edition(match: Match, terms: Mapping[str, Any], number: int, by: Person | None) -> Agreement:
    text = text_of(terms)
    made = Agreement(
        match_id=match.id, number=number, terms=dict(terms), text=text, digest=digest_of(text),
        made_by_id=by.id if by else None, made_at=clock.now(), signatures=[],
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def change(coordinator: Person, match: Match, terms: Mapping[str, Any]) -> Agreement:
    """Settle something else: a new edition, which nobody has signed. The same terms again change nothing.

    Raises SignedByBoth, RentOutOfBounds, MovesInThePast, MatchWentOn or OwnMatch.
    """
    expect_tends(coordinator, match)
    match = queries.held(match.id)
    expect(match, MatchState.AGREEING)
    current = queries.get_agreement(match)
    _expect_allowed(terms)
    settled = {**current.terms, **terms}
    if settled == current.terms:
        return current
    try:
        with db.session.begin_nested():
            current.replaced_at = clock.now()
            db.session.flush()
            made = _edition(match, settled, current.number + 1, coordinator)
    except sa.exc.IntegrityError as refused:
        if db.violates(refused, SETTLED):
            raise errors.SignedByBoth from refused
        raise
    tell_both(match, "agreement_changed")
    record_match(coordinator, match, "agreement_changed", number=made.number)
    return made


def _expect_allowed(terms: Mapping[str, Any]) -> None:
    pack = programme().pack
    if not pack.least_rent <= terms.get("rent", pack.least_rent) <= pack.most_rent:
        raise errors.RentOutOfBounds(
            least=money.show(pack.least_rent), most=money.show(pack.most_rent), field="rent"
        )  # fmt: skip
    if "moves_in_on" in terms and date.fromisoformat(terms["moves_in_on"]) < clock.today():
        raise errors.MovesInThePast(field="moves_in_on")


def sign(person: Person, match: Match, digest: str) -> Agreement:
    """Agree to the text of this digest, for one's own side, once. When both have, moving in is all that is left.

    Raises AgreementChanged if another text stands by now, MatchWentOn if nothing is to be signed.
    """
    side, match = own_side(person, match), queries.held(match.id)
    current = queries.get_agreement(match)
    if current.signature_of(side) is not None and current.digest == digest:
        return current
    expect(match, MatchState.AGREEING)
    if current.digest != digest:
        raise errors.AgreementChanged
    signature = Signature(
        agreement_id=current.id, digest=digest, side=side, by_id=person.id, signed_at=clock.now()
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(signature)
    except sa.exc.IntegrityError as refused:
        if db.violates(refused, SIGNED_AS_IT_IS):
            raise errors.AgreementChanged from refused
        raise
    record_match(person, match, "signed", number=current.number)
    current = queries.get_agreement(match)
    if current.is_signed:
        tell_both(match, "signed")
        living.move_in(match, current)
    return current
