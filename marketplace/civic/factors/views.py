"""The second step of signing in, proving again who one is, and looking after one's second factors."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import segno
from flask import Blueprint, Response, current_app, redirect, request, session, url_for
from flask_login import login_user
from markupsafe import Markup

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.schemas import Nothing
from marketplace.civic.accounts.views import QUARTER, device, enter, half_way, next_path, own_session
from marketplace.civic.factors import errors, policy, queries, schemas
from marketplace.civic.factors.service import care, codes, letters, passkeys
from marketplace.kernel import clock, hooks, words
from marketplace.kernel.errors import DomainError
from marketplace.kernel.words import Text, _, _l, ngettext
from marketplace.web.access import current_person, public, residents, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import tell
from marketplace.web.security import Limit, address, afterwards, everyone, limited

bp = Blueprint("factors", __name__)

DAY = timedelta(days=1)
ANSWERED_WITHIN = timedelta(minutes=5)
"""How long a device has to answer a challenge."""


def half_way_person() -> str:
    """Whose second step it is, without asking the database."""
    return str((session.get("half_way") or ("nobody",))[0])


STEPS = (
    Limit("second step account", 10, QUARTER, half_way_person),
    Limit("second step account a day", 50, DAY, half_way_person),
    Limit("second step address", 50, QUARTER, address),
)
PROOFS = (Limit("proof", 10, QUARTER, own_session), Limit("proof a day", 50, DAY, own_session))
KEYS = (Limit("passkey address", 50, QUARTER, address), Limit("passkey all", 2000, QUARTER, everyone))


# --- where passkeys hold, and what they are asked ---


def site() -> passkeys.Site:
    """This city's site, as the settings name it and never as a request does."""
    settings = current_app.extensions["settings"]
    base = urlsplit(settings.base_url)
    return passkeys.Site(str(base.hostname), settings.city_name(words.language.get()), f"{base.scheme}://{base.netloc}")


def ask() -> str:
    """A new challenge for this browser."""
    challenge = passkeys.new_challenge()
    session["asked"] = [challenge, clock.now().isoformat()]
    return challenge


def asked() -> str:
    """What this browser was asked last, once. Raises PasskeyRefused if that is too long ago."""
    challenge, since = session.pop("asked", None) or ("", "")
    if not challenge or clock.now() - datetime.fromisoformat(since) >= ANSWERED_WITHIN:
        raise errors.PasskeyRefused
    return str(challenge)


def question(options: str) -> Response:
    """What the page's script hands to the browser."""
    response = Response(options, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def warn_of(refusal: DomainError | None, person: Person | None) -> None:
    """A refusal undoes everything, but that someone may be getting at an account has to be known."""
    if isinstance(refusal, errors.PasskeyCopied):
        which: dict[str, Any] = refusal.details
        afterwards(lambda: letters.warn_of_copy(**which))
    elif person is not None and isinstance(refusal, errors.WRONG):
        whose = person.id
        afterwards(lambda: letters.warn_of_wrong_steps(whose))


def believe(person: Person, way: str, code: str, recovery_code: str, password: str, credential: str) -> None:
    """Make sure by one proof that it is the person; a password is one only for who has nothing better."""
    if way == "passkey":
        passkeys.prove(person, site(), asked(), credential)
    elif way == "app":
        codes.prove_by_app(person, code)
    elif way == "paper":
        codes.prove_by_recovery_code(person, recovery_code)
        left = queries.factors_of(person).codes_left
        tell(ngettext("You have {n} recovery code left.", "You have {n} recovery codes left.", left))
    elif queries.has_factor(person):
        raise errors.NeedsFactor
    else:
        accounts.check_password(person, password)


# --- coming in ---


@hooks.second_step.register
def second_step_of(person: Person) -> str | None:
    """The page that asks for the second factor, if there is one."""
    return url_for("factors.second_step") if queries.has_factor(person) else None


@hooks.second_step_missing.register
def second_step_missing(person: Person) -> str | None:
    """The page to set one up, for whoever works for the city, has none, and showed none elsewhere when signing in.

    A session of an account with a factor has passed the second step: those before the first one ended with it, as did
    tokens. What was shown elsewhere counts in that browser alone, and for no program: they carry no session.
    """
    if not required() or not person.is_staff or session.get("second_step_shown") or queries.has_factor(person):
        return None
    return url_for("factors.overview")


def required() -> bool:
    """Whether the city asks it of everyone who works for it."""
    return bool(current_app.extensions["settings"].staff_need_second_factor)


@hooks.ways_in.register
def by_passkey(onward: str) -> tuple[Text, str] | None:
    """The way without a password."""
    return (_l("Sign in with a passkey"), url_for("factors.sign_in", next=onward)) if site().may_have_passkeys else None


@bp.route("/sign-in/second-step", methods=["GET", "POST"])
@public
@limited(*STEPS)
def second_step():
    """Show by a second factor who one is, after the password."""
    person = half_way()
    if person is None:
        if not current_person():
            tell(_("That took too long. Please sign in again."), "error")
        return redirect(url_for("accounts.sign_in", next=next_path()), 303)
    with Form(schemas.Proof()) as form:
        if form.submitted:
            believe(person, **form.data)
            return enter(person, next_path())
    warn_of(form.refusal, person)
    return form.page("civic/factors/second_step.html", factors=queries.factors_of(person), site=site())


@bp.route("/sign-in/passkey", methods=["GET", "POST"])
@public
@limited(*KEYS)
def sign_in():
    """Sign in by a passkey alone: it is both, what one has and what one knows or is."""
    if current_person():
        return redirect(next_path(), 303)
    with Form(schemas.PasskeyAnswer()) as form:
        if form.submitted:
            return enter(passkeys.recognise(site(), asked(), form.data["credential"]), next_path())
    warn_of(form.refusal, None)
    return form.page("civic/factors/sign_in.html", next=request.args.get("next"), site=site())


@bp.get("/sign-in/passkey/question")
@public
def sign_in_question():
    """What a passkey is to sign: one of the person's, or any of this site while nobody has said who they are."""
    return question(passkeys.request_options(current_person() or half_way(), site(), ask()))


@bp.route("/account/prove", methods=["GET", "POST"])
@residents
@limited(*PROOFS)
def prove():
    """Prove again who one is, before a sensitive act, and go on with it."""
    person = current_person()
    with Form(schemas.Proof()) as form:
        if form.submitted:
            believe(person, **form.data)
            accounts.prove(person)
            login_user(person)
            return redirect(next_path(), 303)
    warn_of(form.refusal, person)
    elsewhere = hooks.proofs.ask(person, next_path())
    return form.page("civic/factors/prove.html", factors=queries.factors_of(person), site=site(), elsewhere=elsewhere)


# --- looking after them ---


@hooks.sign_in_facts.register
def facts(person: Person) -> list[tuple[str, str, str, str]]:
    """What the account page says of second factors."""
    have = queries.factors_of(person)
    keys = ngettext("{n} passkey", "{n} passkeys", len(have.passkeys)) if have.passkeys else _("None")
    page = url_for("factors.overview")
    return [
        (_("Second factor"), _("On") if have.count else _("Off"), page, _("Change") if have.count else _("Set up")),
        (_("Passkeys"), keys, f"{page}#passkeys", _("See")),
    ]


@bp.get("/account/second-factor")
@residents
def overview():
    """What one proves who one is by, beside the password."""
    return _overview(Form(Nothing()))


def _overview(form: Form) -> Response:
    person = current_person()
    return form.page(
        "civic/factors/overview.html",
        factors=queries.factors_of(person),
        needed=required() and person.is_staff,
        site=site(),
        next=request.args.get("next"),
    )


def may_set_up() -> Person:
    """The person, if they may. Raises NotConfirmed."""
    person = current_person()
    if not policy.may_set_up(person):
        raise NotConfirmed
    return person


@bp.route("/account/second-factor/app", methods=["GET", "POST"])
@residents
@stepped_up
@limited(*PROOFS)
def app():
    """Set up an app that shows codes."""
    person = may_set_up()
    with Form(schemas.AppSetUp()) as form:
        if form.submitted:
            codes.set_up_app(person, codes.seed_of(person, form.data["seed"]), form.data["code"])
            return _set_up(person, _("From now on we ask for a code of your app when you sign in."))
    seed = _shown_seed(person, form)
    link = seed.link(person, site().name)
    picture = segno.make(link, error="m", micro=False).svg_inline(omitsize=True, light="white", lineclass=None)
    response = form.page("civic/factors/app.html", seed=seed, link=link, picture=Markup(picture))  # noqa: S704 - drawn here
    response.headers["Cache-Control"] = "no-store"
    return response


def _shown_seed(person: Person, form: Form) -> codes.Seed:
    """The one already in the app if a code was mistyped; else a new one."""
    if form.sent and not isinstance(form.refusal, errors.PageTooOld):
        try:
            return codes.seed_of(person, form.value("seed"))
        except errors.PageTooOld:
            pass
    return codes.new_seed(person)


def _set_up(person: Person, sentence: str):
    """Say so, and hand out recovery codes with the first factor."""
    tell(sentence)
    if queries.factors_of(person).codes_left:
        return redirect(next_path() if "next" in request.args else url_for(".overview"), 303)
    session["new_codes"] = codes.new_recovery_codes(person)
    return redirect(url_for(".recovery_codes", next=request.args.get("next")), 303)


@bp.post("/account/second-factor/app/remove")
@residents
@stepped_up
def remove_app():
    """Take no more codes of the app."""
    with Form(Nothing()) as form:
        care.remove_app(current_person(), required=required())
        tell(_("The app is removed."))
        return redirect(url_for(".overview"), 303)
    return _overview(form)


@bp.route("/account/second-factor/codes", methods=["GET", "POST"])
@residents
@stepped_up
def recovery_codes():
    """Recovery codes: a new set is shown once."""
    person = current_person()
    with Form(Nothing()) as form:
        if form.submitted:
            session["new_codes"] = codes.new_recovery_codes(person)
            return redirect(url_for(".recovery_codes"), 303)
    new = session.pop("new_codes", None)
    response = form.page(
        "civic/factors/codes.html", new=new, factors=queries.factors_of(person), onward=next_path(), email=person.email
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/account/passkeys/new", methods=["GET", "POST"])
@residents
@stepped_up
@limited(*PROOFS)
def new_passkey():
    """Register a passkey."""
    person = may_set_up()
    with Form(schemas.NewPasskey(), name=device()) as form:
        if form.submitted:
            passkeys.register(person, site(), asked(), form.data["credential"], form.data["name"])
            return _set_up(person, _("Your passkey is registered. You can sign in with it, without a password."))
    return form.page("civic/factors/new_passkey.html", site=site())


@bp.get("/account/passkeys/question")
@residents
@stepped_up
def new_passkey_question():
    """What a new passkey is to sign."""
    return question(passkeys.creation_options(may_set_up(), site(), ask()))


@bp.post("/account/passkeys/<int:passkey_id>/remove")
@residents
@stepped_up
def remove_passkey(passkey_id: int):
    """Believe a passkey no more."""
    with Form(Nothing()) as form:
        care.remove_passkey(current_person(), passkey_id, required=required())
        tell(_("The passkey is removed."))
        return redirect(url_for(".overview"), 303)
    return _overview(form)
