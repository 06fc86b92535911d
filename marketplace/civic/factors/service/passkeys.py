"""Passkeys (WebAuthn): registering them, and believing what they sign.

Each is kept by the device, found without a name, and used only after the device has recognised its owner by finger,
face or PIN: so a passkey alone is both, what one has and what one knows or is.
"""

import json
import secrets
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.civic.accounts.models import Person
from marketplace.civic.factors import errors, policy, queries
from marketplace.civic.factors.models import Passkey, SpentChallenge
from marketplace.civic.factors.service.care import end_what_the_password_opened
from marketplace.civic.factors.service.letters import tell
from marketplace.kernel import clock, credentials, db

MOST = 20
ASKED = 32
"""Bytes of a challenge."""
UNREADABLE = (WebAuthnException, ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error)
"""What comes of an answer that no device would give."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys hold: the host's name, the city's name, and the address that pages come from."""

    host: str
    name: str
    origin: str

    @property
    def may_have_passkeys(self) -> bool:
        """Browsers bind passkeys to a name, never to an address of numbers."""
        try:
            ip_address(self.host)
        except ValueError:
            return True
        return False


def new_challenge() -> str:
    """A question that was never asked before."""
    return bytes_to_base64url(secrets.token_bytes(ASKED))


# --- registering ---


def creation_options(person: Person, site: Site, challenge: str) -> str:
    """What the browser needs to make a passkey, as JSON."""
    own = queries.passkeys_of(person)
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=base64url_to_bytes(_handle(person, own)),
        user_name=person.email,
        user_display_name=person.name,
        challenge=base64url_to_bytes(challenge),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(own),
    )
    return webauthn.options_to_json(options)


def register(person: Person, site: Site, challenge: str, answer: str, name: str) -> Passkey:
    """Take what this passkey signs for the person's word from now on.

    Raises NotConfirmed, TooManyPasskeys, PasskeyRefused or PasskeyKnown.
    """
    if not policy.may_set_up(person):
        raise NotConfirmed
    own = queries.passkeys_of(person)
    if len(own) >= MOST:
        raise errors.TooManyPasskeys(most=MOST)
    try:
        made = webauthn.verify_registration_response(
            credential=_read(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except UNREADABLE as failure:
        raise errors.PasskeyRefused from failure
    _spend(challenge)
    first = end_what_the_password_opened(person)
    passkey = Passkey(
        person_id=person.id,
        name=name,
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=made.credential_public_key,
        handle=_handle(person, own),
        sign_count=made.sign_count,
    )
    try:
        with db.session.begin_nested():
            db.session.add(passkey)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise errors.PasskeyKnown from clash
    tell(person, "passkey_added", passkey=name, first=first)
    return passkey


def _handle(person: Person, own: list[Passkey]) -> str:
    return own[0].handle if own else credentials.seal("passkeys of", person.id)


# --- believing ---


def request_options(person: Person | None, site: Site, challenge: str) -> str:
    """What the browser needs to let a passkey sign, as JSON; without a person any passkey of the site will do."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=base64url_to_bytes(challenge),
        allow_credentials=_descriptors(queries.passkeys_of(person)) if person else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def recognise(site: Site, challenge: str, answer: str) -> Person:
    """Whose passkey signed this challenge. Raises PasskeyRefused or PasskeyCopied."""
    try:
        given = _read(answer)
        known = sa.select(Passkey).where(Passkey.credential_id == bytes_to_base64url(base64url_to_bytes(given["id"])))
        passkey = db.session.scalars(known).one_or_none()
        if passkey is None or given["response"].get("userHandle") not in (None, "", passkey.handle):
            raise errors.PasskeyRefused
        signed = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # asked below, where two at once cannot both be right
            require_user_verification=True,
        )
    except UNREADABLE as failure:
        raise errors.PasskeyRefused from failure
    _spend(challenge)
    _count(passkey, signed.new_sign_count)
    return people.person(passkey.person_id)


def prove(person: Person, site: Site, challenge: str, answer: str) -> None:
    """Believe a passkey, if it is this person's. Raises PasskeyRefused or PasskeyCopied."""
    if recognise(site, challenge, answer).id != person.id:
        raise errors.PasskeyRefused


def _count(passkey: Passkey, count: int) -> None:
    further = sa.or_(Passkey.sign_count < count, sa.and_(Passkey.sign_count == 0, sa.literal(count) == 0))
    used = sa.update(Passkey).where(Passkey.id == passkey.id, further)
    if not db.changed(used.values(sign_count=count, used_at=clock.now())):
        raise errors.PasskeyCopied(passkey_id=passkey.id, person_id=passkey.person_id, name=passkey.name)


def _spend(challenge: str) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(SpentChallenge(digest=credentials.digest(challenge)))
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise errors.PasskeyRefused from clash


def _read(answer: str) -> dict[str, Any]:
    given = json.loads(answer)
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise ValueError("no answer of a device")
    return given


def _descriptors(own: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.credential_id)) for one in own]
