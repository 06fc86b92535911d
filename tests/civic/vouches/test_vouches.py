"""Public buildings say whom they know: only with the person's leave, once each, and ended by either."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.errors import Suspended
from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.notifications.models import Notice
from marketplace.civic.vouches import errors, queries, service
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import audit, clock, db, hooks
from marketplace.kernel.errors import Forbidden
from tests.conftest import MONDAY
from tests.factories import building, person, sign_in

YEAR = timedelta(days=365)


@pytest.fixture
def centre():
    return building("Mullae Community Centre")


@pytest.fixture
def manager(centre):
    return person("The manager", roles=[(Role.MANAGER, centre)])


@pytest.fixture
def minsu():
    return person("Minsu Lee", "minsu@example.org")


def stands(who: Person) -> bool:
    query = sa.select(Vouch.id).where(Vouch.person_id == who.id, queries.standing())
    return db.session.scalar(query) is not None


def told(who: Person) -> list[str]:
    return list(db.session.scalars(sa.select(Notice.title).where(Notice.person_id == who.id).order_by(Notice.id)))


# --- one word ---


def test_it_stands_once_the_person_agrees_until_they_take_it_back(manager, centre, minsu):
    made = service.vouch(manager, centre.id, minsu)
    assert not stands(minsu)
    assert told(minsu) == ["Mullae Community Centre says that it knows you: do you agree?"]

    service.agree(minsu, made)
    assert stands(minsu)
    service.end(minsu, made)
    assert not stands(minsu)
    assert len(told(minsu)) == 1
    service.agree(minsu, service.vouch(manager, centre.id, minsu))
    assert stands(minsu), "said anew, and agreed to anew"


def test_the_building_ends_it_with_a_reason_that_the_person_reads(manager, centre, minsu, letters):
    made = service.vouch(manager, centre.id, minsu)
    service.agree(minsu, made)
    with pytest.raises(errors.ReasonMissing):
        service.end(manager, made, "  ")
    service.end(manager, made, "We have not seen you for years.")
    db.session.commit()

    assert not stands(minsu)
    assert [one.reason for one in queries.ended_for(minsu)] == ["We have not seen you for years."]
    assert "Reason: We have not seen you for years." in letters()[-1]


def test_who_may(manager, centre, minsu):
    elsewhere = person(roles=[(Role.MANAGER, building("Elsewhere"))])
    with pytest.raises(Forbidden):
        service.vouch(elsewhere, centre.id, minsu)
    with pytest.raises(Forbidden):
        service.vouch(minsu, centre.id, elsewhere)
    with pytest.raises(errors.ForYourself):
        service.vouch(manager, centre.id, manager)
    made = service.vouch(manager, centre.id, minsu)
    for stranger in (elsewhere, person()):
        with pytest.raises(Forbidden):
            service.end(stranger, made, "I do not like it.")
        with pytest.raises(Forbidden):
            service.agree(stranger, made)
    with pytest.raises(Forbidden):
        service.agree(manager, made)
    minsu.suspended_until = MONDAY + YEAR
    with pytest.raises(Suspended):
        service.agree(minsu, made)
    service.end(minsu, made)


def test_what_is_answered_is_answered(manager, centre, minsu):
    made = service.vouch(manager, centre.id, minsu)
    with pytest.raises(errors.VouchedAlready):
        service.vouch(manager, centre.id, minsu)
    service.agree(minsu, made)
    with pytest.raises(errors.VouchOver):
        service.agree(minsu, made)
    service.end(minsu, made)
    for again in (service.agree, service.end):
        with pytest.raises(errors.VouchOver):
            again(minsu, made)


def test_every_step_is_on_record_without_the_reason(manager, centre, minsu):
    made = service.vouch(manager, centre.id, minsu)
    service.agree(minsu, made)
    service.end(manager, made, "A private reason.")
    db.session.commit()
    about = sa.select(audit.AuditEntry).where(audit.AuditEntry.subject == f"person:{minsu.id}")
    entries = [one for one in db.session.scalars(about) if one.action.startswith("vouches.")]
    assert [(one.action, one.actor_id) for one in entries] == [
        ("vouches.made", manager.id), ("vouches.agreed", minsu.id), ("vouches.ended", manager.id),
    ]  # fmt: skip
    assert all(one.detail == {"vouch": made.id, "building_id": centre.id} for one in entries)


# --- the database ---


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (lambda manager, minsu: {}, "vouches"),
        (lambda manager, minsu: {"person_id": manager}, "for_someone_else"),
        (lambda manager, minsu: {"ended_by_id": minsu}, "ended_by_someone"),
        (lambda manager, minsu: {"ended_by_id": manager, "ended_at": MONDAY, "reason": " "}, "ended_for_a_reason"),
    ],
)
def test_the_database_refuses_it(manager, centre, minsu, facts, name):
    service.vouch(manager, centre.id, minsu)
    row = {
        "person_id": minsu.id, "building_id": centre.id, "made_by_id": manager.id, "made_at": MONDAY, "reason": "",
    } | facts(manager.id, minsu.id)  # fmt: skip
    with pytest.raises(IntegrityError) as refusal, db.session.begin_nested():
        db.session.execute(sa.insert(Vouch).values(row))
    assert db.violates(refusal.value, name)


# --- forgetting ---


def test_leaving_takes_every_word_for_the_person_and_no_word_for_others(manager, centre, minsu):
    jiwoo = person("Jiwoo")
    for who in (minsu, jiwoo):
        service.agree(who, service.vouch(manager, centre.id, who))
    assert [len(list(one.rows)) for one in queries.own_data(minsu)] == [1]
    service.erase(minsu)
    assert (stands(minsu), stands(jiwoo)) == (False, True)
    service.erase(manager)
    db.session.expire_all()
    assert stands(jiwoo)
    assert db.session.scalar(sa.select(Vouch.made_by_id)) is None
    assert service.erase in hooks.erasing._answerers


def test_what_ended_a_year_ago_is_forgotten(manager, centre, minsu, monday):
    service.end(minsu, service.vouch(manager, centre.id, minsu))
    service.vouch(manager, centre.id, minsu)
    monday(MONDAY + YEAR - timedelta(seconds=1))
    service.thin()
    assert db.count(sa.select(Vouch.id)) == 2
    monday(MONDAY + YEAR)
    service.thin()
    assert db.session.scalars(sa.select(Vouch.ended_at)).all() == [None]


# --- pages ---


def test_a_manager_vouches_and_the_person_agrees_by_the_pages(browser, manager, centre, minsu):
    sign_in(browser, manager)
    assert "Your buildings vouch for nobody yet" in browser.get("/vouches/staff/").text
    unknown = browser.send("/vouches/staff/new", email="nobody@example.org", building=str(centre.id))
    assert (unknown.status_code, "Nobody has confirmed this e-mail address" in unknown.text) == (422, True)
    assert browser.send("/vouches/staff/new", email="minsu@example.org", building=str(centre.id)).status_code == 303
    again = browser.send("/vouches/staff/new", email="minsu@example.org", building=str(centre.id))
    assert (again.status_code, "has vouched for this person already" in again.text) == (409, True)
    page = browser.get("/vouches/staff/").text
    assert ("Minsu Lee" in page, "Not answered" in page) == (True, True)
    looks = sa.select(audit.AuditEntry.subject).where(audit.AuditEntry.action == "vouches.list.looked")
    assert list(db.session.scalars(looks)) == [f"person:{minsu.id}"]

    made = db.session.scalars(sa.select(Vouch)).one()
    sign_in(browser, minsu)
    assert "says that it knows you: do you agree?" in browser.get("/my").text
    assert "Nobody sees it before you agree" in browser.get("/vouches/").text
    assert browser.send(f"/vouches/{made.id}/agree").status_code == 303
    assert "You agreed on" in browser.get("/vouches/").text
    assert browser.get("/vouches/staff/").status_code == 404

    sign_in(browser, manager)
    place = f"/vouches/staff/{made.id}/end"
    assert browser.send(place).status_code == 422
    assert browser.send(place, reason="You moved away.").status_code == 303
    sign_in(browser, minsu)
    assert "You moved away." in browser.get("/vouches/").text


def test_other_managers_and_residents_find_nothing(browser, manager, centre, minsu):
    made = service.vouch(manager, centre.id, minsu)
    for stranger in (person(), person(roles=[(Role.MANAGER, building("Elsewhere"))])):
        sign_in(browser, stranger)
        assert browser.get(f"/vouches/staff/{made.id}/end").status_code == 404
        assert browser.send(f"/vouches/{made.id}/agree").status_code == 404
        assert "Minsu Lee" not in browser.get("/vouches/").text
    assert accounts.somebody("minsu@example.org").id == minsu.id
    assert made.made_at == clock.now()


def test_however_many_the_list_takes_as_many_statements(browser, manager, centre, statements):
    sign_in(browser, manager)

    def taken() -> int:
        browser.get("/vouches/staff/")  # that these people were read about is on record now
        with statements() as seen:
            assert browser.get("/vouches/staff/").status_code == 200
        return len(seen)

    service.vouch(manager, centre.id, person("Neighbour"))
    few = taken()
    for number in range(8):
        service.vouch(manager, centre.id, person(f"Neighbour {number}"))
    assert taken() == few
