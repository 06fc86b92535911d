"""What people of the demo city wrote of their loans, and whom its community centres know."""

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import RoleGrant
from marketplace.civic.vouches import queries as vouch_queries
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import clock, db
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import BROUGHT_BACK, Loan
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.queries import reviews as queries
from marketplace.sharing.items.service import reviews as service

KOREAN = re.compile(r"[가-힣]")


@pytest.fixture
def written(city) -> list[Review]:
    both = (joinedload(Review.loan), joinedload(Review.author))
    return list(db.session.scalars(sa.select(Review).options(*both).order_by(Review.id)))


def test_a_part_of_the_loans_that_were_brought_back_is_told_of_by_either_side(written):
    back = db.count(sa.select(Loan.id).where(Loan.state.in_(BROUGHT_BACK)))
    for by_borrower in (True, False):
        told = [one for one in written if one.by_borrower == by_borrower]
        assert 0.1 * back < len(told) < 0.9 * back


def test_each_was_written_in_its_time_and_opened_when_the_service_would_have_opened_it(written):
    midnight = clock.at(clock.today(), 0)
    by_loan: dict[int, list[Review]] = {}
    for one in written:
        by_loan.setdefault(one.loan_id, []).append(one)
    for pair in by_loan.values():
        loan = pair[0].loan
        back, closes = loan.returned_at, policy.reviewed_until(loan)
        assert back is not None
        assert closes is not None
        opens = max(one.written_at for one in pair) if len(pair) == 2 else closes
        for one in pair:
            assert back < one.written_at < midnight
            assert (one.opens_at, one.closes_at) == (opens, closes)
            assert one.told_at == (opens if opens < midnight else None)
            assert one.replied_at is None or opens < one.replied_at < midnight
    assert any(not one.is_open for one in written)
    assert sum(one.replied_at is not None for one in written) > 3


def test_everyone_writes_in_a_language_of_their_own(written):
    for one in written:
        assert bool(KOREAN.search(one.text)) == (one.author.language == "ko"), one.text
    assert {one.author.language for one in written} == {"en", "ko"}


def test_the_resident_reads_some_and_may_still_tell_of_others(written, shown):
    resident = shown("resident")
    assert len([one for one in written if one.borrower_id == resident.id and one.is_open]) >= 3
    assert len(list(db.session.scalars(queries.to_write(resident)).unique())) >= 1


def test_the_clock_changes_nothing_that_was_written_before_today(written):
    service.thin()
    assert db.count(sa.select(Review.id)) == len(written)
    untold = queries.just_opened(1000)
    assert all(one.opens_at >= clock.at(clock.today(), 0) for one in untold)


def test_community_centres_know_some_people_who_agreed(city, shown):
    made = list(db.session.scalars(sa.select(Vouch)))
    managers = {tuple(row) for row in db.session.execute(sa.select(RoleGrant.building_id, RoleGrant.person_id))}
    assert city["vouches"] == sum(one.agreed_at is not None for one in made) >= 3
    assert all((one.building_id, one.made_by_id) in managers for one in made)
    assert [one.agreed_at is None for one in vouch_queries.vouches_for(shown("newcomer"))] == [True]
    assert [one.agreed_at is None for one in vouch_queries.vouches_for(shown("resident"))] == [False]
