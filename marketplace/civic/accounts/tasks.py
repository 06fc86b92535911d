"""Letters about accounts, and forgetting what is over."""

from datetime import timedelta

import sqlalchemy as sa
from flask import url_for

from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.models import EmailToken, Person, Purpose, Role
from marketplace.kernel import db, hooks, jobs
from marketplace.kernel.hooks import Obstacle
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.web import letters


@jobs.task("accounts.letter_with_link", outside=True)
def letter_with_link(token_id: int) -> None:
    """Send the link, or, to an address that is someone's already, the advice to sign in."""
    token = queries.email_token(token_id)
    if token is None or token.used_at is not None:
        return
    person = token.person
    if token.purpose is Purpose.RESET:
        _write(token, "reset", ".reset")
    elif queries.is_taken(token.email, person):
        letters.send(
            token.email,
            person.language,
            "letters/accounts/already",
            sign_in=url_for("accounts.sign_in", _external=True),
            forgot=url_for("accounts.forgot", _external=True),
        )
    else:
        _write(token, token.purpose.value, ".confirm")


def _write(token: EmailToken, letter: str, endpoint: str) -> None:
    link = url_for(f"accounts{endpoint}", link=queries.link_of(token), _external=True)
    hours, minutes = divmod(int(service.LINK_LASTS[token.purpose] / timedelta(minutes=1)), 60)
    letters.send(
        token.email,
        token.person.language,
        f"letters/accounts/{letter}",
        name=token.person.name,
        link=link,
        minutes=hours * 60 + minutes,
    )


@jobs.task("accounts.letter_moved", outside=True)
def letter_moved(token_id: int) -> None:
    """Tell the old address that letters go to another one now."""
    token = queries.email_token(token_id)
    if token is not None and token.replaced is not None:
        letters.send(token.replaced, token.person.language, "letters/accounts/moved", name=token.person.name)


@jobs.task("accounts.letter_password", outside=True)
def letter_password(person_id: int) -> None:
    """Tell that the password is another one."""
    person = db.session.scalars(sa.select(Person).where(Person.id == person_id)).first()
    if person is not None:
        letters.send(
            person.email,
            person.language,
            "letters/accounts/password",
            name=person.name,
            forgot=url_for("accounts.forgot", _external=True),
        )


jobs.timed("accounts.sweep", every=timedelta(hours=1))(service.sweep)


# --- what is held about people ---

hooks.personal_data.register(queries.own_data)
hooks.erasing.register(service.erase_traces)


@hooks.erasure_obstacles.register
def roles_in_the_way(person: Person) -> Obstacle | None:
    """Whoever works for the city gives up the roles first, so that nobody waits for an answer that never comes."""
    if person.holds(Role.ADMINISTRATOR) and queries.count_administrators() < 2:
        return Obstacle(_l("You are the only administrator. Make someone else an administrator first."))
    if person.is_staff:
        return Obstacle(_l("You work for the city here. Ask an administrator to take your roles away first."))
    return None


register(
    Kept(
        "people",
        _l("Your account: name, e-mail address, language, district, a scrambled form of your password"),
        _l("so that you are recognised and others know who booked."),
        _l("As long as you keep your account; 30 days if the address is never confirmed."),
        Erased.NAMELESS,
        job="accounts.sweep",
    ),
    Kept(
        "person_sessions",
        _l("Where you are signed in: the kind of device and when, never your internet address"),
        _l("so that you stay signed in, and can sign a lost device out."),
        _l("Two weeks after you last came, at most 30 days."),
        Erased.DELETED,
        job="accounts.sweep",
    ),
    Kept(
        "email_tokens",
        _l("Links sent to your e-mail address, and the address"),
        _l("so that only you confirm it or set a new password."),
        _l("A week after the link runs out."),
        Erased.DELETED,
        job="accounts.sweep",
    ),
    Kept(
        "api_tokens",
        _l("Tokens for programs: their names and when they were last used"),
        _l("so that your own programs can act for you."),
        _l("A year after they are revoked or run out, so that misuse can be traced; others as long as your account."),
        Erased.DELETED,
        job="accounts.sweep",
    ),
    Kept(
        "role_grants",
        _l("Roles in the city's service, and who gave them"),
        _l("so that only those may act for the city who are meant to."),
        _l("As long as the role is held."),
        Erased.DELETED,
    ),
)
