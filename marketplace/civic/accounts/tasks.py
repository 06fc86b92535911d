"""Letters about accounts, and forgetting what is over."""

from datetime import timedelta

import sqlalchemy as sa
from flask import url_for

from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.models import EmailToken, Person, Purpose
from marketplace.kernel import db, jobs
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
