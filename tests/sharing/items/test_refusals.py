"""How often owners decline: what is counted, what is hidden, and who reads it."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import clock, db, words
from marketplace.kernel.disclosure import Hidden
from marketplace.sharing.items.models.lending import Loan, LoanState, Refusal
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries.refusals import Group, figures
from tests import factories
from tests.factories import item, neighbour, sign_in

FEBRUARY = date(2027, 2, 1)


def answered(by: Person, thing: Item, *, declined: int = 0, accepted: int = 0, month: date = FEBRUARY) -> None:
    """So many requests of someone, answered in a month."""
    for number in range(declined + accepted):
        no, moment = number < declined, clock.at(month + timedelta(days=3), 600)
        db.session.add(
            Loan(
                item_id=thing.id, borrower_id=by.id, first_day=month + timedelta(days=5),
                last_day=month + timedelta(days=6), state=LoanState.DECLINED if no else LoanState.CLOSED,
                refusal=Refusal.AWAY if no else None, decided_by_id=thing.owner_id,
                accepted_at=None if no else moment, ended_at=moment,
            )
        )  # fmt: skip
    db.session.commit()


def group(title: str) -> Group:
    return next(one for one in figures() if str(one.title) == title)


def test_the_share_declined_is_told_by_district_and_by_month():
    drill = item()
    answered(neighbour(district=factories.district("Riverside")), drill, declined=10, accepted=30)
    answered(neighbour(district=factories.district("Hillside")), drill, declined=30, accepted=10)

    lines = {str(one.name): (one.declined, one.accepted, one.rate) for one in group("By the borrower's district").lines}
    assert lines["Riverside"] == (10, 30, 0.25)
    assert lines["Hillside"] == (30, 10, 0.75)
    months = {one.name: one.rate for one in group("By month").lines}
    assert months["2027-02"] == 0.5
    assert len(months) == 1


def test_a_small_count_is_hidden_and_so_is_what_would_give_it_away():
    drill = item()
    answered(neighbour(district=factories.district("Riverside")), drill, declined=9, accepted=30)
    answered(neighbour(district=factories.district("Hillside")), drill, declined=20, accepted=30)
    answered(neighbour(district=factories.district("Old town")), drill, declined=40, accepted=30)

    shown = group("By the borrower's district")
    lines = {str(one.name): one for one in shown.lines}
    assert lines["Riverside"].declined is Hidden.SMALL
    assert lines["Hillside"].declined is Hidden.SHIELD
    assert (lines["Old town"].declined, shown.total.declined) == (40, 69)
    assert lines["Riverside"].rate is None


def test_what_nobody_answered_and_the_present_month_do_not_count():
    drill, borrower = item(), neighbour()
    answered(borrower, drill, declined=20, accepted=20)
    answered(borrower, drill, declined=20, month=date(2027, 2, 26))
    answered(borrower, drill, declined=20, month=date(2027, 1, 30))
    answered(borrower, drill, declined=50, month=date(2026, 2, 1))
    db.session.execute(sa.update(Loan).where(Loan.state == LoanState.CLOSED).values(decided_by_id=None))

    total = group("By month").total
    assert (total.declined, total.accepted) == (40, Hidden.SMALL)


def test_only_administrators_read_it_and_no_owner_is_named(browser, statements):
    owner = neighbour("Minsu Lee")
    answered(neighbour("Sunhee Kim"), item(owner=owner), declined=12, accepted=12)
    for person in (owner, factories.person(roles=[Role.MODERATOR])):
        sign_in(browser, person)
        assert {browser.get(f"/items/refusals{end}").status_code for end in ("", ".csv")} == {404}
    sign_in(browser, factories.person("Admin", roles=[Role.ADMINISTRATOR]))
    for language in words.LANGUAGES:
        page = browser.get(f"/items/refusals?language={language}")
        assert page.status_code == 200
        assert "50.0 %" in page.text
    file = browser.get("/items/refusals.csv?language=en").text
    assert "Verified or not,Verified resident,12,12,50.0 %" in file
    assert "Minsu" not in page.text + file
    assert "Sunhee" not in page.text + file


@pytest.mark.parametrize("people", [1, 4])
def test_the_figures_cost_two_statements(statements, people):
    drill = item()
    for _ in range(people):
        answered(neighbour(), drill, declined=2)
    db.session.expire_all()
    with statements() as seen:
        figures()
    assert len(seen) == 2
