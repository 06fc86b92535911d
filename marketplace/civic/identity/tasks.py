"""Letters about links to the identity provider, and what is kept about them."""

from flask import current_app, url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.identity import queries
from marketplace.civic.identity.service import linking
from marketplace.kernel import db, hooks, jobs, retention
from marketplace.kernel.retention import Erased, Kept
from marketplace.kernel.words import _l
from marketplace.web import letters

hooks.erasing.register(linking.forget)
hooks.taken_over.register(linking.forget)


@jobs.task("identity.letter", outside=True)
def letter(person_id: int, what: str) -> None:
    """Tell that the account is linked, or no longer."""
    person = db.session.get(Person, person_id)
    if person is not None:
        letters.send(
            person.email,
            person.language,
            f"letters/identity/{what}",
            name=person.name,
            provider=current_app.extensions["settings"].oidc_name(person.language),
            forgot=url_for("accounts.forgot", _external=True),
            link=url_for("identity.overview", _external=True),
        )


@hooks.personal_data.register
def links(person: Person) -> hooks.Extract:
    """What the identity provider calls the person."""
    return hooks.extract("identities", _l("Links to the city's identity provider"), queries.kept_about(person))


retention.register(
    Kept(
        "identities",
        _l("The number by which the city's identity provider knows you, and when you last signed in with it."),
        _l("To know you again when you sign in with it."),
        _l("As long as your account, or until you unlink it."),
        Erased.DELETED,
    )
)
