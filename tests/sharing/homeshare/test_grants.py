"""Grants for repairs: asked for by hosts, decided by one coordinator, paid by another."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, clock, db
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.grants import ERASED, Grant, GrantState, Repair
from marketplace.sharing.homeshare.queries import grants as queries
from marketplace.sharing.homeshare.service import grants
from tests import factories
from tests.conftest import MONDAY
from tests.kernel.test_occupancy_race import disconnect, race


def asked(home=None, amount=400_000, **facts):
    home = home or factories.home()
    host = db.session.get_one(Person, home.person_id)
    return grants.ask(host, home, Repair.HEATING, amount, "The boiler is old.", **facts)


def granted(by):
    return grants.grant(by, asked(), "As the rules have it.")


def done(by):
    found = granted(by)
    return grants.report_done(db.session.get_one(Person, found.host_id), found)


def refused(name):
    return pytest.raises(sa.exc.IntegrityError, match=name)


def changed(grant, **values):
    db.session.execute(sa.update(Grant).where(Grant.id == grant.id).values(**values))


def test_a_grant_goes_from_the_host_over_two_coordinators_to_payment(monday):
    first, second = factories.coordinator(), factories.coordinator("Dora Coordinator")
    found = done(first)

    grants.pay(second, found, clock.today(), clock.today())

    assert found.state is GrantState.PAID
    assert (found.decided_by_id, found.paid_by_id) == (first.id, second.id)


def test_a_grant_that_is_declined_is_over_and_leaves_its_sum_to_be_asked_for(monday):
    home = factories.home()
    found = asked(home, 900_000)
    grants.decline(factories.coordinator(), found, "The landlord has to do this.")

    with pytest.raises(errors.GrantWentOn):
        grants.grant(factories.coordinator("Dora Coordinator"), found, "Or yes.")
    assert asked(home, 1_000_000).most == 1_000_000


def test_no_room_gets_more_than_the_programme_pays_for_one(monday):
    home = factories.home(rooms=2)
    grants.grant(factories.coordinator(), asked(home, 700_000), "Good.")

    with pytest.raises(errors.GrantTooLarge):
        asked(home, 300_001)
    assert asked(home, 1_000_000, room=2).room == 2


def test_a_host_asks_for_one_grant_at_a_time(monday):
    home = factories.home()
    asked(home, 100_000)

    with pytest.raises(errors.AskedAlready):
        asked(home, 100_000)


def test_whoever_grants_does_not_pay(monday):
    coordinator = factories.coordinator()
    found = done(coordinator)

    with pytest.raises(errors.PaidBySamePerson):
        grants.pay(coordinator, found, clock.today(), clock.today())
    assert list(db.session.scalars(queries.to_judge(coordinator))) == []


def test_nobody_decides_about_their_own_home(monday):
    coordinator = factories.coordinator()
    found = asked(factories.home(coordinator))

    with pytest.raises(Forbidden):
        grants.grant(coordinator, found, "Mine.")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (lambda grant: {"amount": grant.most + 1}, "within_bounds"),
        (lambda grant: {"state": GrantState.PAID, "closed_at": clock.now()}, "paid"),
        (lambda grant: {"reason": " "}, "decision_has_a_reason"),
        (
            lambda grant: {
                "state": GrantState.PAID, "closed_at": clock.now(), "paid_by_id": grant.decided_by_id,
                "paid_on": clock.today(), "invoice_seen_on": clock.today(),
            },
            "two_people",
        ),
        (lambda grant: {"decided_by_id": grant.host_id}, "not_for_oneself"),
        (lambda grant: {"done_at": None}, "done"),
    ],
)  # fmt: skip
def test_the_database_holds_the_states_fast(monday, values, name):
    found = done(factories.coordinator())

    with refused(name):
        changed(found, **values(found))


def test_words_go_with_who_wrote_them_and_after_a_year_and_the_row_after_five(monday):
    coordinator = factories.coordinator()
    found = asked()
    grants.decline(coordinator, found, "The landlord has to do this.")

    monday(MONDAY + timedelta(days=366))
    grants.thin()
    db.session.refresh(found)
    assert (found.words, found.reason) == ("", ERASED)

    monday(MONDAY + timedelta(days=5 * 365 + 1))
    grants.thin()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Grant)) == 0


# --- pages ---


def test_a_host_asks_a_coordinator_grants_and_another_pays_by_their_pages(browser, monday, letters):
    home = factories.home()
    host = db.session.get_one(Person, home.person_id)
    first, second = factories.coordinator(), factories.coordinator("Dora Coordinator")
    factories.sign_in(browser, host)
    assert browser.send("/homeshare/grants/new", repair="lock", amount="1000001", words="A lock.").status_code == 422
    sent = browser.send("/homeshare/grants/new", repair="lock", amount="90000", words="The door does not lock.")
    assert sent.status_code == 303
    path = sent.headers["Location"]
    assert "waits for a coordinator" in browser.get(path).text
    assert "₩90,000" in browser.get("/homeshare/grants").text

    factories.sign_in(browser, first)
    assert path in browser.get("/homeshare/staff/grants").text
    assert "The door does not lock." in browser.get(path).text
    assert browser.send(f"{path}/decide", granted="true").status_code == 422
    assert browser.send(f"{path}/decide", reason="Nothing chosen is not a no.").status_code == 422
    assert browser.send(f"{path}/decide", granted="true", reason="A lock is a must.").status_code == 303

    factories.sign_in(browser, host)
    assert "A lock is a must." in browser.get(path).text
    assert browser.send(f"{path}/done").status_code == 303

    factories.sign_in(browser, first)
    paid = {"invoice_seen_on": "2027-03-01", "paid_on": "2027-03-01"}
    assert "Someone else has to book the payment" in browser.get(path).text
    assert browser.send(f"{path}/pay", **paid).status_code == 409

    factories.sign_in(browser, second)
    assert path in browser.get("/homeshare/staff/grants").text
    assert browser.send(f"{path}/pay", **paid | {"paid_on": "2027-03-02"}).status_code == 422
    assert browser.send(f"{path}/pay", **paid).status_code == 303
    assert browser.send(f"{path}/pay", **paid).status_code == 409
    titles = [letter for letter in letters() if "Subject: Your grant for a repair is" in letter]
    assert len(titles) == 2


def test_a_grant_is_seen_by_its_host_and_by_coordinators_alone_whose_reading_is_on_record(browser, monday):
    found = asked()
    path = f"/homeshare/grants/{found.reference}"

    factories.sign_in(browser, factories.neighbour("Somebody Else"))
    assert browser.get(path).status_code == 404
    assert browser.get("/homeshare/grants/new").status_code == 404
    assert browser.get("/homeshare/staff/grants").status_code == 404
    factories.sign_in(browser, factories.coordinator())
    assert browser.get(path).status_code == 200
    looked = sa.select(audit.AuditEntry).where(audit.AuditEntry.action == "homeshare.grant.looked")
    assert [one.subject for one in db.session.scalars(looked)] == [f"person:{found.host_id}"]


# --- races ---

PROCESSES = 4


@pytest.mark.usefixtures("app")
def test_of_coordinators_who_pay_at_once_one_does(live_database):
    payers = [factories.coordinator(f"Coordinator {number}").id for number in range(PROCESSES)]
    references = [done(factories.coordinator(f"Granting {turn}")).reference for turn in range(3)]
    db.session.commit()
    db.session.remove()
    disconnect()

    def attempt(number, turn):
        payer = db.session.get_one(Person, payers[number], options=[selectinload(Person.grants)])
        grants.pay(payer, queries.get_grant(references[turn]), clock.today(), clock.today())

    rounds = race(live_database, attempt, PROCESSES, rounds=3)

    outcomes = Counter(outcome for one in rounds for outcome in one.values())
    assert outcomes == {"done": 3, "grant_went_on": 3 * (PROCESSES - 1)}
