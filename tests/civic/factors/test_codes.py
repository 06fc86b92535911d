"""Codes of an app and on paper: set up, good once, and of no use to whoever guesses or steals."""

import re
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.civic.factors.errors import NoFactor, PageTooOld, WrongCode, WrongRecoveryCode
from marketplace.civic.factors.models import CodeApp, RecoveryCode
from marketplace.civic.factors.service import codes
from marketplace.kernel import credentials, db, vault
from tests import factories
from tests.civic.factors.conftest import code, found, half_way, is_in, sentence, with_app
from tests.conftest import MONDAY
from tests.kernel.test_occupancy_race import disconnect, race

HALF_MINUTE = timedelta(seconds=30)


def shown_secret(page: str) -> str:
    return found(r'civic-token" tabindex="0">([A-Z2-7 ]+)<', page).replace(" ", "")


def seed_on(page: str) -> str:
    return found(r'name="seed" value="([^"]+)"', page)


def new_codes(browser) -> list[str]:
    return re.findall(
        r"<code>([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})</code>", browser.get("/account/second-factor/codes").text
    )


# --- setting up ---


def test_an_app_is_set_up_by_its_first_code_and_recovery_codes_are_shown_once(browser, jiwoo, letters):
    factories.sign_in(browser, jiwoo)
    page = browser.get("/account/second-factor/app")
    secret = shown_secret(page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert f"secret={secret}" in page.text, "a link opens the app on the same phone"
    assert "<svg" in page.text

    wrong = browser.send("/account/second-factor/app", seed=seed_on(page.text), code="000000")
    assert wrong.status_code == 422
    assert shown_secret(wrong.text) == secret, "a mistyped code does not change the picture already scanned"
    done = browser.send("/account/second-factor/app", seed=seed_on(wrong.text), code=f" {code(secret)} ")

    assert done.status_code == 303
    shown = new_codes(browser)
    assert len(set(shown)) == 10
    assert new_codes(browser) == []
    subjects = [found(r"Subject: (.*)", letter) for letter in letters()]
    assert subjects == ["An app for codes was set up", "New recovery codes were made"]


def test_the_picture_says_what_the_text_says(browser, jiwoo):
    """The picture is drawn from the link on the page, which holds the secret in its text."""
    seed = codes.new_seed(jiwoo)
    link = seed.link(jiwoo, "Haneul City")
    read = pyotp.parse_uri(link)

    assert (read.secret, read.name, read.issuer) == (seed.secret, "jiwoo@example.org", "Haneul City")
    assert seed.grouped.replace(" ", "") == seed.secret
    assert {len(group) for group in seed.grouped.split()} == {4}


def test_no_secret_stands_in_the_database(jiwoo):
    secret = with_app(jiwoo)
    shown = codes.new_recovery_codes(jiwoo)
    db.session.commit()
    kept = str(db.session.execute(sa.text("SELECT * FROM code_apps")).all())
    kept += str(db.session.execute(sa.text("SELECT * FROM recovery_codes")).all())
    kept += str(db.session.execute(sa.text("SELECT payload FROM jobs")).all())
    kept += str(db.session.execute(sa.text("SELECT detail FROM audit_entries")).all())

    assert secret not in kept
    assert not [one for one in shown if one in kept or one.replace("-", "") in kept]


def test_a_secret_copied_into_another_row_cannot_be_read(jiwoo):
    with_app(jiwoo)
    row = db.session.get_one(CodeApp, jiwoo.id)
    with pytest.raises(vault.Unreadable):
        vault.unlock(row.secret, "code_apps:0")


def test_someone_elses_page_sets_up_nothing(jiwoo):
    thief = factories.person()
    with pytest.raises(PageTooOld):
        codes.seed_of(jiwoo, codes.new_seed(thief).locked)


@pytest.mark.parametrize("seed", ["", "0.AAAA", "nonsense", "é"])
def test_a_page_that_cannot_be_read_gives_a_new_picture(browser, jiwoo, seed):
    factories.sign_in(browser, jiwoo)
    answer = browser.send("/account/second-factor/app", seed=seed, code="123456")
    assert answer.status_code == 422
    assert shown_secret(answer.text)


def test_nobody_locks_the_owner_of_an_address_out_of_an_account_opened_with_it(browser):
    """Someone registers with another's address and sets up an app; its owner asks for a new password."""
    trap = factories.person(confirmed=False)
    with pytest.raises(NotConfirmed):
        with_app(trap)
    factories.sign_in(browser, trap)
    assert browser.get("/account/second-factor/app").status_code == 403
    assert browser.get("/account/passkeys/new").status_code == 403
    assert browser.get("/account/passkeys/question").status_code == 403


# --- codes of the app ---


@pytest.mark.parametrize(("later", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_half_a_minute_wrong(jiwoo, monday, later, good):
    secret = with_app(jiwoo)
    monday(MONDAY + 10 * HALF_MINUTE)
    if good:
        codes.prove_by_app(jiwoo, code(secret, later))
    else:
        with pytest.raises(WrongCode):
            codes.prove_by_app(jiwoo, code(secret, later))


def test_a_code_is_good_once_and_none_older_after_it(jiwoo, monday):
    secret = with_app(jiwoo)
    monday(MONDAY + 10 * HALF_MINUTE)
    codes.prove_by_app(jiwoo, code(secret))
    for later in (0, -1):
        with pytest.raises(WrongCode):
            codes.prove_by_app(jiwoo, code(secret, later))
    codes.prove_by_app(jiwoo, code(secret, 1))


def test_the_code_that_set_the_app_up_does_not_sign_in(jiwoo):
    seed = codes.new_seed(jiwoo)
    codes.set_up_app(jiwoo, seed, code(seed.secret))
    with pytest.raises(WrongCode):
        codes.prove_by_app(jiwoo, code(seed.secret))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "१२३४५६", "' OR 1=1"])
def test_what_is_no_code_is_refused(jiwoo, typed):
    with_app(jiwoo)
    with pytest.raises(WrongCode):
        codes.prove_by_app(jiwoo, typed)


def test_of_many_who_send_one_code_at_the_same_moment_one_comes_in(live_database):
    with db.transaction():
        person = factories.person()
        secret = with_app(person)
        person_id = person.id
    shown = code(secret)
    disconnect()

    def attempt(_number: int, turn: int) -> None:
        if turn == 0:
            codes.prove_by_app(db.session.get_one(type(person), person_id), shown)

    [outcomes] = race(live_database, attempt, processes=8, rounds=1)
    refused = [outcome for outcome in outcomes.values() if outcome != "done"]
    assert refused == ["wrong_code"] * 7


# --- on paper ---


def test_a_recovery_code_signs_in_once_and_a_letter_says_how_many_are_left(browser, jiwoo, letters):
    with_app(jiwoo)
    shown = codes.new_recovery_codes(jiwoo)
    letters()
    typed = shown[3].upper().replace("-", " ").replace("0", "O").replace("1", "l")
    half_way(browser, jiwoo)
    browser.send("/sign-in/second-step", way="paper", recovery_code=typed)

    assert is_in(browser)
    assert "You have 9 recovery codes left." in letters()[-1]
    with pytest.raises(WrongRecoveryCode):
        codes.prove_by_recovery_code(jiwoo, shown[3])
    codes.prove_by_recovery_code(jiwoo, shown[4])


def test_a_new_set_replaces_the_old_one(jiwoo):
    with_app(jiwoo)
    old = codes.new_recovery_codes(jiwoo)
    new = codes.new_recovery_codes(jiwoo)

    with pytest.raises(WrongRecoveryCode):
        codes.prove_by_recovery_code(jiwoo, old[0])
    codes.prove_by_recovery_code(jiwoo, new[0])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 10


def test_a_recovery_code_is_of_no_use_to_someone_else(jiwoo):
    other = factories.person()
    for one in (jiwoo, other):
        with_app(one)
    theirs = codes.new_recovery_codes(other)
    with pytest.raises(WrongRecoveryCode):
        codes.prove_by_recovery_code(jiwoo, theirs[0])


def test_recovery_codes_recover_nothing_without_a_factor(jiwoo):
    with pytest.raises(NoFactor):
        codes.new_recovery_codes(jiwoo)


def test_recovery_codes_hold_sixty_random_bits_and_are_kept_under_a_key(jiwoo, monkeypatch):
    with_app(jiwoo)
    shown = codes.new_recovery_codes(jiwoo)
    assert 32**codes.LENGTH == 2**60
    assert {len(one.replace("-", "")) for one in shown} == {codes.LENGTH}
    monkeypatch.setattr(credentials, "_secret", b"another secret")
    with pytest.raises(WrongRecoveryCode):
        codes.prove_by_recovery_code(jiwoo, shown[0])


def test_two_sets_made_in_the_same_moment_leave_ten_codes(live_database):
    with db.transaction():
        person = factories.person()
        with_app(person)
        person_id = person.id
    disconnect()
    outcomes = race(
        live_database, lambda *_: codes.new_recovery_codes(db.session.get_one(type(person), person_id)), 6, 2
    )

    assert {outcome for turn in outcomes for outcome in turn.values()} == {"done"}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 10


def test_an_empty_field_is_asked_for(browser, jiwoo):
    with_app(jiwoo)
    half_way(browser, jiwoo)
    assert sentence(browser.send("/sign-in/second-step", way="app")) == "Enter the code that your app shows."
    assert browser.send("/sign-in/second-step", way="magic").status_code == 422
