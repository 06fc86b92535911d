"""A thing changing hands: six digits, two sides, and what each of them said."""

from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import clock, db, things
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Handover, Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import handing, loans
from tests import factories
from tests.factories import item, loan, neighbour
from tests.sharing.items.test_loans import anew, at, held, news, owner_of

GOOD: dict[str, Any] = {"condition": Condition.GOOD}


@pytest.fixture
def agreed(monday) -> Loan:
    """Agreed from the 4th to the 6th; it is the morning of the 4th."""
    made = loan(item(parts={"drill bits": 3, "battery": 1}), 4, 6)
    loans.accept(owner_of(made.item), made)
    monday(at(4, 9))
    return made


def given(one: Loan, way: Way = Way.OUT, **facts) -> str:
    giver = owner_of(one.item) if way is Way.OUT else one.borrower
    return handing.offer(giver, one, way, **{**GOOD, **facts})[1]


def taken(one: Loan, way: Way = Way.OUT, **facts) -> Handover:
    taker = one.borrower if way is Way.OUT else owner_of(one.item)
    return handing.take(taker, one, way, given(one, way), **facts)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_thing_goes_out_and_comes_back_and_both_sides_say_how_it_is(agreed, monday):
    owner, borrower = owner_of(agreed.item), agreed.borrower
    code = given(agreed, counts=[2, 1], note=" One bit is blunt. ")
    monday(at(4, 10))
    out = handing.take(borrower, agreed, Way.OUT, f" {code[:3]} {code[3:]} ")

    assert (agreed.state, agreed.out_at) == (LoanState.OUT, at(4, 10))
    assert (out.made_at, out.taken_at, out.given_by_id, out.taken_by_id) == (
        at(4, 9), at(4, 10), owner.id, borrower.id,
    )  # fmt: skip
    assert [(part.name, part.expected, part.counted) for part in out.parts] == [("drill bits", 3, 2), ("battery", 1, 1)]
    assert out.note == "One bit is blunt."
    monday(at(5, 10))
    back = taken(agreed, Way.BACK, agreed=False, remark="The case is cracked.")

    assert (agreed.state, back.agreed, back.remark) == (LoanState.RETURNED, False, "The case is cracked.")
    assert held(agreed.item) == 0
    assert queries.handovers_of(agreed).keys() == {Way.OUT, Way.BACK}
    assert news(owner)[-2:] == ["items.went_out", "items.is_back"]
    assert news(borrower)[-1] == "items.came_back"
    monday(at(6, 9.9))
    loans.run_out()
    assert anew(agreed).state is LoanState.RETURNED
    monday(at(6, 10))
    loans.run_out()
    assert anew(agreed).state is LoanState.CLOSED


def test_a_return_before_the_hand_over_is_refused(agreed):
    with pytest.raises(errors.NotYetHandedOver):
        given(agreed, Way.BACK)
    with pytest.raises(errors.NotYetHandedOver):
        handing.take(owner_of(agreed.item), agreed, Way.BACK, "123456")


def test_nothing_is_handed_over_early_twice_or_after_the_end(agreed, monday):
    monday(at(3, 20))
    with pytest.raises(errors.TooEarly):
        given(agreed)
    monday(at(4, 9))
    taken(agreed)
    with pytest.raises(errors.NoLongerOpen):
        given(agreed)
    taken(agreed, Way.BACK)
    with pytest.raises(errors.NoLongerOpen):
        given(agreed, Way.BACK)


def test_only_the_side_that_has_it_gives_and_the_other_takes(agreed):
    owner, borrower, stranger = owner_of(agreed.item), agreed.borrower, neighbour()
    for person in (borrower, stranger):
        with pytest.raises(Forbidden):
            handing.offer(person, agreed, Way.OUT, **GOOD)
    code = given(agreed)
    for person in (owner, stranger):
        with pytest.raises(Forbidden):
            handing.take(person, agreed, Way.OUT, code)
    handing.take(borrower, agreed, Way.OUT, code)
    for person in (owner, stranger):
        with pytest.raises(Forbidden):
            handing.offer(person, agreed, Way.BACK, **GOOD)


def test_without_an_offer_there_is_no_code(agreed):
    assert isinstance(handing.try_code(agreed, Way.OUT, "000000"), errors.NoCode)
    with pytest.raises(errors.NoCode):
        handing.take(agreed.borrower, agreed, Way.OUT, "000000")


def test_five_wrong_tries_use_a_code_up_and_a_new_one_works(agreed):
    code = given(agreed)
    lefts = [handing.try_code(agreed, Way.OUT, wrong(code)) for _ in range(4)]
    assert [one.details["left"] for one in lefts if isinstance(one, errors.WrongCode)] == [4, 3, 2, 1]
    assert isinstance(handing.try_code(agreed, Way.OUT, wrong(code)), errors.CodeUsedUp)

    assert isinstance(handing.try_code(agreed, Way.OUT, code), errors.CodeUsedUp)
    with pytest.raises(errors.CodeUsedUp):
        handing.take(agreed.borrower, agreed, Way.OUT, code)
    anew_code = given(agreed)
    assert handing.try_code(agreed, Way.OUT, anew_code) is None
    handing.take(agreed.borrower, agreed, Way.OUT, anew_code)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３", "²"])
def test_what_is_no_code_is_wrong(agreed, typed):
    given(agreed)
    assert isinstance(handing.try_code(agreed, Way.OUT, typed), errors.WrongCode)


def test_the_code_stands_nowhere_in_the_database(agreed):
    handover, code = handing.offer(owner_of(agreed.item), agreed, Way.OUT, **GOOD)
    row = db.session.execute(sa.select(*Handover.__table__.columns).where(Handover.id == handover.id)).one()

    assert len(code) == 6
    assert not any(code in str(value) for value in row)


def test_a_code_said_anew_replaces_the_one_before(agreed):
    first, second = given(agreed), given(agreed, condition=Condition.WORN)

    assert db.count(sa.select(Handover.id)) == 1
    assert handing.try_code(agreed, Way.OUT, second) is None
    if first != second:
        assert isinstance(handing.try_code(agreed, Way.OUT, first), errors.WrongCode)


def test_a_difference_needs_words(agreed):
    with pytest.raises(errors.RemarkMissing):
        taken(agreed, agreed=False, remark=" ")


def test_pictures_of_both_sides_are_seen_by_both_and_nobody_else(agreed):
    owner, borrower = owner_of(agreed.item), agreed.borrower
    code = given(agreed, pictures=[factories.upload(owner).id])
    handover = handing.take(borrower, agreed, Way.OUT, code, pictures=[factories.upload(borrower).id])

    subject = things.subject("handover", handover.id)
    assert {one.person_id for one in of_subjects([subject])[subject]} == {owner.id, borrower.id}
    thing = things.find(subject)
    assert thing is not None
    assert thing.seen_by(owner) and thing.seen_by(borrower)  # noqa: PT018 - one fact
    assert not thing.seen_by(neighbour())


def test_a_piece_that_is_still_out_is_not_handed_over_again(agreed, monday):
    taken(agreed)
    following = loan(agreed.item, 7, 8)
    loans.accept(owner_of(agreed.item), following)
    monday(at(7, 9))
    code = given(following)
    db.session.commit()
    first, second = agreed.reference, following.reference

    with pytest.raises(errors.StillOut), db.session.begin_nested():
        handing.take(following.borrower, following, Way.OUT, code)
    db.session.expunge_all()
    taken(queries.get_loan(first), Way.BACK)
    again = queries.get_loan(second)
    assert again.state is LoanState.ACCEPTED
    handing.take(again.borrower, again, Way.OUT, code)
    assert again.out_at == clock.now()
