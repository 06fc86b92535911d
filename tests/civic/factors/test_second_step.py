"""Coming in with two factors, as someone who has both and as someone who has stolen one."""

import random
from datetime import timedelta
from email import message_from_string, policy

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import PersonSession, Role
from marketplace.civic.factors.service import care
from marketplace.kernel import db, hooks
from tests import factories
from tests.civic.factors.conftest import code, found, half_way, is_in, password, sentence, with_app, with_passkey
from tests.conftest import MONDAY, Browser

GOOD = "three tall herons"
SOON = MONDAY + timedelta(minutes=1)


@pytest.fixture
def secret(jiwoo, monday) -> str:
    """Jiwoo has an app; a minute later this is its secret."""
    made = with_app(jiwoo)
    monday(SOON)
    return made


def step(browser, typed: str, onward: str = "/account/sessions"):
    return browser.send(f"/sign-in/second-step?next={onward}", way="app", code=typed)


def text_of(letter: str) -> str:
    body = message_from_string(letter, policy=policy.default).get_body(("plain",))
    assert body
    return " ".join(body.get_content().split())


def link_in(letters) -> str:
    return found(r"http://localhost(/(?:confirm|new-password)/\S*)", text_of(letters()[-1]))


def test_the_password_and_then_the_code_open_a_new_session(browser, jiwoo, secret):
    half_way(browser, jiwoo)
    page = browser.get("/sign-in/second-step")
    assert 'autocomplete="one-time-code"' in page.text
    with browser.session_transaction() as before:
        old = before["csrf_token"]
    answer = step(browser, code(secret))

    assert (answer.status_code, answer.location) == (303, "/account/sessions")
    assert is_in(browser)
    with browser.session_transaction() as after:
        assert after.get("csrf_token") != old
        assert "half_way" not in after


def test_without_a_second_factor_nothing_more_is_asked(browser, jiwoo):
    assert password(browser, jiwoo).location == "/account/sessions"


def test_a_wrong_code_is_refused_and_the_password_need_not_be_typed_again(browser, jiwoo, secret):
    half_way(browser, jiwoo)
    wrong = step(browser, "123 456")
    assert wrong.status_code == 422
    assert sentence(wrong).startswith("This code is not right, or was used already.")
    assert not is_in(browser)
    assert step(browser, code(secret)).status_code == 303


def test_the_third_wrong_step_of_a_day_is_on_record_and_told_by_letter_once(browser, jiwoo, secret, letters):
    letters()
    half_way(browser, jiwoo)
    for number in range(5):
        assert step(browser, f"00000{number}").status_code == 422
        warnings = [text for text in map(text_of, letters()) if "knows your password" in text]
        assert len(warnings) == (number >= 2)
    entries = sa.text("SELECT subject FROM audit_entries WHERE action = 'factors.wrong_steps'")
    assert db.session.scalars(entries).all() == [f"person:{jiwoo.id}"]
    assert step(browser, code(secret)).status_code == 303, "the letter keeps nobody out"


def test_wrong_proofs_of_who_stole_a_session_are_told_too(browser, jiwoo, secret, letters):
    factories.sign_in(browser, jiwoo)
    for _ in range(3):
        browser.send("/account/prove", way="paper", recovery_code="0000-0000-0000")
    assert "sits at a browser in which you are signed in" in text_of(letters()[-1])


def test_half_way_in_nothing_else_opens(app, browser, jiwoo, secret):
    half_way(browser, jiwoo)
    opened = {}
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments:
            stranger = app.test_client().get(rule.rule).status_code
            opened[rule.rule] = (browser.get(rule.rule).status_code, stranger)

    assert len(opened) > 20
    differing = {path for path, (half, stranger) in opened.items() if half != stranger}
    assert differing == {"/sign-in/second-step"}
    assert browser.send("/account/tokens", name="calendar").location.startswith("/sign-in?")
    assert browser.send("/account/prove", way="password", password=factories.PASSWORD).location.startswith("/sign-in?")


def test_half_way_lasts_ten_minutes(browser, jiwoo, secret, monday):
    half_way(browser, jiwoo)
    monday(SOON + timedelta(minutes=10))
    answer = step(browser, code(secret))
    assert answer.location == "/sign-in?next=/account/sessions"
    assert "That took too long. Please sign in again." in browser.get(answer.location).text
    assert not is_in(browser)


def test_half_way_ends_with_a_new_password(browser, app, jiwoo, secret, letters):
    half_way(browser, jiwoo)
    owner = app.test_client()
    owner.send("/forgot-password", email=jiwoo.email)
    owner.send(link_in(letters), password=GOOD)

    assert step(browser, code(secret)).location.startswith("/sign-in?")
    assert not is_in(browser)


def test_a_half_way_cookie_made_up_is_worth_nothing(browser, jiwoo, secret):
    with browser.session_transaction() as session:
        session["half_way"] = [jiwoo.id, SOON.isoformat(), "0" * 40]
    assert step(browser, code(secret)).location.startswith("/sign-in?")


def test_a_new_password_by_letter_does_not_lead_past_the_second_factor(browser, jiwoo, secret, letters):
    """Who reads the person's mail sets a new password, and still has no phone."""
    browser.send("/forgot-password", email=jiwoo.email)
    answer = browser.send(link_in(letters), password=GOOD)
    assert answer.location == "/sign-in?next=/go-on"
    assert not is_in(browser)
    answer = browser.send("/sign-in", email=jiwoo.email, password=GOOD)

    assert answer.location.startswith("/sign-in/second-step?")
    assert not is_in(browser)


def test_a_letter_to_a_new_address_opened_elsewhere_does_not_lead_past_the_second_factor(
    app, browser, jiwoo, secret, letters
):
    home = factories.sign_in(app.test_client(), jiwoo)
    home.send("/account/email", email="new@example.org", password=factories.PASSWORD)
    answer = browser.send(link_in(letters), password=factories.PASSWORD)

    assert answer.location.startswith("/sign-in/second-step?")
    assert not is_in(browser)
    assert step(browser, code(secret)).status_code == 303
    assert is_in(browser)


def test_what_was_typed_before_signing_in_outlives_both_steps(browser, jiwoo, secret):
    asked = browser.send("/account/tokens", name="my calendar", days="30")
    answer = browser.send(asked.location, email=jiwoo.email, password=factories.PASSWORD)
    assert answer.location == "/sign-in/second-step?next=/go-on"
    assert step(browser, "000000", "/go-on").status_code == 422
    answer = step(browser, code(secret), "/go-on")

    assert answer.location == "/go-on"
    assert 'value="my calendar"' in browser.get("/go-on").text


def test_the_most_that_is_kept_fits_into_the_cookie_beside_both_steps(browser, jiwoo, secret):
    with_passkey(browser.application.test_client(), jiwoo)
    letters = random.Random(1).choices([chr(number) for number in range(0xAC00, 0xD7A4)], k=790)
    browser.send("/account/tokens", name="".join(letters))
    with browser.session_transaction() as session:
        assert "typed" in session
    password(browser, jiwoo, "/go-on")
    browser.get("/sign-in/second-step")
    asked = browser.get("/sign-in/passkey/question")

    assert len(asked.headers["Set-Cookie"]) < 4096
    step(browser, code(secret), "/go-on")
    assert "".join(letters) in browser.get("/go-on").text


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_the_second_step_never_leads_elsewhere(browser, jiwoo, secret, elsewhere):
    half_way(browser, jiwoo)
    assert step(browser, code(secret), elsewhere).location == "/account"


def test_guessing_codes_ends_soon_however_many_browsers_are_used(app, jiwoo, secret):
    tried = [step(half_way(app.test_client(), jiwoo), f"{number:06}").status_code for number in range(9)]
    browser = half_way(app.test_client(), jiwoo)
    tried += [step(browser, "111111").status_code, step(browser, code(secret)).status_code]

    assert tried == [422] * 10 + [429]


def test_guessing_all_day_finds_next_to_nothing(app, jiwoo, secret, monday):
    refused = 0
    for quarter in range(8):
        monday(SOON + timedelta(minutes=15 * quarter))
        browser = half_way(app.test_client(), jiwoo)
        refused += sum(step(browser, "000000").status_code == 429 for _ in range(10))
    assert refused == 30, "fifty tries a day, of a million codes"


def test_who_guesses_ones_codes_does_not_keep_others_out(app, jiwoo, secret):
    thief = half_way(app.test_client(), jiwoo)
    for _ in range(11):
        step(thief, "000000")
    other = factories.person(email="other@example.org")
    with_app(other)
    assert step(half_way(app.test_client(), other), "000000").status_code == 422


def test_sessions_that_the_password_alone_opened_end_with_the_first_factor(app, browser, jiwoo, monday):
    stolen = factories.sign_in(app.test_client(), jiwoo)
    with_passkey(browser, jiwoo)
    assert not is_in(stolen)
    assert is_in(browser)

    later = factories.sign_in(app.test_client(), jiwoo)
    with_passkey(browser, jiwoo, "Stick")
    assert is_in(later), "a second one ends nobody's session"


def test_tokens_made_before_the_first_factor_end_with_it_and_the_letter_says_so(browser, jiwoo, monday, letters):
    headers = factories.bearer(jiwoo)
    assert browser.get("/api/v1/bookings", headers=headers).status_code == 200
    with_passkey(browser, jiwoo)
    added, *_ = letters()
    assert "programs need new tokens" in text_of(added)
    assert browser.get("/api/v1/bookings", headers=headers).status_code == 401

    later = factories.bearer(jiwoo)
    monday(SOON)
    with_app(jiwoo)
    assert "an app that shows codes was just set up" in text_of(letters()[-1])
    assert "programs need new tokens" not in text_of(letters()[-1])
    assert browser.get("/api/v1/bookings", headers=later).status_code == 200, "a second factor ends no token"


def test_the_app_as_first_factor_ends_tokens_too(browser, jiwoo):
    headers = factories.bearer(jiwoo)
    with_app(jiwoo)
    assert browser.get("/api/v1/bookings", headers=headers).status_code == 401


def test_a_session_fixed_before_signing_in_is_not_the_one_after(app, browser, jiwoo, secret):
    thief = app.test_client()
    half_way(thief, jiwoo)
    browser.set_cookie("maeul", thief.get_cookie("maeul").value)
    step(browser, code(secret))
    assert is_in(browser)
    assert not is_in(thief)


def test_the_page_of_the_second_step_is_for_nobody_else(browser, jiwoo):
    assert browser.get("/sign-in/second-step").location.startswith("/sign-in?")
    factories.sign_in(browser, jiwoo)
    assert browser.get("/sign-in/second-step").location.startswith("/sign-in?")


def test_a_password_is_no_second_step(browser, jiwoo, secret):
    half_way(browser, jiwoo)
    answer = browser.send("/sign-in/second-step", way="password", password=factories.PASSWORD)
    assert (answer.status_code, is_in(browser)) == (422, False)


def test_signing_in_asks_one_statement_more_about_second_factors(app, jiwoo, statements):
    browser = app.test_client()
    token = browser.token()
    with statements() as seen:
        browser.post("/sign-in", data={"csrf_token": token, "email": jiwoo.email, "password": factories.PASSWORD})
    assert len([one for one in seen if "passkeys" in one]) == 1


# --- who works for the city ---


@pytest.fixture
def administrator():
    return factories.person(email="admin@example.org", roles=[Role.ADMINISTRATOR])


def test_staff_without_a_second_factor_are_led_to_set_one_up_and_to_nothing_else_of_staff(
    strict, browser, administrator
):
    answer = password(browser, administrator, "/staff/people/")
    assert answer.location == "/account/second-factor?next=/staff/people/"
    page = browser.get(answer.location).text
    assert "Your role needs a second factor" in page
    assert "/account/second-factor/app?next=/staff/people/" in page
    assert browser.get("/staff/people/").location == "/account/second-factor?next=/staff/people/"
    assert browser.get("/account").status_code == 200


def test_after_setting_one_up_staff_go_on_where_they_were(strict, browser, administrator):
    factories.sign_in(browser, administrator)
    path = browser.get("/staff/people/").location.replace("/second-factor?", "/second-factor/app?")
    page = browser.get(path).text
    seed = found(r'name="seed" value="([^"]+)"', page)
    shown = found(r'civic-token" tabindex="0">([A-Z2-7 ]+)<', page).replace(" ", "")
    answer = browser.send(path, seed=seed, code=code(shown))

    assert answer.location == "/account/second-factor/codes?next=/staff/people/"
    assert 'href="/staff/people/"' in browser.get(answer.location).text
    assert browser.get("/staff/people/").status_code == 200


def test_what_staff_typed_outlives_setting_one_up(strict, browser, administrator):
    resident = factories.person()
    factories.sign_in(browser, administrator)
    answer = browser.send(f"/staff/people/{resident.id}/verify", method="counter", day="2027-02-27")
    assert answer.location == "/account/second-factor?next=/go-on"
    assert 'value="2027-02-27"' in browser.get("/go-on").text


def test_a_token_of_staff_without_a_second_factor_opens_nothing_of_staff(strict, browser):
    library = factories.building()
    manager = factories.person(roles=[(Role.MANAGER, library)])
    headers = factories.bearer(manager)
    routes = [rule for rule in browser.application.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    staffed = [
        rule for rule in routes
        if browser.application.view_functions[rule.endpoint].access.roles and not rule.arguments - {"building_id"}
    ]  # fmt: skip
    for rule in staffed:
        path = browser.application.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, 1))
        answer = browser.get(path, headers=headers)
        assert answer.status_code in (403, 405), path


def test_residents_need_no_second_factor(strict, browser, jiwoo):
    assert password(browser, jiwoo).location == "/account/sessions"
    assert is_in(browser)


def test_staff_do_not_remove_their_last_factor(strict, browser, administrator):
    with_passkey(browser, administrator)
    with_app(administrator)
    factories.sign_in(browser, administrator)
    assert browser.send("/account/second-factor/app/remove").status_code == 303
    page = browser.get("/account/second-factor").text
    last = found(r"/account/passkeys/\d+/remove", page)
    refused = browser.send(last)

    assert refused.status_code == 409
    assert sentence(refused) == "Your role needs a second factor. Set up another one before you remove this one."
    assert last in browser.get("/account/second-factor").text


def test_an_app_that_is_not_there_cannot_be_removed(browser, jiwoo):
    factories.sign_in(browser, jiwoo)
    assert browser.send("/account/second-factor/app/remove").status_code == 404


def test_residents_may_remove_their_last_factor_and_recovery_codes_go_with_it(browser, jiwoo):
    with_passkey(browser, jiwoo)
    page = browser.get("/account/second-factor").text
    browser.send(found(r"/account/passkeys/\d+/remove", page))

    assert db.session.scalar(sa.text("SELECT count(*) FROM recovery_codes")) == 0
    browser.send("/sign-out")
    assert password(browser, jiwoo).location == "/account/sessions"


# --- an administrator helps ---


def test_an_administrator_resets_someone_who_lost_everything(app, browser, administrator, jiwoo, secret, letters):
    phone, program = factories.sign_in(app.test_client(), jiwoo), factories.bearer(jiwoo)
    factories.sign_in(browser, administrator)
    letters()
    path = f"/staff/people/{jiwoo.id}/second-factor"
    assert path in browser.get(f"/staff/people/{jiwoo.id}").text
    assert browser.send(path, checked="Jiwoo came with passport M1234").status_code == 422
    answer = browser.send(path, checked="document")

    assert answer.location == f"/staff/people/{jiwoo.id}"
    assert not is_in(phone)
    assert password(app.test_client(), jiwoo).location == "/account/sessions"
    assert "They came in person and showed a document that says who they are" in text_of(letters()[-1])
    assert browser.get("/api/v1/bookings", headers=program).status_code == 401
    entry = db.session.execute(
        sa.text("SELECT actor_id, subject, detail FROM audit_entries WHERE action = 'factors.reset'")
    ).one()
    assert entry[:2] == (administrator.id, f"person:{jiwoo.id}")
    assert "document" in str(entry[2])
    assert path not in browser.get(f"/staff/people/{jiwoo.id}").text


def test_no_administrator_resets_their_own_and_nobody_else_resets_anyones(app, browser, administrator, jiwoo, secret):
    factories.sign_in(browser, administrator)
    with_app(administrator)
    factories.sign_in(browser, administrator)
    own = f"/staff/people/{administrator.id}/second-factor"
    assert browser.send(own, checked="document").status_code == 403
    moderator = factories.sign_in(app.test_client(), factories.person(roles=[Role.MODERATOR]))
    assert moderator.send(f"/staff/people/{jiwoo.id}/second-factor", checked="document").status_code == 404


# --- what is kept ---


def test_an_export_tells_which_factors_there_are_and_no_secret(browser, jiwoo, secret):
    with_passkey(browser, jiwoo, "Phone")
    told = [answer for answer in hooks.personal_data.ask(jiwoo) if getattr(answer, "name", "") == "second-factors"]
    rows = told[0].rows

    assert [row["kind"] for row in rows] == ["passkey", "app"] + ["recovery code"] * 10
    assert rows[0]["name"] == "Phone"
    assert all(set(row) == {"kind", "name", "since", "used"} for row in rows)
    assert secret not in str(told)


def test_erasing_someone_deletes_everything_they_proved_themselves_by(browser, jiwoo, secret):
    with_passkey(browser, jiwoo)
    other = factories.person()
    with_app(other)
    care.erase(jiwoo)
    left = {
        table: db.session.scalar(sa.text(f"SELECT count(*) FROM {table}"))
        for table in ("code_apps", "passkeys", "recovery_codes")
    }
    assert left == {"code_apps": 1, "passkeys": 0, "recovery_codes": 0}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(PersonSession)) == 1


def test_the_last_administrator_is_helped_from_the_command_line(app, administrator, letters):
    with_app(administrator)
    told = app.test_cli_runner().invoke(args=["factors", "reset", "admin@example.org", "--checked", "colleague"])

    assert told.exit_code == 0, told.output
    app.test_client_class = Browser
    assert password(app.test_client(), administrator).location == "/account/sessions"
    assert "a colleague who knows them was there" in text_of(letters()[-1])
    unknown = ["factors", "reset", "x@example.org", "--checked", "colleague"]
    assert app.test_cli_runner().invoke(args=unknown).exit_code == 1
