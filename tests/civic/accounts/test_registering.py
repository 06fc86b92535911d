from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import policy as rules
from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.errors import (
    AddressTaken,
    LinkOver,
    PasswordCommon,
    PasswordLength,
    PasswordNamesYou,
    WrongPassword,
)
from marketplace.civic.accounts.models import EmailToken
from marketplace.kernel import credentials, db
from tests import factories
from tests.civic.accounts.conftest import GOOD, last, shown
from tests.conftest import MONDAY


def test_an_address_counts_once_its_letter_is_answered(mail):
    jiwoo = service.register("Jiwoo", "Jiwoo@Example.org", GOOD)
    assert jiwoo.email == "jiwoo@example.org"
    assert not rules.may_act(jiwoo)

    [(to, subject, link)] = mail()
    assert (to, subject) == ("jiwoo@example.org", "Confirm your e-mail address")
    service.confirm(last(link))

    assert rules.may_act(queries.person(jiwoo.id))


def test_a_link_followed_twice_does_no_harm_but_one_too_old_is_refused(mail, monday):
    service.register("Jiwoo", "jiwoo@example.org", GOOD)
    service.register("Minho", "minho@example.org", GOOD)
    links = {to: last(link) for to, _, link in mail()}
    service.confirm(links["jiwoo@example.org"])
    service.confirm(links["jiwoo@example.org"])

    monday(MONDAY + timedelta(hours=25))
    with pytest.raises(LinkOver):
        service.confirm(links["minho@example.org"])


@pytest.mark.parametrize("link", ["", "1", "1-", "1-0000", "-", "９-x", "99999999999-x", "1-é"])
def test_a_made_up_link_is_refused(link):
    factories.person()
    service.ask_for_new_password(factories.person(email="a@example.org").email)
    with pytest.raises(LinkOver):
        service.reset_password(link, GOOD)


def test_a_link_for_one_thing_does_nothing_else(mail):
    jiwoo = service.register("Jiwoo", "jiwoo@example.org", GOOD)
    [(_, _, link)] = mail()
    with pytest.raises(LinkOver):
        service.reset_password(last(link), "another three herons")
    assert not queries.person(jiwoo.id).is_confirmed


def test_registering_an_address_that_has_an_account_looks_the_same_but_writes_another_letter(browser, mail):
    factories.person(email="taken@example.org")
    fields = {"name": "Someone", "password": GOOD, "language": "en", "district_id": ""}

    new = browser.send("/register", email="new@example.org", **fields)
    other = browser.application.test_client()
    taken = other.send("/register", email="taken@example.org", **fields)

    assert (new.status_code, new.location, new.data) == (taken.status_code, taken.location, taken.data)
    assert b"Confirm your e-mail address" in browser.get("/account").data
    assert b"Confirm your e-mail address" in other.get("/account").data
    assert [(to, subject) for to, subject, _ in mail()] == [
        ("new@example.org", "Confirm your e-mail address"),
        ("taken@example.org", "You already have an account"),
    ]


def test_an_address_goes_to_who_confirms_it_first(mail):
    service.register("One", "same@example.org", GOOD)
    service.register("Two", "same@example.org", GOOD)
    links = [last(link) for _, _, link in mail()]

    service.confirm(links[1])

    with pytest.raises(AddressTaken):
        service.confirm(links[0])
    found = queries.by_email("same@example.org")
    assert found is not None
    assert found.name == "Two"


def test_the_database_holds_one_confirmed_person_an_address():
    factories.person(email="same@example.org")
    with pytest.raises(sa.exc.IntegrityError):
        factories.person(email="same@example.org")


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("short", PasswordLength),
        ("x" * 129, PasswordLength),
        ("password1", PasswordCommon),
        ("11111111", PasswordCommon),
        ("jiwoo-and-heron", PasswordNamesYou),
        ("mail-jpark-mail", PasswordNamesYou),
        ("haneulcity2027", PasswordNamesYou),
        ("우리하늘시청에서", PasswordNamesYou),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password, refusal):
    with pytest.raises(refusal):
        service.register("Jiwoo Park", "jpark@example.org", password)


def test_a_password_is_the_same_however_the_keyboard_composes_it():
    stored = credentials.hashed("우리 동네 도서관")
    assert credentials.matches(stored, "우리 동네 도서관")


def test_a_new_password_by_letter_signs_everyone_out(app, browser, mail):
    jiwoo = factories.person(email="jiwoo@example.org")
    phone = factories.sign_in(app.test_client(), jiwoo)
    token = service.create_api_token(jiwoo, "calendar", None)
    db.session.commit()

    known = browser.send("/forgot-password", email="jiwoo@example.org")
    unknown = browser.send("/forgot-password", email="nobody@example.org")
    assert shown(known).replace("jiwoo", "nobody") == shown(unknown)
    [(to, _, link)] = mail()
    assert to == "jiwoo@example.org"
    assert browser.send(link, password=GOOD).status_code == 303

    assert phone.get("/account").status_code == 303
    assert queries.api_token(token) is None
    assert browser.send(link, password="three other herons").status_code == 409
    assert browser.send("/sign-in", email="jiwoo@example.org", password=GOOD).status_code == 303
    assert mail()[-1][1] == "Your password was changed"


def test_a_link_for_a_new_password_lasts_half_an_hour_and_ends_with_the_next_change(mail, monday):
    jiwoo = factories.person(email="jiwoo@example.org")
    service.ask_for_new_password("jiwoo@example.org")
    [(_, _, link)] = mail()
    service.change_password(queries.person(jiwoo.id), factories.PASSWORD, GOOD)
    with pytest.raises(LinkOver):
        service.reset_password(last(link), "three other herons")

    service.ask_for_new_password("jiwoo@example.org")
    link = mail()[-2][2]
    monday(MONDAY + timedelta(minutes=30))
    with pytest.raises(LinkOver):
        service.reset_password(last(link), "three other herons")


def test_changing_the_password_needs_the_present_one_and_ends_other_sessions(app, browser):
    jiwoo = factories.person()
    phone = factories.sign_in(app.test_client(), jiwoo)
    factories.sign_in(browser, jiwoo)

    assert browser.send("/account/password", current="not this", password=GOOD).status_code == 422
    assert browser.send("/account/password", current=factories.PASSWORD, password=GOOD).status_code == 303

    assert browser.get("/account").status_code == 200
    assert phone.get("/account").status_code == 303


def test_the_address_changes_when_the_new_one_answers_and_the_old_one_is_told(mail):
    jiwoo = factories.person(email="old@example.org")
    with pytest.raises(WrongPassword):
        service.change_address(jiwoo, "new@example.org", "wrong")
    service.change_address(jiwoo, "New@example.org", factories.PASSWORD)
    [(to, _, link)] = mail()
    assert to == "new@example.org"
    assert queries.person(jiwoo.id).email == "old@example.org"

    service.confirm(last(link))

    assert queries.person(jiwoo.id).email == "new@example.org"
    assert [(to, subject) for to, subject, _ in mail()][1:] == [("old@example.org", "Your e-mail address was changed")]


def test_an_address_with_an_account_is_not_given_to_another(mail):
    factories.person(email="taken@example.org")
    jiwoo = factories.person(email="jiwoo@example.org")
    service.change_address(jiwoo, "taken@example.org", factories.PASSWORD)
    assert [subject for _, subject, _ in mail()] == ["You already have an account"]


def test_an_address_mistyped_at_first_is_corrected_at_once(mail):
    jiwoo = factories.person(email="jiwo@example.org", confirmed=False)
    service.send_confirmation(jiwoo)
    [(_, _, wrong)] = mail()
    service.change_address(jiwoo, "jiwoo@example.org", factories.PASSWORD)
    right = mail()[-1]
    assert right[0] == "jiwoo@example.org"
    with pytest.raises(LinkOver):
        service.confirm(last(wrong))
    assert service.confirm(last(right[2])).is_confirmed


def test_neither_database_nor_job_table_holds_a_link(mail):
    service.register("Jiwoo", "jiwoo@example.org", GOOD)
    waiting = str(db.session.execute(sa.text("SELECT payload FROM jobs")).all())
    kept = db.session.scalars(sa.select(EmailToken)).one()
    stored = f"{kept.nonce} {waiting}"
    [(_, _, link)] = mail()
    assert last(link).partition("-")[2] not in stored
    assert "jiwoo" not in waiting
