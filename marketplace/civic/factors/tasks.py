"""Letters about second factors, what an export tells of them, and forgetting."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.factors import queries
from marketplace.civic.factors.models import CHECKS
from marketplace.civic.factors.service import care
from marketplace.kernel import db, hooks, jobs
from marketplace.kernel.hooks import Extract
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.web import letters


@jobs.task("factors.letter", outside=True)
def letter(person_id: int, letter: str, facts: dict[str, Any]) -> None:
    """Tell the person what became of their second factors, in case it was not them."""
    person = db.session.scalars(sa.select(Person).where(Person.id == person_id)).first()
    if person is not None:
        letters.send(
            person.email,
            person.language,
            f"letters/factors/{letter}",
            name=person.name,
            forgot=url_for("accounts.forgot", _external=True),
            page=url_for("factors.overview", _external=True),
            checks=CHECKS,
            **facts,
        )


jobs.timed("factors.sweep", every=timedelta(hours=1))(care.sweep)


@hooks.personal_data.register
def extract(person: Person) -> Extract:
    """Which second factors there are and since when; never a secret."""
    have = queries.factors_of(person)
    rows: list[dict[str, object]] = [
        {"kind": "passkey", "name": one.name, "since": one.created_at, "used": one.used_at} for one in have.passkeys
    ]
    if have.app_since:
        rows.append({"kind": "app", "name": "", "since": have.app_since, "used": None})
    rows += [
        {"kind": "recovery code", "name": str(one.number), "since": one.created_at, "used": one.used_at}
        for one in queries.recovery_codes_of(person)
    ]
    return Extract("second-factors", _l("How you prove who you are"), rows)


hooks.erasing.register(care.erase)

register(
    Kept(
        "code_apps",
        _l("The secret that your app for codes shares with us, locked"),
        _l("so that we know its codes."),
        _l("Until you remove the app."),
        Erased.DELETED,
    ),
    Kept(
        "recovery_codes",
        _l("Fingerprints of your recovery codes, and when one was used"),
        _l("so that you come in when your phone is lost."),
        _l("Until you make new ones or remove your last second factor."),
        Erased.DELETED,
    ),
    Kept(
        "passkeys",
        _l("Your passkeys: the name you gave, the public half of the key, when it was used last"),
        _l("so that you sign in with them."),
        _l("Until you remove them."),
        Erased.DELETED,
    ),
)
