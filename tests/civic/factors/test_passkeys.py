"""Passkeys, with a device made of software that may also lie."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.factors.errors import PasskeyRefused
from marketplace.civic.factors.models import Passkey, SpentChallenge
from marketplace.civic.factors.service import care, passkeys
from marketplace.kernel import db
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import NotFound
from tests import factories
from tests.civic.factors.conftest import (
    PRESENT,
    RECOGNISED,
    Device,
    half_way,
    is_in,
    password,
    sentence,
    with_app,
    with_passkey,
)
from tests.conftest import MONDAY

REFUSED = "This passkey was not accepted. Try again, or choose another way."


@pytest.fixture
def home(app, browser):
    """The browser in which passkeys are registered."""
    return app.test_client()


def ask(browser) -> dict:
    return browser.get("/sign-in/passkey/question").get_json()


def sign_in(browser, device):
    return browser.send("/sign-in/passkey?next=/account/sessions", credential=device.sign(ask(browser)))


# --- registering ---


def test_a_passkey_is_registered_with_a_name_listed_and_removed(browser, jiwoo, letters):
    with_passkey(browser, jiwoo, "My <phone>")
    page = browser.get("/account/second-factor").text
    assert "My &lt;phone&gt;" in page
    assert "10 recovery codes" in page
    passkey_id = db.session.scalar(sa.select(Passkey.id))
    browser.send(f"/account/passkeys/{passkey_id}/remove")

    assert "My &lt;phone&gt;" not in browser.get("/account/second-factor").text
    subjects = [line for letter in letters() for line in letter.splitlines() if line.startswith("Subject")]
    assert subjects[0] == "Subject: A passkey was registered"
    assert subjects[-1] == "Subject: A passkey was removed"


def test_several_passkeys_know_the_person_by_one_handle_that_names_nobody(browser, jiwoo):
    first, second = with_passkey(browser, jiwoo, "Phone"), with_passkey(browser, jiwoo, "Stick")
    assert first.handle == second.handle
    assert first.handle not in (str(jiwoo.id), jiwoo.email)
    assert with_passkey(browser, factories.person()).handle != first.handle


def test_a_device_is_asked_for_a_key_it_keeps_and_opens_only_for_its_owner(browser, jiwoo):
    device = with_passkey(browser, jiwoo)
    options = browser.get("/account/passkeys/question").get_json()
    chosen = options["authenticatorSelection"]

    assert (options["rp"]["id"], chosen["residentKey"], chosen["userVerification"]) == ("localhost",) + (
        "required",
    ) * 2
    assert [known["id"] for known in options["excludeCredentials"]] == [json.loads(device.sign(options))["id"]]


def test_what_someone_calls_a_passkey_is_not_put_on_the_record_that_is_never_erased(browser, jiwoo):
    with_passkey(browser, jiwoo, name="Jiwoo's red phone")
    passkey_id = db.session.scalar(sa.select(Passkey.id))
    browser.send(f"/account/passkeys/{passkey_id}/remove")

    entries = db.session.execute(sa.select(AuditEntry.action, AuditEntry.detail)).all()
    assert {"factors.passkey_added", "factors.passkey_removed"} <= {entry.action for entry in entries}
    assert "red phone" not in str(entries)


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"}, {"host": "evil.example"}, {"flags": PRESENT}, {"flags": RECOGNISED},
    ],
)  # fmt: skip
def test_a_passkey_of_another_site_or_for_anyones_finger_is_not_registered(browser, jiwoo, lie):
    factories.sign_in(browser, jiwoo)
    options = browser.get("/account/passkeys/question").get_json()
    answer = browser.send("/account/passkeys/new", name="Phone", credential=Device(**lie).make(options))

    assert (answer.status_code, sentence(answer)) == (422, REFUSED)
    assert 'value="Phone"' in answer.text
    assert db.session.scalar(sa.select(Passkey)) is None


def test_the_same_passkey_is_not_registered_twice_nor_by_someone_else(browser, jiwoo):
    device = with_passkey(browser, jiwoo)
    for who in (jiwoo, factories.person()):
        factories.sign_in(browser, who)
        options = browser.get("/account/passkeys/question").get_json()
        answer = browser.send("/account/passkeys/new", name="Again", credential=device.make(options))
        assert (answer.status_code, sentence(answer)) == (409, "This passkey is registered already.")


def test_an_answer_registers_one_passkey(browser, jiwoo):
    factories.sign_in(browser, jiwoo)
    options = browser.get("/account/passkeys/question").get_json()
    old = browser.get_cookie("maeul").value
    sent = Device().make(options)
    assert browser.send("/account/passkeys/new", name="Phone", credential=sent).status_code == 303
    browser.set_cookie("maeul", old)
    other = browser.send("/account/passkeys/new", name="Phone", credential=Device().make(options))

    assert other.status_code == 422, "the cookie of before brings the challenge back, but it is spent"


def test_nobody_keeps_more_passkeys_than_can_be_looked_over(browser, jiwoo, monkeypatch):
    monkeypatch.setattr(passkeys, "MOST", 1)
    with_passkey(browser, jiwoo)
    options = browser.get("/account/passkeys/question").get_json()
    answer = browser.send("/account/passkeys/new", name="Two", credential=Device().make(options))
    assert (answer.status_code, sentence(answer)) == (409, "You have 1 passkeys. Remove one first.")


def test_nobody_removes_someone_elses_passkey(browser, jiwoo):
    with_passkey(browser, jiwoo)
    passkey_id = db.session.scalars(sa.select(Passkey.id)).one()
    factories.sign_in(browser, factories.person())

    assert browser.send(f"/account/passkeys/{passkey_id}/remove").status_code == 404
    with pytest.raises(NotFound):
        care.remove_passkey(factories.person(), passkey_id, required=False)


# --- signing in by a passkey alone ---


def test_a_passkey_alone_signs_in_and_counts_as_both_factors(home, browser, jiwoo):
    device = with_passkey(home, jiwoo)
    options = ask(browser)
    assert options.get("allowCredentials", []) == [], "nothing says whose passkeys there are"
    assert options["userVerification"] == "required"
    answer = sign_in(browser, device)

    assert (answer.status_code, answer.location) == (303, "/account/sessions")
    assert is_in(browser)


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"}, {"host": "evil.example"}, {"flags": PRESENT}, {"flags": RECOGNISED},
        {"credential_id": b"unknown"}, {"key": Device().key}, {"handle": "c29tZW9uZSBlbHNl"},
    ],
)  # fmt: skip
def test_a_bent_answer_opens_nothing(home, browser, jiwoo, lie):
    device = with_passkey(home, jiwoo)
    for name, value in lie.items():
        setattr(device, name, value)
    answer = sign_in(browser, device)

    assert (answer.status_code, sentence(answer)) == (422, REFUSED)
    assert not is_in(browser)


@pytest.mark.parametrize(
    "sent",
    [
        "nonsense", "[]", "{}", "null", '{"response": {}}', '{"id": 1, "response": {}}', "[" * 5000,
        '{"id": "\\u0000", "response": {}}', '{"id": null, "response": {"a": 1}}',
        '{"id": "\\ud800", "rawId": "", "type": "", "response": {"userHandle": []}}',
    ],
)  # fmt: skip
def test_what_no_device_would_answer_is_refused(home, browser, jiwoo, sent):
    ask(browser)
    assert browser.send("/sign-in/passkey", credential=sent).status_code == 422
    factories.sign_in(browser, jiwoo)
    browser.get("/account/passkeys/question")
    assert browser.send("/account/passkeys/new", name="Phone", credential=sent).status_code == 422


def test_an_answer_cut_off_or_bent_anywhere_is_refused(browser, jiwoo):
    """Each part is shortened bit by bit: no device's answer breaks the page."""
    device = Device()
    factories.sign_in(browser, jiwoo)
    site, challenge = passkeys.Site("localhost", "City", "http://localhost"), passkeys.new_challenge()
    whole = json.loads(device.make(json.loads(passkeys.creation_options(jiwoo, site, challenge))))
    for part in whole["response"]:
        for length in range(0, len(whole["response"][part]), 3):
            bent = whole | {"response": whole["response"] | {part: whole["response"][part][:length]}}
            with pytest.raises(PasskeyRefused):
                passkeys.register(jiwoo, site, challenge, json.dumps(bent), "Phone")


def test_a_challenge_is_answered_once(home, app, browser, jiwoo):
    """Whoever reads along replays the cookie of before together with the answer."""
    device = with_passkey(home, jiwoo)
    options = ask(browser)
    before = browser.get_cookie("maeul").value
    token, signed = browser.token(), device.sign(options)
    assert browser.send("/sign-in/passkey", credential=signed).status_code == 303

    thief = app.test_client()
    thief.set_cookie("maeul", before)
    replayed = thief.post("/sign-in/passkey", data={"csrf_token": token, "credential": signed})
    assert replayed.status_code in (400, 422)
    thief.set_cookie("maeul", before)
    assert thief.send("/sign-in/passkey", credential=signed).status_code == 422
    assert not is_in(thief)


def test_a_challenge_is_not_answered_in_another_browser(home, app, browser, jiwoo):
    device = with_passkey(home, jiwoo)
    signed = device.sign(ask(browser))
    other = app.test_client()
    assert other.send("/sign-in/passkey", credential=signed).status_code == 422
    ask(other)
    assert other.send("/sign-in/passkey", credential=signed).status_code == 422


def test_a_challenge_is_answered_within_five_minutes(home, browser, jiwoo, monday):
    device = with_passkey(home, jiwoo)
    signed = device.sign(ask(browser))
    monday(MONDAY + timedelta(minutes=5))
    assert browser.send("/sign-in/passkey", credential=signed).status_code == 422
    assert sign_in(browser, device).status_code == 303


def test_challenges_spent_are_forgotten_once_they_are_too_old_anyway(home, jiwoo, monday):
    with_passkey(home, jiwoo)
    care.sweep()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SpentChallenge)) == 1
    monday(MONDAY + timedelta(hours=2))
    care.sweep()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SpentChallenge)) == 0


@pytest.mark.parametrize("count", [3, 4])
def test_a_passkey_that_counts_backwards_is_refused_put_on_record_and_told(home, browser, app, jiwoo, letters, count):
    device = with_passkey(home, jiwoo)
    device.count = 4
    assert sign_in(browser, device).status_code == 303
    device.count = count
    copy = sign_in(app.test_client(), device)

    assert copy.status_code == 422
    assert "seems to have been copied" in copy.text
    on_record = sa.select(AuditEntry.subject).where(AuditEntry.action == "factors.passkey_copied")
    assert list(db.session.scalars(on_record)) == [f"person:{jiwoo.id}"]
    assert "Subject: One of your passkeys seems to have been copied" in letters()[-1]
    sign_in(app.test_client(), device)
    assert len([one for one in letters() if "seems to have been copied" in one]) == 1, "once a day"


def test_a_device_that_does_not_count_is_believed_again(home, browser, app, jiwoo):
    device = with_passkey(home, jiwoo)
    assert sign_in(browser, device).status_code == 303
    assert sign_in(app.test_client(), device).status_code == 303


def test_a_passkey_removed_opens_nothing(home, browser, jiwoo):
    device = with_passkey(home, jiwoo)
    home.send(f"/account/passkeys/{db.session.scalar(sa.select(Passkey.id))}/remove")
    assert sign_in(browser, device).status_code == 422


# --- as the second step ---


def test_after_the_password_ones_own_passkey_is_asked_for(home, browser, jiwoo):
    device = with_passkey(home, jiwoo)
    half_way(browser, jiwoo)
    options = ask(browser)
    signed = device.sign(options)

    assert [known["id"] for known in options["allowCredentials"]] == [json.loads(signed)["id"]]
    answer = browser.send("/sign-in/second-step?next=/account/sessions", way="passkey", credential=signed)
    assert (answer.status_code, answer.location) == (303, "/account/sessions")
    assert is_in(browser)


def test_someone_elses_passkey_is_no_second_step(home, browser, jiwoo):
    with_app(jiwoo)
    thiefs = with_passkey(home, factories.person())
    half_way(browser, jiwoo)
    answer = browser.send("/sign-in/second-step", way="passkey", credential=thiefs.sign(ask(browser)))

    assert answer.status_code == 422
    assert not is_in(browser)


def test_no_passkeys_are_offered_where_browsers_allow_none(browser, jiwoo):
    assert passkeys.Site("city.example.org", "", "").may_have_passkeys
    assert not passkeys.Site("127.0.0.1", "", "").may_have_passkeys
    assert not passkeys.Site("::1", "", "").may_have_passkeys
    assert "/sign-in/passkey" in browser.get("/sign-in").text
    assert password(browser, jiwoo).status_code == 303
