"""Registering, signing in, changing what an account says, and giving roles."""

from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts import errors, policy, queries
from marketplace.civic.accounts.models import (
    ApiToken,
    EmailToken,
    Method,
    Person,
    PersonSession,
    Purpose,
    Role,
    RoleGrant,
)
from marketplace.civic.places.models import District
from marketplace.kernel import audit, clock, credentials, db, hooks, jobs, words
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound

PASSWORD_LEAST, PASSWORD_MOST = 8, 128
LINK_LASTS = {
    Purpose.CONFIRM: timedelta(hours=24),
    Purpose.CHANGE: timedelta(hours=1),
    Purpose.RESET: timedelta(minutes=30),
}
MOST_TOKENS = 20
TOKEN_PREFIX = "mt_"  # noqa: S105 - what tokens begin with, so that leaked ones can be found
KEPT_UNCONFIRMED = timedelta(days=30)
KEPT_LINKS = timedelta(days=7)
KEPT_TOKENS = timedelta(days=365)


# --- registering and the address ---


def register(name: str, email: str, password: str, language: str = "en", district_id: int | None = None) -> Person:
    """Open an account and send a letter to its address.

    It goes the same way, and takes as long, whether or not the address has an account already; only the letter differs.
    """
    _check_password(password, name, email)
    person = Person(
        name=name,
        email=queries.one_spelling(email),
        password_hash=credentials.hashed(password),
        language=language,
        district_id=_known_district(district_id),
        grants=[],
    )
    db.session.add(person)
    db.session.flush()
    send_confirmation(person)
    return person


def open_account(name: str, email: str, language: str, *, confirmed: bool) -> Person:
    """Open an account without a password, for someone who signs in another way.

    `confirmed` says that someone we trust made sure of the address; it does not count if the address is someone's.
    """
    person = Person(name=name, email=queries.one_spelling(email), password_hash="", language=language, grants=[])
    db.session.add(person)
    db.session.flush()
    if confirmed:
        with suppress(errors.AddressTaken):
            _believe_address(person, person.email)
    send_confirmation(person)
    return person


def send_confirmation(person: Person) -> None:
    """Send the letter by which the person shows that the address is theirs; again, if need be."""
    if not person.is_confirmed:
        _send_link(person, Purpose.CONFIRM, person.email)


def confirm(link: str) -> Person:
    """Believe that the address is the person's, because the letter arrived. Following the link twice does no harm.

    Raises LinkOver, or AddressTaken if someone else confirmed the address first.
    """
    token = queries.by_link(link, Purpose.CONFIRM, Purpose.CHANGE)
    person = token.person
    if token.used_at is not None:
        if person.is_confirmed and person.email == token.email:
            return person
        raise errors.LinkOver
    if token.purpose is Purpose.CONFIRM and person.email != token.email:
        raise errors.LinkOver  # asked for before the address was corrected
    if queries.is_taken(token.email, person):
        raise errors.AddressTaken
    _use_up_links(person)
    token.used_at = clock.now()
    if person.email != token.email:
        token.replaced = person.email
        jobs.enqueue("accounts.letter_moved", token_id=token.id)
    _believe_address(person, token.email)
    audit.record(person.id, "accounts.address_confirmed", f"person:{person.id}")
    hooks.address_confirmed.ask(person.email)
    if token.replaced:
        hooks.account_changed.ask(person, words._l("Your e-mail address was changed"))
    return person


def _believe_address(person: Person, email: str) -> None:
    try:
        with db.session.begin_nested():
            person.email = email
            person.confirmed_at = person.confirmed_at or clock.now()
    except sa.exc.IntegrityError as clash:
        if db.violates(clash, "uq_people_email") or db.violates(clash, "people.email"):
            raise errors.AddressTaken from clash
        raise


def change_address(person: Person, email: str, password: str) -> None:
    """Send a letter to another address, which becomes the person's once its link is followed.

    An address never confirmed is corrected at once.
    """
    _check_present_password(person, password, "password")
    if person.is_confirmed:
        _send_link(person, Purpose.CHANGE, queries.one_spelling(email))
    else:
        person.email = queries.one_spelling(email)
        send_confirmation(person)


def confirm_elsewhere(link: str, password: str) -> Person:
    """Confirm an address from a browser that the account is not signed in in; gives who may come in there.

    Whoever opened the account has to be the one who reads the letter: otherwise a stranger could open one with this
    address, and who only wants the letters to stop would make it good. Raises WrongPassword beside what confirm does.
    """
    person = queries.by_link(link, Purpose.CONFIRM, Purpose.CHANGE).person
    _check_present_password(person, password, "password")
    confirm(link)
    return person


def _use_up_links(person: Person) -> None:
    """Put every other link out of use: after a change of address or password none may lead back to whoever had it."""
    unused = sa.update(EmailToken).where(EmailToken.person_id == person.id, EmailToken.used_at.is_(None))
    db.session.execute(unused.values(used_at=clock.now()))


def _send_link(person: Person, purpose: Purpose, email: str) -> None:
    token = EmailToken(
        person_id=person.id,
        purpose=purpose,
        nonce=credentials.new_token(),
        email=email,
        expires_at=clock.now() + LINK_LASTS[purpose],
    )
    db.session.add(token)
    db.session.flush()
    jobs.enqueue("accounts.letter_with_link", token_id=token.id)


def _known_district(district_id: int | None) -> int | None:
    """A district chosen from the list; one removed meanwhile counts as none."""
    return district_id if district_id and db.session.get(District, district_id) else None


# --- signing in ---


def recognise(email: str, password: str) -> Person:
    """Whose address and password these are. Raises WrongSignIn."""
    person = queries.by_email(email)
    if not credentials.matches(person.password_hash if person else None, password) or person is None:
        raise errors.WrongSignIn
    if credentials.is_outdated(person.password_hash):
        person.password_hash = credentials.hashed(password)
    return person


def open_session(person: Person, device: str, *, proved_at: datetime | None = None) -> None:
    """Let the person be recognised in this browser from now on, by a token they then carry.

    They have just proved who they are, unless it is said when they last did.
    """
    token = credentials.new_token()
    opened = PersonSession(token_hash=credentials.digest(token), person_id=person.id, device=device[:60])
    opened.proved_at = proved_at or clock.now()
    db.session.add(opened)
    db.session.flush()
    person.session_token, person.proved_at = token, opened.proved_at


def prove(person: Person) -> None:
    """Put down that the person has proved again who they are; the browser is known by another token from now on."""
    token, now = credentials.new_token(), clock.now()
    here = sa.update(PersonSession).where(PersonSession.token_hash == credentials.digest(person.session_token or ""))
    db.session.execute(here.values(token_hash=credentials.digest(token), proved_at=now))
    person.session_token, person.proved_at = token, now


def sign_out(person: Person) -> None:
    """End the session the person came in by."""
    if person.session_token is not None:
        _end(PersonSession.token_hash == credentials.digest(person.session_token))


def end_session(person: Person, session_id: int) -> None:
    """End one of the person's sessions. Raises NotFound if it is not theirs."""
    if not _end(PersonSession.person_id == person.id, PersonSession.id == session_id):
        raise NotFound


def end_sessions(person: Person) -> None:
    """Sign the person out everywhere."""
    _end(PersonSession.person_id == person.id)


def end_other_sessions(person: Person) -> int:
    """End every session but this one; says how many there were."""
    here = credentials.digest(person.session_token or "")
    return _end(PersonSession.person_id == person.id, PersonSession.token_hash != here)


def _end(*which: sa.ColumnElement[bool]) -> int:
    return db.changed(sa.delete(PersonSession).where(*which))


# --- passwords ---


def change_password(person: Person, current: str, password: str) -> None:
    """Give the account another password: every browser and every program is out, and a letter tells."""
    _check_present_password(person, current, "current")
    _set_password(person, password)


def ask_for_new_password(email: str) -> None:
    """Send a letter with a link, if anyone has this address; nothing shows, and little takes longer, if someone has."""
    if person := queries.by_email(email):
        _send_link(person, Purpose.RESET, person.email)
    else:
        jobs.enqueue("accounts.letter_with_link", token_id=0)


def reset_password(link: str, password: str) -> Person:
    """Set a new password by a letter's link; whoever was signed in is out. Raises LinkOver."""
    token = queries.by_link(link, Purpose.RESET)
    person = token.person
    if token.used_at is not None or token.email != person.email:
        raise errors.LinkOver
    _set_password(person, password)
    token.used_at = clock.now()
    if not person.is_confirmed and not queries.is_taken(person.email, person):
        person.confirmed_at = clock.now()  # the letter arrived
        hooks.taken_over.ask(person)
    hooks.address_confirmed.ask(person.email)
    return person


def _set_password(person: Person, password: str) -> None:
    _check_password(password, person.name, person.email)
    person.password_hash = credentials.hashed(password)
    _use_up_links(person)
    shut_out(person)
    audit.record(person.id, "accounts.password_changed", f"person:{person.id}")
    jobs.enqueue("accounts.letter_password", person_id=person.id)
    hooks.account_changed.ask(person, words._l("Your password was changed"))


def _check_password(password: str, name: str, email: str) -> None:
    if not PASSWORD_LEAST <= len(credentials.one_spelling(password)) <= PASSWORD_MOST:
        raise errors.PasswordLength(field="password", least=PASSWORD_LEAST, most=PASSWORD_MOST)
    if credentials.is_common(password):
        raise errors.PasswordCommon(field="password")
    if credentials.names_one_of(password, name, *name.split(), email, email.partition("@")[0]):
        raise errors.PasswordNamesYou(field="password")


def check_password(person: Person, password: str) -> None:
    """Make sure that it is the person's. Raises WrongPassword."""
    _check_present_password(person, password, "password")


def _check_present_password(person: Person, password: str, field: str) -> None:
    if not person.has_password:
        raise errors.NoPassword(field=field)
    if not credentials.matches(person.password_hash, password):
        raise errors.WrongPassword(field=field)


# --- profile and tokens ---


def change_profile(person: Person, name: str, language: str, district_id: int | None, version: int) -> None:
    """Change what the account says, unless it changed since it was shown. Raises ChangedMeanwhile."""
    typed = {"name": name, "language": language, "district_id": _known_district(district_id)}
    if version != person.version:
        for field, yours in typed.items():
            if yours != (theirs := getattr(person, field)):
                raise errors.ChangedMeanwhile(field=field, theirs=_shown(field, theirs), yours=_shown(field, yours))
    for field, value in typed.items():
        setattr(person, field, value)


def _shown(field: str, value: Any) -> object:
    if field == "language":
        return words.LANGUAGES[value]
    if field == "district_id":
        return dict(queries.district_choices()).get(value, words._l("none"))
    return value


def create_api_token(person: Person, name: str, days: int | None) -> str:
    """Make a token for a program; it is told only now."""
    policy.expect_may_act(person)
    if len(queries.api_tokens_of(person)) >= MOST_TOKENS:
        raise errors.TooManyTokens(most=MOST_TOKENS)
    secret = credentials.new_token(TOKEN_PREFIX)
    token = ApiToken(
        person_id=person.id,
        name=name,
        token_hash=credentials.digest(secret),
        expires_at=clock.now() + timedelta(days=days) if days else None,
    )
    db.session.add(token)
    db.session.flush()
    audit.record(person.id, "accounts.token_created", f"api_token:{token.id}")
    return secret


def revoke_api_token(person: Person, token_id: int) -> None:
    """Make one of the person's tokens useless. Raises NotFound if it is not theirs."""
    own = sa.update(ApiToken).where(
        ApiToken.id == token_id, ApiToken.person_id == person.id, ApiToken.revoked_at.is_(None)
    )
    if not db.changed(own.values(revoked_at=clock.now())):
        raise NotFound
    audit.record(person.id, "accounts.token_revoked", f"api_token:{token_id}")


# --- roles and residency ---


def grant(
    administrator: Person | None,
    person: Person,
    role: Role,
    *,
    building_id: int | None = None,
    department_id: int | None = None,
) -> RoleGrant:
    """Give a person a role, for one building or one department where it needs one.

    The command line grants with no administrator. Raises NeedsPlace or AlreadyGranted.
    """
    if administrator is not None:
        permit(policy.may_grant, administrator, person)
    if (role is Role.MANAGER) != (building_id is not None) or (role is Role.STAFF) != (department_id is not None):
        field = "building_id" if role is Role.MANAGER else "department_id"
        raise errors.NeedsPlace(field=field)
    given = RoleGrant(
        person_id=person.id,
        role=role,
        building_id=building_id,
        department_id=department_id,
        granted_by_id=administrator.id if administrator else None,
    )
    try:
        with db.session.begin_nested():
            db.session.add(given)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        if "foreign key" in str(clash.orig).lower():
            raise errors.NeedsPlace from clash
        raise errors.AlreadyGranted from clash
    _record_role(administrator, "granted", given)
    hooks.sides_changed.ask(person.id)
    return given


def revoke(administrator: Person, given: RoleGrant) -> None:
    """Take a role away. Raises LastAdministrator if nobody would be left to give roles."""
    permit(policy.may_look_after_people, administrator)
    if given.role is Role.ADMINISTRATOR:
        locked = sa.select(RoleGrant.id).where(RoleGrant.role == Role.ADMINISTRATOR).order_by(RoleGrant.id)
        if len(list(db.session.scalars(locked.with_for_update()))) < 2:
            raise errors.LastAdministrator
    _record_role(administrator, "revoked", given)
    db.session.delete(given)
    db.session.flush()
    hooks.sides_changed.ask(given.person_id)


def _record_role(administrator: Person | None, what: str, given: RoleGrant) -> None:
    audit.record(
        administrator.id if administrator else None,
        f"accounts.role_{what}",
        f"person:{given.person_id}",
        role=given.role.value,
        building_id=given.building_id,
        department_id=given.department_id,
    )


def verify(administrator: Person, resident: Person, method: Method, day: date) -> None:
    """Put down that someone lives in the city: who made sure, how and when. No document is kept."""
    permit(policy.may_verify, administrator, resident)
    if day > clock.today():
        raise errors.InTheFuture(field="day")
    resident.verified_at = clock.at(day, 0)
    resident.verified_by_id = administrator.id
    resident.verified_method = method
    audit.record(administrator.id, "accounts.verified", f"person:{resident.id}", method=method.value, day=day)


def create_administrator(name: str, email: str, password: str) -> Person:
    """Make the first administrator, or make one of who has the address: for the command line."""
    person = queries.by_email(email)
    if person is None or not person.is_confirmed:
        _check_password(password, name, email)
        person = Person(
            name=name,
            email=queries.one_spelling(email),
            password_hash=credentials.hashed(password),
            confirmed_at=clock.now(),
            grants=[],
        )
        db.session.add(person)
        db.session.flush()
    grant(None, person, Role.ADMINISTRATOR)
    return person


# --- forgetting ---


def sweep() -> None:
    """Forget sessions and links that are over, and accounts whose address nobody confirmed."""
    now = clock.now()
    idle, begun = now - policy.RESIDENT_IDLE, now - policy.RESIDENT_LONGEST
    _end(sa.or_(PersonSession.seen_at <= idle, PersonSession.created_at <= begun))
    db.session.execute(sa.delete(EmailToken).where(EmailToken.expires_at <= now - KEPT_LINKS))
    long_over = sa.or_(ApiToken.revoked_at <= now - KEPT_TOKENS, ApiToken.expires_at <= now - KEPT_TOKENS)
    db.session.execute(sa.delete(ApiToken).where(long_over))
    _forget_unconfirmed(now - KEPT_UNCONFIRMED)


def _forget_unconfirmed(before: datetime) -> None:
    never = sa.select(Person.id).where(
        Person.confirmed_at.is_(None), Person.created_at <= before, Person.erased_at.is_(None)
    )
    for person_id in list(db.session.scalars(never.limit(500))):
        try:
            with db.session.begin_nested():
                for table in (PersonSession, EmailToken):
                    db.session.execute(sa.delete(table).where(table.person_id == person_id))
                db.session.execute(sa.delete(Person).where(Person.id == person_id))
        except sa.exc.IntegrityError:  # something else stands on this account: it stays
            continue


# --- leaving ---


def shut_out(person: Person) -> None:
    """Sign every browser out and make every token useless."""
    end_sessions(person)
    end_tokens(person)


def end_tokens(person: Person) -> None:
    """Make every token useless."""
    still = sa.update(ApiToken).where(ApiToken.person_id == person.id, ApiToken.revoked_at.is_(None))
    db.session.execute(still.values(revoked_at=clock.now()))


def erase_traces(person: Person) -> None:
    """Delete by what a person was recognised, and every letter about the account still to be sent."""
    links = sa.select(EmailToken.id).where(EmailToken.person_id == person.id)
    jobs.forget(person_id=[person.id], token_id=links)
    jobs.forget_errors(person.email)
    for table in (PersonSession, ApiToken, EmailToken, RoleGrant):
        db.session.execute(sa.delete(table).where(table.person_id == person.id))


def make_nameless(person: Person) -> None:
    """Let the row that others' records point to stand for a former resident; nobody signs in with it again."""
    now = clock.now()
    person.name, person.password_hash, person.language = "", "", "en"
    person.email = f"{credentials.new_token()}@erased.invalid"
    person.district_id = person.verified_at = person.verified_by_id = person.verified_method = None
    person.confirmed_at = person.suspended_until = person.erase_at = None
    person.created_at = person.erased_at = now
    db.session.flush()
