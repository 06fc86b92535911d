"""Registering, signing in and out, and looking after one's own account."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Blueprint, current_app, redirect, request, session, url_for
from flask_login import login_user

from marketplace.civic.accounts import policy, queries, schemas, service
from marketplace.civic.accounts.models import Person, PersonSession, Purpose
from marketplace.kernel import clock, credentials, db, hooks, limits
from marketplace.kernel.words import LANGUAGES, _, ngettext
from marketplace.web import access, i18n, security
from marketplace.web.access import by_way_of, current_person, public, residents, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell
from marketplace.web.security import Limit, address, everyone, limited

bp = Blueprint("accounts", __name__)

hooks.entering_by_role.register(policy.expect_not_suspended)
access.login.session_protection = None  # a session is a row; what network it comes from is nobody's business

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
OUTLIVES = ("typed", "identity")
"""What a browser keeps when it is signed in: what was typed before, and whom an identity provider has just named."""

HALF_WAY = timedelta(minutes=10)
"""How long after the password the second step may be taken."""


def typed_email() -> str:
    """The account that is tried."""
    return queries.one_spelling(request.form.get("email", ""))[:254]


def own_session() -> str:
    """Where someone is signed in, without asking the database."""
    return str(session.get("_user_id", ""))


TRIES = (
    Limit("sign-in account", 10, QUARTER, typed_email),
    Limit("sign-in address", 50, QUARTER, address),
    Limit("sign-in all", 2000, QUARTER, everyone),
)
LETTERS = (
    Limit("letter account", 5, HOUR, typed_email),
    Limit("letter address", 30, HOUR, address),
    Limit("letter all", 3000, HOUR, everyone),
)
OWN_LETTERS = (Limit("own letter", 5, HOUR, own_session), *LETTERS[1:])
OWN_PASSWORD = (Limit("own password", 10, QUARTER, own_session),)
LINKS = (Limit("link address", 50, QUARTER, address),)


# --- recognising ---


@access.login.user_loader
def by_session(token: str) -> Person | None:
    """Who is signed in in this browser."""
    if not db.session().in_transaction():
        db.begin(read_only=True)  # a page that is not there still shows who is signed in
    found = queries.session_of(token)
    if found is None:
        return None
    if clock.now() - found.seen_at >= policy.TOUCH_EVERY:
        seen = sa.update(PersonSession).where(PersonSession.id == found.id).values(seen_at=clock.now())
        security.afterwards(lambda: db.session.execute(seen))
    found.person.session_token, found.person.proved_at = token, found.proved_at
    return access.recognised(found.person)


DEVICES = (
    ("iPad", "iPad"), ("iPhone", "iPhone"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
BROWSERS = (
    ("Whale/", "Whale"), ("SamsungBrowser/", "Samsung Internet"), ("Edg", "Edge"), ("OPR/", "Opera"),
    ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip


def device() -> str:
    """The browser in two words, such as "Chrome, Android": enough to know it again."""
    agent = request.user_agent.string
    parts = [next((name for sign, name in known if sign in agent), "") for known in (BROWSERS, DEVICES)]
    return ", ".join(part for part in parts if part)


def next_path() -> str:
    """Where to go on: only ever a page of ours."""
    path = request.args.get("next", "")
    parts = urlsplit(path)
    ours = re.fullmatch(r"/(?![/\\])[^\\\x00-\x20]*", path) and not parts.scheme and not parts.netloc
    return path if ours else url_for("accounts.profile")


def come_in(person: Person, onward: str | None = None):
    """Sign in whoever gave the password, or lead them to the second step if they have set one up."""
    onward = onward or next_path()
    if step := hooks.second_step.ask(person):
        now = clock.now().isoformat()
        session["half_way"] = [person.id, now, _seal(person, now)]
        return by_way_of(step[0], onward)
    return enter(person, onward)


def half_way() -> Person | None:
    """Who gave the right password in this browser a moment ago and has yet to take the second step."""
    person_id, since, seal = session.get("half_way") or (0, "", "")
    if not person_id or clock.now() - datetime.fromisoformat(since) >= HALF_WAY:
        return None
    person = queries.person(person_id)
    return person if credentials.is_seal(seal, "half way", person.id, person.password_hash, since) else None


def _seal(person: Person, since: str) -> str:
    """What a password is good for half way, until it is another one."""
    return credentials.seal("half way", person.id, person.password_hash, since)


def enter(person: Person, onward: str, *, second_step_shown: bool = False):
    """Sign this browser in, under a new session; what was typed before stays.

    `second_step_shown` says that a second factor was shown elsewhere: none has to be set up here for this session.
    """
    service.open_session(person, device())
    kept = {name: session[name] for name in OUTLIVES if name in session}
    session.clear()
    session.update(kept)
    session.permanent = True
    session["second_step_shown"] = second_step_shown
    login_user(access.recognised(person))
    page_first = person.second_step_at
    response = by_way_of(page_first, onward) if page_first else redirect(onward, 303)
    if i18n.COOKIE not in request.cookies:
        _speak(response, person.language)
    return response


def _speak(response, language: str) -> None:
    response.set_cookie(
        i18n.COOKIE, language, max_age=31_536_000, samesite="Lax", httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )  # fmt: skip


# --- coming in ---


@bp.route("/sign-in", methods=["GET", "POST"])
@public
@limited(*TRIES)
def sign_in():
    """Sign in, and go on where one was."""
    if current_person():
        return redirect(next_path(), 303)
    with Form(schemas.SignIn()) as form:
        if form.submitted:
            return come_in(service.recognise(**form.data))
    return form.page(
        "civic/accounts/sign_in.html",
        next=request.args.get("next"),
        kept=access.what_was_typed() is not None,
        ways=hooks.ways_in.ask(next_path()),
    )


@bp.route("/register", methods=["GET", "POST"])
@public
@limited(*LETTERS)
def register():
    """Open an account; one is signed in at once, and confirms the address later."""
    if current_person():
        return redirect(next_path(), 303)
    with Form(schemas.Registration(), language=i18n.choose()) as form:
        if form.submitted:
            person = service.register(**form.data)
            return enter(person, next_path())
    return form.page(
        "civic/accounts/register.html",
        next=request.args.get("next"),
        languages=list(LANGUAGES.items()),
        districts=queries.district_choices(),
    )


@bp.get("/go-on")
@residents
def go_on():
    """Send what was typed before signing in."""
    kept = access.what_was_typed()
    if kept is None:
        return redirect(url_for(".profile"), 303)
    path, fields = kept
    return page("civic/accounts/go_on.html", path=path, fields=list(fields.items(multi=True)))


@bp.post("/sign-out")
@public
def sign_out():
    """Sign this browser out."""
    if person := current_person():
        service.sign_out(person)
    session.clear()
    tell(_("You are signed out."))
    response = redirect("/", 303)
    response.headers["Clear-Site-Data"] = '"cache"'  # the next person at this computer goes back to no page of theirs
    return response


@bp.route("/confirm/<link>", methods=["GET", "POST"])
@public
@limited(*LINKS)
def confirm(link: str):
    """Show that the letter arrived. A button, because mail programs follow links by themselves."""
    token, here = queries.by_link(link, Purpose.CONFIRM, Purpose.CHANGE), current_person()
    own = here is not None and here.id == token.person_id
    onward = url_for(".go_on") if access.what_was_typed() else url_for(".profile")
    with Form(schemas.Nothing() if own else schemas.NewPassword()) as form:
        if form.submitted:
            if own:
                service.confirm(link)
                response = redirect(onward, 303)
            else:
                response = come_in(service.confirm_elsewhere(link, **form.data), onward)
            tell(_("Your e-mail address is confirmed."))
            return response
    return form.page("civic/accounts/confirm.html", email=token.email, name=token.person.name, own=own)


@bp.post("/account/letter")
@residents
@limited(*OWN_LETTERS)
def send_again():
    """Send the letter with the confirming link once more."""
    service.send_confirmation(current_person())
    tell(_("We sent the letter again. It can take a few minutes to arrive."))
    return redirect(next_path(), 303)


@bp.route("/forgot-password", methods=["GET", "POST"])
@public
@limited(*LETTERS)
def forgot():
    """Ask for a letter with which to set a new password."""
    with Form(schemas.Address()) as form:
        if form.submitted:
            service.ask_for_new_password(form.data["email"])
            return page("civic/accounts/letter_sent.html", email=form.data["email"])
    return form.page("civic/accounts/forgot.html")


@bp.route("/new-password/<link>", methods=["GET", "POST"])
@public
@limited(*LINKS)
def reset(link: str):
    """Set a new password by the link of a letter."""
    token = queries.by_link(link, Purpose.RESET)
    with Form(schemas.NewPassword()) as form:
        if form.submitted:
            service.reset_password(link, **form.data)
            tell(_("Your password is changed. Sign in with it."))
            return redirect(url_for(".sign_in", next=url_for(".go_on")), 303)
    return form.page("civic/accounts/reset.html", email=token.email)


# --- one's account ---


@bp.route("/account", methods=["GET", "POST"])
@residents
def profile():
    """What is coming up, and what the account says."""
    person = current_person()
    now = {"name": person.name, "language": person.language, "district_id": person.district_id}
    with Form(schemas.Profile(), **now, version=person.version) as form:
        if form.submitted:
            service.change_profile(person, **form.data)
            response = redirect(url_for(".profile"), 303)
            _speak(response, person.language)
            tell(_("Your details are saved."))
            return response
    return form.page(
        "civic/accounts/profile.html",
        person=person,
        sections=hooks.coming_up.ask(person),
        sign_in_facts=[row for rows in hooks.sign_in_facts.ask(person) for row in rows],
        roles=queries.held_by(person),
        languages=list(LANGUAGES.items()),
        districts=queries.district_choices(),
    )


@bp.route("/account/password", methods=["GET", "POST"])
@residents
@limited(*OWN_PASSWORD)
def password():
    """Change the password."""
    with Form(schemas.PasswordChange()) as form:
        if form.submitted:
            person = current_person()
            service.change_password(person, **form.data)
            service.open_session(person, device(), proved_at=person.proved_at)  # a password proves no second factor
            login_user(person)
            tell(_("Your password is changed. Other browsers are signed out, and programs need new tokens."))
            return redirect(url_for(".profile"), 303)
    return form.page("civic/accounts/password.html")


@bp.route("/account/email", methods=["GET", "POST"])
@residents
@stepped_up
@limited(*OWN_PASSWORD, *LETTERS)
def email():
    """Change the e-mail address."""
    with Form(schemas.NewAddress()) as form:
        if form.submitted:
            service.change_address(current_person(), **form.data)
            tell(_("We sent a letter to {email}. Follow the link in it.", email=form.data["email"]))
            return redirect(url_for(".profile"), 303)
    return form.page("civic/accounts/email.html", person=current_person())


@bp.get("/account/sessions")
@residents
def sessions():
    """Where one is signed in."""
    person = current_person()
    return page(
        "civic/accounts/sessions.html",
        sessions=queries.sessions_of(person),
        here=credentials.digest(person.session_token),
    )


@bp.post("/account/sessions/<int:session_id>/end")
@residents
def end_session(session_id: int):
    """Sign one browser out."""
    service.end_session(current_person(), session_id)
    tell(_("That browser is signed out."))
    return redirect(url_for(".sessions"), 303)


@bp.post("/account/sessions/end-others")
@residents
def end_other_sessions():
    """Sign every other browser out."""
    count = service.end_other_sessions(current_person())
    tell(ngettext("{n} other browser is signed out.", "{n} other browsers are signed out.", count))
    return redirect(url_for(".sessions"), 303)


@bp.route("/account/tokens", methods=["GET", "POST"])
@residents
@stepped_up
def tokens():
    """Tokens by which programs act for one; a new one is shown once."""
    person = current_person()
    with Form(schemas.TokenRequest()) as form:
        if form.submitted:
            session["new_token"] = service.create_api_token(person, **form.data)
            return redirect(url_for(".tokens"), 303)
    new = session.pop("new_token", None)
    response = form.page("civic/accounts/tokens.html", tokens=queries.api_tokens_of(person), new=new)
    if new:
        response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/account/tokens/<int:token_id>/revoke")
@residents
def revoke_token(token_id: int):
    """Make a token useless."""
    service.revoke_api_token(current_person(), token_id)
    tell(_("The token no longer works."))
    return redirect(url_for(".tokens"), 303)


@hooks.erasing.register
def forget_tries(person: Person) -> None:
    """Forget how often someone tried to sign in, or asked for a letter, with the person's address."""
    counted = (limit.name for limit in (*TRIES, *LETTERS) if limit.key is typed_email)
    limits.forget(*(f"{name}:{person.email}" for name in counted))
