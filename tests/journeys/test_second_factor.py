"""An app, a passkey and codes on paper: set up, used to sign in, lost and replaced, with and without scripts."""

import re

import pyotp
import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import PersonSession
from marketplace.kernel import clock
from marketplace.portal.demo.queries import DOMAIN, PASSWORD
from tests.journeys.conftest import Visitor


@pytest.fixture(scope="module")
def host() -> str:
    """Browsers bind passkeys to a name."""
    return "localhost"


def give_a_device(someone: Visitor) -> str:
    """A device that keeps passkeys and always recognises its owner, in the person's browser."""
    tools = someone.page.context.new_cdp_session(someone.page)
    tools.send("WebAuthn.enable")
    about = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = tools.send("WebAuthn.addVirtualAuthenticator", {"options": about})
    someone.tools = tools  # type: ignore[attr-defined]
    return str(made["authenticatorId"])


def code(secret: str, later: int = 0) -> str:
    """What the app shows."""
    return pyotp.TOTP(secret).at(clock.now(), counter_offset=later)


def set_up_app(someone: Visitor) -> str:
    """Set the app up on the page, with the code of half a minute ago; gives its secret."""
    someone.go("/account/second-factor/app")
    secret = someone.page.locator(".civic-token").inner_text().replace(" ", "")
    someone.field("Code").fill(code(secret, -1))
    someone.press("Use this app")
    someone.reads("Your recovery codes")
    return secret


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", True, 1280), ("ko", False, 320)])
def test_an_app_and_then_a_recovery_code(visitor, language, scripts, width):
    who = {"en": "resident", "ko": "newcomer"}[language]
    mina = visitor(language, scripts=scripts, width=width)
    mina.sign_in(who)
    mina.go("/account/second-factor")
    mina.go("/account/second-factor/app")
    assert mina.page.locator(".qr svg").bounding_box()["width"] > 150
    mina.field("Code").fill("123456")
    mina.press("Use this app")
    mina.reads("This code is not right, or was used already. Wait for the next one and type that.")
    secret = set_up_app(mina)
    on_paper = mina.page.locator(".codes code").all_inner_texts()
    assert len(on_paper) == 10
    with mina.page.expect_download() as saving:
        mina.page.get_by_role("link", name=mina.word("Save as a file"), exact=True).click()
    saved = saving.value.path().read_text("utf-8")
    assert all(one in saved for one in on_paper)
    mina.press("I have kept them, go on")
    mina.open_letter("An app for codes was set up")

    mina.go("/account")
    mina.press("Sign out")
    mina.sign_in(who)
    mina.reads("One more step")
    mina.field("Code").fill(code(secret))
    mina.press("Go on")
    mina.go("/account")
    mina.press("Sign out")

    mina.sign_in(who)
    mina.page.get_by_text(mina.word("Use a recovery code"), exact=True).click()
    mina.field("Recovery code").fill(on_paper[0].upper())
    mina.press("Use this code")
    mina.go("/account/second-factor")
    assert re.search("9", mina.page.locator("#codes + p").inner_text())
    mina.open_letter("A recovery code was used")
    mina.go("/account/second-factor")
    mina.click(mina.page.locator("form[action$='/app/remove'] button"))
    mina.open_letter("The app for codes was removed")


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ko", 320)])
def test_a_passkey_signs_in_without_a_password_and_after_one(visitor, language, width):
    emily = visitor(language, width=width)
    give_a_device(emily)
    emily.sign_in("manager")
    emily.go("/account/second-factor")
    emily.go("/account/passkeys/new")
    emily.field("Name of this passkey").fill("Test key")
    emily.press("Register a passkey")
    emily.reads("Your recovery codes")
    emily.go("/account/second-factor")
    assert "Test key" in emily.page.locator("main").inner_text()
    emily.go("/account")
    emily.press("Sign out")

    emily.go("/sign-in?next=/account/tokens")
    emily.press("Sign in with a passkey")
    emily.press("Sign in with a passkey")
    emily.page.wait_for_url("**/account/tokens")
    emily.reads("Tokens for programs")
    emily.press("Sign out")

    emily.sign_in("manager")
    emily.reads("One more step")
    emily.press("Use a passkey")
    emily.page.wait_for_url("**/account")
    emily.go("/account/second-factor")
    emily.click(emily.page.locator("form[action*='/account/passkeys/'] button"))
    emily.reads("The passkey is removed.")


def test_a_device_that_does_not_recognise_its_owner_is_said_to_have_failed(visitor):
    emily = visitor("en")
    device = give_a_device(emily)
    emily.go("/sign-in/passkey")
    emily.tools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    emily.page.get_by_role("button", name="Sign in with a passkey").click()
    emily.page.get_by_text("No passkey was used. Try again, or choose another way.").wait_for()
    emily.follow("Sign in with a password instead")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_without_scripts_the_page_says_so_and_offers_another_way(visitor, language):
    haru = visitor(language, scripts=False, width=320)
    haru.go(f"/sign-in/passkey?language={language}")
    haru.reads(
        "Passkeys do not work in this browser: JavaScript is off, or the browser does not know them. "
        "Choose another way, or another browser."
    )
    assert not haru.page.get_by_role("button", name=haru.word("Sign in with a passkey")).is_visible()
    haru.follow("Sign in with a password instead")
    haru.field("E-mail address").fill(f"staff@{DOMAIN}")
    haru.field("Password").fill(PASSWORD)
    haru.press("Sign in")
    haru.go("/account/passkeys/new")
    haru.follow("Set up an app that shows codes instead")


def test_proving_again_keeps_what_was_typed(visitor):
    emily = visitor("en", scripts=False)
    emily.sign_in("moderator")
    emily.go("/account/tokens")
    emily.city.change(sa.update(PersonSession).values(proved_at=None))  # as if long ago
    emily.field("What is it for?").fill("my calendar")
    emily.press("Make the token")
    emily.reads("Is it you?")
    emily.field("Password").fill(PASSWORD)
    emily.press("Go on")
    emily.press("Go on")
    emily.reads("Your new token")
    emily.reads("my calendar")
