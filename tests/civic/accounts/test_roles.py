from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.errors import (
    AlreadyGranted,
    LastAdministrator,
    NeedsPlace,
)
from marketplace.civic.accounts.models import EmailToken, Method, Person, Role
from marketplace.kernel import clock, db
from marketplace.kernel.errors import Forbidden
from tests import factories
from tests.civic.accounts.conftest import GOOD
from tests.conftest import MONDAY


def test_a_manager_manages_named_buildings_and_staff_serve_named_departments():
    library, hall, culture, parks = (
        factories.building(),
        factories.building(),
        factories.department(),
        factories.department(),
    )
    jiwoo = factories.person(roles=[(Role.MANAGER, library), (Role.STAFF, culture)])
    assert (jiwoo.manages(library.id), jiwoo.manages(hall.id)) == (True, False)
    assert (jiwoo.serves(culture.id), jiwoo.serves(parks.id)) == (True, False)
    assert jiwoo.is_a("manager")
    assert not jiwoo.is_a(Role.ADMINISTRATOR)
    assert jiwoo.building_ids == [library.id]


def test_an_administrator_gives_and_takes_roles_on_record():
    admin, jiwoo = factories.person(roles=[Role.ADMINISTRATOR]), factories.person()
    given = service.grant(admin, jiwoo, Role.MANAGER, building_id=factories.building().id)
    with pytest.raises(AlreadyGranted):
        service.grant(admin, jiwoo, Role.MANAGER, building_id=given.building_id)
    service.revoke(admin, given)
    db.session.commit()
    actions = db.session.scalars(sa.text("SELECT action FROM audit_entries ORDER BY id")).all()
    assert actions == ["accounts.role_granted", "accounts.role_revoked"]


@pytest.mark.parametrize(
    ("role", "extra"), [(Role.MANAGER, {}), (Role.STAFF, {}), (Role.MODERATOR, {"building_id": 1})]
)
def test_a_role_names_its_place_if_and_only_if_it_has_one(role, extra):
    admin = factories.person(roles=[Role.ADMINISTRATOR])
    with pytest.raises(NeedsPlace):
        service.grant(admin, factories.person(), role, **extra)


def test_a_building_that_is_not_there_has_no_manager():
    with pytest.raises(NeedsPlace):
        service.grant(None, factories.person(), Role.MANAGER, building_id=999_999)


def test_nobody_gives_roles_to_themselves_and_only_administrators_to_others():
    admin, jiwoo = factories.person(roles=[Role.ADMINISTRATOR]), factories.person(roles=[Role.MODERATOR])
    with pytest.raises(Forbidden):
        service.grant(admin, admin, Role.MODERATOR)
    with pytest.raises(Forbidden):
        service.grant(jiwoo, admin, Role.MODERATOR)


def test_the_last_administrator_stays():
    admin = factories.person(roles=[Role.ADMINISTRATOR])
    with pytest.raises(LastAdministrator):
        service.revoke(admin, admin.grants[0])
    second = factories.person(roles=[Role.ADMINISTRATOR])
    service.revoke(second, admin.grants[0])


def test_a_resident_is_verified_by_method_and_day_by_someone_else():
    admin, jiwoo = factories.person(roles=[Role.ADMINISTRATOR]), factories.person()
    service.verify(admin, jiwoo, Method.COUNTER, clock.today())
    assert jiwoo.is_verified
    assert jiwoo.verified_by_id == admin.id
    with pytest.raises(Forbidden):
        service.verify(admin, admin, Method.COUNTER, clock.today())


def test_staff_pages_do_the_same_and_reading_is_on_record(browser):
    admin, jiwoo = factories.person(name="Admin", roles=[Role.ADMINISTRATOR]), factories.person(name="Jiwoo 100%")
    library = factories.building("Riverside Library")
    factories.sign_in(browser, admin)

    assert b"Jiwoo 100%" in browser.get("/staff/people/?words=100%25").data
    assert b"Jiwoo" not in browser.get("/staff/people/?words=nobody").data
    path = f"/staff/people/{jiwoo.id}"
    refused = browser.send(f"{path}/roles", role="manager")
    assert refused.status_code == 422
    assert browser.send(f"{path}/roles", role="manager", building_id=str(library.id)).status_code == 303
    assert browser.send(f"{path}/verify", method="counter", day="2027-03-02").status_code == 422
    assert browser.send(f"{path}/verify", method="counter", day="2027-03-01").status_code == 303
    page = browser.get(path).get_data(as_text=True)
    assert "Riverside Library" in page
    assert "At the counter" in page
    grant = queries.person(jiwoo.id).grants[0].id
    assert browser.send(f"{path}/roles/{grant}/revoke").status_code == 303
    assert browser.get(f"/staff/people/{admin.id}/roles").status_code == 403

    actions = set(db.session.scalars(sa.text("SELECT action FROM audit_entries")))
    assert {"accounts.people_listed", "accounts.person.looked", "accounts.verified"} <= actions


@pytest.mark.parametrize("path", ["/staff/people/", "/staff/departments/"])
def test_to_others_staff_pages_do_not_exist(browser, path):
    factories.sign_in(browser, factories.person(roles=[Role.MODERATOR]))
    assert browser.get(path).status_code == 404


def test_a_list_of_people_costs_as_many_statements_however_long(browser, engine):
    factories.sign_in(browser, factories.person(roles=[Role.ADMINISTRATOR]))

    def statements() -> int:
        seen: list[str] = []

        def count(*event: object) -> None:
            seen.append(str(event[2]))

        sa.event.listen(engine, "before_cursor_execute", count)
        assert browser.get("/staff/people/").status_code == 200
        sa.event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    few = statements()
    for _ in range(15):
        factories.person(roles=[Role.MODERATOR])
    assert statements() == few


def test_the_first_administrator_comes_from_the_command_line(app):
    run = app.test_cli_runner().invoke
    made = run(
        args=["accounts", "create-admin", "--email", "a@example.org", "--name", "Ada", "--password-stdin"],
        input=f"{GOOD}\n",
    )
    assert made.exit_code == 0, made.output
    found = queries.by_email("a@example.org")
    assert found is not None
    assert found.is_a(Role.ADMINISTRATOR)
    db.session.commit()
    weak = run(
        args=["accounts", "create-admin", "--email", "b@example.org", "--name", "B", "--password-stdin"],
        input="password1\n",
    )
    assert weak.exit_code == 1
    assert "tried first" in weak.output


def test_roles_come_from_the_command_line(app):
    factories.person(email="jiwoo@example.org")
    culture = factories.department("CUL")
    run = app.test_cli_runner().invoke
    assert run(args=["accounts", "grant", "jiwoo@example.org", "staff", "--department", "CUL"]).exit_code == 0
    found = queries.by_email("jiwoo@example.org")
    assert found is not None
    assert found.serves(culture.id)
    db.session.commit()
    assert run(args=["accounts", "grant", "jiwoo@example.org", "manager"]).exit_code == 1
    assert run(args=["accounts", "grant", "nobody@example.org", "moderator"]).exit_code == 1


def test_what_is_over_is_forgotten(monday, browser):
    kept, never = factories.person(), factories.person(confirmed=False)
    factories.sign_in(browser, never)
    service.send_confirmation(never)
    monday(MONDAY + timedelta(days=31))
    service.sweep()
    assert list(db.session.scalars(sa.select(Person.id))) == [kept.id]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(EmailToken)) == 0


def test_an_administrator_finds_the_way_to_people_and_departments(browser):
    factories.sign_in(browser, factories.person(roles=[Role.ADMINISTRATOR]))
    page = browser.get("/account").get_data(as_text=True)
    assert 'href="/staff/people/"' in page
    assert 'href="/staff/departments/"' in page
