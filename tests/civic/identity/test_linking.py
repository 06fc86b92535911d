"""Linking and unlinking an account, and what an account without a password may do."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.errors import NoPassword, WrongSignIn
from marketplace.civic.accounts.models import EmailToken, Person
from marketplace.civic.identity import errors, tasks
from marketplace.civic.identity.models import Identity
from marketplace.civic.identity.service import linking
from marketplace.civic.identity.service.provider import Claims
from marketplace.kernel import audit, clock, db
from tests import factories

ISSUER = "https://id.example.org"


def claims(subject: str = "jiwoo-1", **more: object) -> Claims:
    return Claims(issuer=ISSUER, subject=subject, **more)  # type: ignore[arg-type]


def opened(email: str = "jiwoo@example.org", *, verified: bool = True) -> Person:
    made = linking.open_account(claims(email=email, email_verified=verified), "Jiwoo Park", email, "en")
    db.session.commit()
    return made


def newest_link() -> str:
    """What the link of the last letter ends with."""
    return people.link_of(db.session.scalars(sa.select(EmailToken).order_by(EmailToken.id.desc()).limit(1)).one())


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(audit.AuditEntry.action).order_by(audit.AuditEntry.id)))


# --- one subject, one account ---


def test_a_subject_opens_one_account_only():
    linking.link(factories.person(), claims())
    with pytest.raises(errors.LinkedToAnother):
        linking.link(factories.person(), claims())
    with pytest.raises(errors.LinkedToAnother):
        linking.open_account(claims(), "Jiwoo", "new@example.org", "en")


def test_an_account_is_linked_to_one_subject_of_a_provider():
    jiwoo = factories.person()
    linking.link(jiwoo, claims())
    with pytest.raises(errors.LinkedAlready):
        linking.link(jiwoo, claims("another"))


def test_the_same_number_at_another_provider_is_someone_else():
    linking.link(factories.person(), claims())
    linking.link(factories.person(), Claims(issuer="https://other.example.org", subject="jiwoo-1"))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Identity)) == 2


def test_the_database_itself_refuses_a_second_link():
    one, two = factories.person(), factories.person()
    db.session.add_all([Identity(person_id=who.id, issuer=ISSUER, subject="jiwoo-1") for who in (one, two)])
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()
    db.session.rollback()


# --- on the pages ---


def test_linking_from_the_account_page(city, come, browser, letters):
    jiwoo = factories.person()
    factories.sign_in(browser, jiwoo)
    assert "Not linked" in browser.get("/account").text
    back = come(start="/identity/start?next=/account/identity")
    assert back.location == "/account/identity/link?next=/account/identity"
    assert db.session.scalar(sa.select(Identity)) is None
    assert browser.send(back.location).location == "/account/identity"
    assert "Your account is linked" in browser.get("/account/identity").text
    assert "Linked" in browser.get("/account").text
    assert [one for one in letters() if "linked to Haneul ID" in one]
    assert "identity.linked" in actions()


def test_unlinking_is_told_and_on_record(city, browser, letters):
    jiwoo = factories.person()
    db.session.add(Identity(person_id=jiwoo.id, issuer=city.issuer, subject="jiwoo-1"))
    factories.sign_in(browser, jiwoo)
    assert "Unlink" in browser.get("/account/identity").text
    assert browser.send("/account/identity/unlink").status_code == 303
    assert db.session.scalar(sa.select(Identity)) is None
    assert [one for one in letters() if "no longer opens your account" in one]
    assert "identity.unlinked" in actions()
    assert browser.send("/account/identity/unlink").status_code == 404


def test_the_last_way_in_cannot_be_taken_away(city, browser):
    jiwoo = linking.open_account(Claims(issuer=city.issuer, subject="jiwoo-1"), "Jiwoo", "jiwoo@example.org", "en")
    factories.sign_in(browser, jiwoo)
    page = browser.get("/account/identity").text
    assert "the only way into your account" in page
    assert ">Unlink<" not in page
    answer = browser.send("/account/identity/unlink")
    assert answer.status_code == 409
    assert "Set a password first" in answer.text
    assert db.session.scalar(sa.select(Identity))


def test_a_link_of_someone_else_is_shown_to_nobody(city, come, browser):
    db.session.add(Identity(person_id=factories.person().id, issuer=city.issuer, subject="jiwoo-1"))
    mine = factories.person()
    factories.sign_in(browser, mine)
    back = come(start="/identity/start?next=/account/identity")
    answer = browser.send(back.location)
    assert answer.status_code == 409
    assert "already opens another account" in answer.text
    assert db.session.scalars(sa.select(Identity)).one().person_id != mine.id


@pytest.mark.parametrize("path", ["/account/identity/link", "/account/identity/unlink"])
def test_linking_and_unlinking_need_a_fresh_proof(city, browser, monday, path):
    jiwoo = factories.person()
    factories.sign_in(browser, jiwoo)
    monday(clock.now() + timedelta(minutes=16))
    assert "/account/prove" in browser.send(path).location


def test_who_has_no_password_proves_it_at_the_provider(city, come, browser, monday):
    jiwoo = linking.open_account(Claims(issuer=city.issuer, subject="jiwoo-1"), "Jiwoo", "jiwoo@example.org", "en")
    factories.sign_in(browser, jiwoo)
    now = clock.now()
    monday(now + timedelta(minutes=16))
    assert "Prove it with Haneul ID" in browser.get("/account/prove?next=/account/email").text
    start = "/identity/prove?next=/account/email"
    seconds = int((now + timedelta(minutes=16)).timestamp())
    times = {"iat": seconds, "exp": seconds + 600}

    city.lies(claims=times)
    back = come(start=start)
    assert "did not ask you again" in browser.get(back.location).text
    city.lies(claims=times | {"auth_time": seconds - 600})
    assert "did not ask you again" in browser.get(come(start=start).location).text
    assert "/account/prove" in browser.get("/account/email").location

    city.lies(claims=times | {"auth_time": seconds - 5})
    assert come(start=start).location == "/account/email"
    assert browser.get("/account/email").status_code == 200


def test_a_proof_asks_the_provider_to_ask_again(city, browser):
    factories.sign_in(browser, factories.person())
    url = browser.get("/identity/prove").location
    assert "prompt=login" in url
    assert "max_age=0" in url


def test_both_languages(city, come, browser):
    back = come()
    for language in ("en", "ko"):
        assert browser.get(f"{back.location}&language={language}").status_code == 200
    factories.sign_in(browser, factories.person())
    for language in ("en", "ko"):
        for path in ("/account/identity", "/account"):
            assert browser.get(f"{path}?language={language}").status_code == 200


# --- an account without a password ---


def test_no_password_at_all_opens_such_an_account():
    opened()
    for password in ("", " ", "password"):
        with pytest.raises(WrongSignIn):
            accounts.recognise("jiwoo@example.org", password)


def test_what_asks_for_the_password_says_that_there_is_none():
    with pytest.raises(NoPassword):
        accounts.check_password(opened(), "anything")


def test_a_password_is_set_by_letter_and_then_the_link_may_go(letters):
    jiwoo = opened()
    accounts.ask_for_new_password(jiwoo.email)
    db.session.commit()
    assert any("/new-password/" in letter for letter in letters())
    link = newest_link()
    accounts.reset_password(link, "three tall herons")
    assert jiwoo.has_password
    assert db.session.scalar(sa.select(Identity)), "the address was confirmed before: the link stays"
    linking.unlink(jiwoo, db.session.scalar(sa.select(Identity)))


def test_who_takes_over_an_address_by_letter_shuts_out_whoever_opened_the_account_with_it(letters):
    """Someone opens an account with another's address and waits: the owner's new password ends their way in."""
    opened("owner@example.org", verified=False)
    accounts.ask_for_new_password("owner@example.org")
    db.session.commit()
    link = newest_link()
    owner = accounts.reset_password(link, "three tall herons")
    assert owner.is_confirmed
    assert db.session.scalar(sa.select(Identity)) is None


def test_an_account_that_nobody_confirmed_is_forgotten_with_its_link(monday):
    opened(verified=False)
    monday(clock.now() + accounts.KEPT_UNCONFIRMED + timedelta(seconds=1))
    accounts.sweep()
    assert db.session.scalar(sa.select(Person)) is None
    assert db.session.scalar(sa.select(Identity)) is None


def test_a_verified_address_that_someone_confirmed_already_stays_theirs():
    owner = factories.person(email="jiwoo@example.org")
    second = opened()
    assert not second.is_confirmed
    assert people.by_email("jiwoo@example.org") is owner


def test_a_copy_of_ones_data_tells_of_the_link():
    jiwoo = opened()
    [row] = tasks.links(jiwoo).rows
    assert (row["issuer"], row["subject"]) == (ISSUER, "jiwoo-1")
