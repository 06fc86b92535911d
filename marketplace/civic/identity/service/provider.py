"""The city's identity provider: OpenID Connect by authorization code, with PKCE, state and nonce (Authlib, joserfc).

It is believed only as far as it proves: that it is who the setting names, and that what it signs was meant for this
site, this browser and this moment.
"""

import hmac
import secrets
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from marketplace.civic.identity import errors
from marketplace.kernel import clock

SCOPE = "openid profile email"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""With a key of the provider's own; never `none`, and never one whose key is the secret that both sides know."""

TIMEOUT = (4, 8)
LEEWAY = 60
KEPT = 3600.0
"""Seconds for which the provider's description and keys are believed."""

JOURNEY_LASTS = timedelta(minutes=15)
FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider as the settings name it; `second_factor` are the values of amr or acr that show one."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    second_factor: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Journey:
    """What the browser keeps while its owner is away at the provider."""

    state: str
    nonce: str
    verifier: str
    onward: str
    begun_at: str
    proof: bool = False


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom the provider says it has signed in, as far as that matters here."""

    issuer: str
    subject: str
    name: str = ""
    email: str = ""
    email_verified: bool = False
    second_factor: bool = False
    authenticated_at: str = ""
    at: str = ""

    def kept(self) -> dict[str, Any]:
        """For the browser's cookie."""
        return asdict(self)

    @property
    def is_fresh(self) -> bool:
        """Whether the provider has just asked who it is."""
        return bool(self.authenticated_at) and clock.now() - datetime.fromisoformat(self.authenticated_at) < FRESH


_described: dict[str, tuple[float, dict[str, Any]]] = {}


def forget() -> None:
    """Ask the provider anew who it is and which keys it has."""
    _described.clear()


def begin(provider: Provider, onward: str, *, proof: bool = False) -> tuple[str, Journey]:
    """Where to send the browser, and what it has to keep meanwhile; for a proof the provider is to ask again."""
    journey = Journey(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        onward=onward,
        begun_at=clock.now().isoformat(),
        proof=proof,
    )
    again = {"prompt": "login", "max_age": 0} if proof else {}
    with _client(provider) as client:
        url, _state = client.create_authorization_url(
            _description(provider)["authorization_endpoint"],
            state=journey.state,
            nonce=journey.nonce,
            code_verifier=journey.verifier,
            **again,
        )
    return url, journey


def finish(provider: Provider, journey: Journey | None, answer: dict[str, str]) -> Claims:
    """Whom the provider signed in, by the answer that the browser brought. Raises NotSignedIn."""
    if journey is None or not hmac.compare_digest(journey.state.encode(), answer.get("state", "").encode()):
        raise errors.OutOfDate(name=provider.name)
    if clock.now() - datetime.fromisoformat(journey.begun_at) >= JOURNEY_LASTS:
        raise errors.OutOfDate(name=provider.name)
    if answer.get("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise errors.ProviderLies(name=provider.name)
    if "code" not in answer:
        raise errors.Declined(name=provider.name)
    with _client(provider) as client:
        token = _token(provider, client, answer["code"], journey.verifier)
        claims = _checked(provider, token, journey.nonce)
        return _known(provider, {**_more(provider, client, claims), **claims})


def _client(provider: Provider) -> OAuth2Session:
    supported = _description(provider).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    method = "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"
    return OAuth2Session(
        provider.client_id,
        provider.client_secret,
        scope=SCOPE,
        redirect_uri=provider.redirect_uri,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
        default_timeout=TIMEOUT,
    )


# --- what the provider says of itself ---


def _description(provider: Provider) -> dict[str, Any]:
    """Its discovery document; its name for itself must be the setting, letter by letter."""
    until, known = _described.get(provider.issuer, (0.0, {}))
    if time.monotonic() < until:
        return known
    found = _fetched(provider, provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != provider.issuer:
        raise errors.ProviderLies(name=provider.name)
    scheme = urlsplit(provider.issuer).scheme
    for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if urlsplit(str(found.get(endpoint))).scheme not in ("https", scheme):
            raise errors.ProviderLies(name=provider.name)
    found["keys"] = _fetched(provider, found["jwks_uri"])
    _described[provider.issuer] = (time.monotonic() + KEPT, found)
    return found


def _fetched(provider: Provider, url: str) -> dict[str, Any]:
    try:
        answer = requests.get(url, timeout=TIMEOUT, allow_redirects=False)
        found = answer.json()
    except (requests.RequestException, ValueError) as failure:
        raise errors.ProviderAway(name=provider.name) from failure
    if answer.status_code != requests.codes.ok or not isinstance(found, dict):
        raise errors.ProviderAway(name=provider.name)
    return found


# --- what it says of a person ---


def _token(provider: Provider, client: OAuth2Session, code: str, verifier: str) -> dict[str, Any]:
    """What the code is worth: once, and only to who holds the secret and began the journey."""
    try:
        found = client.fetch_token(
            _description(provider)["token_endpoint"], code=code, code_verifier=verifier, allow_redirects=False
        )
    except AuthlibBaseError as refused:
        raise errors.OutOfDate(name=provider.name) from refused
    except (requests.RequestException, ValueError) as failure:
        raise errors.ProviderAway(name=provider.name) from failure
    if not isinstance(found, dict) or "id_token" not in found:
        raise errors.ProviderLies(name=provider.name)
    return dict(found)


def _checked(provider: Provider, token: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of the ID token, if it is signed and meant for us (OpenID Connect Core 3.1.3.7)."""
    try:
        signed = _verified(provider, token["id_token"])
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
            },
            {"nonce": nonce, "client_id": provider.client_id, "access_token": token.get("access_token")},
        )
        claims.validate(int(clock.now().timestamp()), LEEWAY)
    except (JoseError, AuthlibBaseError, ValueError, TypeError, KeyError) as failure:
        raise errors.ProviderLies(name=provider.name) from failure
    if not 0 < len(claims["sub"]) <= 255:
        raise errors.ProviderLies(name=provider.name)
    return dict(claims)


def _verified(provider: Provider, id_token: str) -> jwt.Token:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        return jwt.decode(id_token, KeySet.import_key_set(_description(provider)["keys"]), registry=registry)
    except InvalidKeyIdError:  # its keys are other ones by now
        forget()
        return jwt.decode(id_token, KeySet.import_key_set(_description(provider)["keys"]), registry=registry)


def _more(provider: Provider, client: OAuth2Session, claims: dict[str, Any]) -> dict[str, Any]:
    """Name and address, where the provider tells them only on request; a provider that does not is no worse."""
    endpoint = _description(provider).get("userinfo_endpoint")
    if not endpoint or "email" in claims:
        return {}
    try:
        found = client.get(endpoint, allow_redirects=False).json()
    except (requests.RequestException, AuthlibBaseError, ValueError):
        return {}
    if not isinstance(found, dict) or found.get("sub") != claims["sub"]:
        raise errors.ProviderLies(name=provider.name)
    return found


def _known(provider: Provider, claims: dict[str, Any]) -> Claims:
    shown = claims.get("amr") if isinstance(claims.get("amr"), list) else []
    asked = claims.get("auth_time")
    return Claims(
        issuer=provider.issuer,
        subject=claims["sub"],
        name=_text(claims.get("name"))[:80],
        email=_text(claims.get("email"))[:254],
        email_verified=claims.get("email_verified") is True,
        second_factor=bool(provider.second_factor & {str(one) for one in [*(shown or []), claims.get("acr")]}),
        authenticated_at=datetime.fromtimestamp(asked, UTC).isoformat() if isinstance(asked, int | float) else "",
        at=clock.now().isoformat(),
    )


def _text(claim: object) -> str:
    return "".join(letter for letter in claim if letter.isprintable()).strip() if isinstance(claim, str) else ""
