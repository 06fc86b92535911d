"""Signing in with the city's identity provider, and linking an account to it."""

from datetime import datetime, timedelta

import structlog
from flask import Blueprint, current_app, redirect, request, session, url_for
from flask_login import login_user

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.schemas import Nothing
from marketplace.civic.accounts.views import LETTERS, QUARTER, come_in, enter, next_path
from marketplace.civic.identity import errors, policy, queries, schemas
from marketplace.civic.identity.service import linking, provider
from marketplace.civic.identity.service.provider import Claims, Journey, Provider
from marketplace.kernel import clock, db, hooks, words
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import LANGUAGES, _
from marketplace.web import i18n
from marketplace.web.access import current_person, public, residents, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import tell, whole_address
from marketplace.web.security import Limit, address, everyone, limited

bp = Blueprint("identity", __name__)
log = structlog.get_logger()

JOURNEYS = (Limit("provider address", 100, QUARTER, address), Limit("provider all", 5000, QUARTER, everyone))
"""Each way there or back may have to wait for the provider."""

DECIDED_WITHIN = timedelta(minutes=30)
"""How long someone who came for the first time may take to choose an account."""


def is_offered() -> bool:
    """Whether the city has an identity provider."""
    return bool(current_app.extensions["settings"].oidc_issuer)


def the_provider() -> Provider:
    """The provider of the settings. Raises NotFound if there is none."""
    if not is_offered():
        raise NotFound
    settings = current_app.extensions["settings"]
    return Provider(
        name=settings.oidc_name(words.language.get()),
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        redirect_uri=whole_address(url_for("identity.callback")),
        second_factor=frozenset(filter(None, map(str.strip, settings.oidc_second_factor.split(",")))),
    )


# --- there and back ---


@hooks.ways_in.register
def way_in(onward: str) -> tuple[str, str] | None:
    """The way over the provider, for the sign-in page."""
    if not is_offered():
        return None
    return _("Sign in with {name}", name=the_provider().name), url_for("identity.start", next=onward)


@hooks.proofs.register
def proof(person: Person, onward: str) -> tuple[str, str] | None:
    """The same for who has to prove again who they are."""
    if not is_offered() or queries.of_person(person, the_provider().issuer) is None:
        return None
    return _("Prove it with {name}", name=the_provider().name), url_for("identity.prove", next=onward)


@bp.get("/identity/start")
@public
@limited(*JOURNEYS, reading=True)
def start():
    """Go to the provider."""
    return _leave(proof=False)


@bp.get("/identity/prove")
@residents
@limited(*JOURNEYS, reading=True)
def prove():
    """Go to the provider to be asked again who one is."""
    return _leave(proof=True)


def _leave(*, proof: bool):
    try:
        url, journey = provider.begin(the_provider(), next_path(), proof=proof)
    except errors.NotSignedIn as refusal:
        return _back(refusal, next_path())
    session["journey"] = [getattr(journey, name) for name in Journey.__slots__]
    return redirect(url, 303)


@bp.get("/identity/callback")
@public
@limited(*JOURNEYS, reading=True)
def callback():
    """Come back from the provider: sign in who is known, ask who is not."""
    kept = session.pop("journey", None)
    journey = Journey(*kept) if kept else None
    onward = journey.onward if journey else url_for("accounts.profile")
    try:
        claims = provider.finish(the_provider(), journey, request.args.to_dict())
        here = current_person()
        _begin_to_write()
        identity = queries.by_subject(claims.issuer, claims.subject)
        if identity is None or (here is not None and here.id != identity.person_id):
            session["identity"] = claims.kept()
            return redirect(url_for(".link" if here else ".first", next=onward), 303)
        linking.note_use(identity)
        return _let_in(identity.person, claims, onward) if here is None else _believe(here, journey, claims)
    except errors.NotSignedIn as refusal:
        return _back(refusal, onward)


def _begin_to_write() -> None:
    """From here on this request writes, though it is a GET: a provider has no other way to send someone back."""
    db.session.remove()
    db.begin(read_only=False)


def _let_in(person: Person, claims: Claims, onward: str):
    """Sign in, without asking for a second factor that the provider has seen."""
    if not claims.second_factor:
        return come_in(person, onward)
    return enter(person, onward, second_step_shown=True)


def _believe(person: Person, journey: Journey | None, claims: Claims):
    """Put down that someone signed in has proved who they are, if that was why they went."""
    if journey is not None and journey.proof:
        if not claims.is_fresh or (hooks.second_step.ask(person) and not claims.second_factor):
            raise errors.NotFresh(name=the_provider().name)
        accounts.prove(person)
        login_user(person)
    return redirect(journey.onward if journey else url_for("accounts.profile"), 303)


def _back(refusal: errors.NotSignedIn, onward: str):
    """To where one can sign in another way, with the reason; nothing that was typed before is lost."""
    log.warning("identity_refused", reason=refusal.code, cause=type(refusal.__cause__).__name__)
    tell(refusal.sentence, "error")
    return redirect(url_for(".overview") if current_person() else url_for("accounts.sign_in", next=onward), 303)


# --- the first time ---


def _named() -> Claims | None:
    """Whom the provider has named in this browser, and who has yet to choose an account."""
    kept = session.get("identity")
    claims = Claims(**kept) if kept else None
    if claims is None or claims.issuer != the_provider().issuer:
        return None
    return claims if clock.now() - datetime.fromisoformat(claims.at) < DECIDED_WITHIN else None


@bp.route("/identity/first", methods=["GET", "POST"])
@public
@limited(*LETTERS)
def first():
    """Choose: the account one has, or a new one."""
    own, claims = the_provider(), _named()
    if current_person():
        return redirect(url_for(".link", next=next_path()), 303)
    if claims is None:
        return _back(errors.OutOfDate(name=own.name), next_path())
    with Form(schemas.NewAccount(), name=claims.name, email=claims.email, language=i18n.choose()) as form:
        if form.submitted:
            person = linking.open_account(claims, **form.data)
            del session["identity"]
            return enter(person, next_path(), second_step_shown=claims.second_factor)
    return form.page(
        "civic/identity/first.html",
        provider=own,
        languages=list(LANGUAGES.items()),
        onward=url_for(".link", next=next_path()),
    )


@bp.route("/account/identity/link", methods=["GET", "POST"])
@residents
@stepped_up
def link():
    """Link the account one is signed in to, once that is meant."""
    claims = _named()
    if claims is None:
        return _back(errors.OutOfDate(name=the_provider().name), next_path())
    with Form(Nothing()) as form:
        if form.submitted:
            linking.link(current_person(), claims)
            del session["identity"]
            tell(_("From now on you can sign in with {name}.", name=the_provider().name))
            return redirect(next_path(), 303)
    return form.page("civic/identity/link.html", provider=the_provider(), claims=claims, person=current_person())


# --- looking after it ---


@hooks.sign_in_facts.register
def facts(person: Person) -> list[tuple[str, str, str, str]] | None:
    """What the account page says of it."""
    if not is_offered():
        return None
    own = the_provider()
    linked = queries.of_person(person, own.issuer)
    return [(own.name, _("Linked") if linked else _("Not linked"), url_for("identity.overview"), _("See"))]


@bp.get("/account/identity")
@residents
def overview():
    """Whether the account is linked, and how to change that."""
    return _overview(Form(Nothing()))


def _overview(form: Form):
    person, own = current_person(), the_provider()
    identity = queries.of_person(person, own.issuer)
    return form.page(
        "civic/identity/overview.html",
        provider=own,
        identity=identity,
        may_unlink=identity is not None and policy.may_unlink(person, identity),
    )


@bp.post("/account/identity/unlink")
@residents
@stepped_up
def unlink():
    """Let the provider open this account no more."""
    with Form(Nothing()) as form:
        person, own = current_person(), the_provider()
        linking.unlink(person, queries.of_person(person, own.issuer))
        tell(_("{name} no longer opens your account.", name=own.name))
        return redirect(url_for(".overview"), 303)
    return _overview(form)
