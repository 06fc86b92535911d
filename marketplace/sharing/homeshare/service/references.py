"""People who speak for an applicant: naming, asking and hearing them."""

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, jobs
from marketplace.kernel.access import permit
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.references import Reference, Relation
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.service.checks import expect_looks_after
from marketplace.sharing.homeshare.service.telling import record, touch

MOST_NAMED = 5
"""How many people may be named for each who comes."""


def name(
    person: Person,
    application: Application,
    *,
    name: str,
    relation: Relation,
    email: str = "",
    phone: str = "",
    language: str = "ko",
    of_second: bool = False,
) -> Reference:
    """Name someone who knows the applicant. Raises UnreachableReference, ManyReferences or NoLongerPossible."""
    application = _to_change(person, application)
    if not email and not phone:
        raise errors.UnreachableReference(field="email")
    of_second = of_second and application.people > 1
    named = [one for one in queries.references_of(application) if one.of_second == of_second]
    if len(named) >= MOST_NAMED:
        raise errors.ManyReferences(most=MOST_NAMED)
    made = Reference(application_id=application.id, relation=relation, language=language, of_second=of_second)
    db.session.add(made)
    db.session.flush()
    for column, text in (("name", name), ("email", email), ("phone", phone)):
        lock(made, column, text)
    touch(application)
    db.session.flush()
    record(person, application, "reference_named", reference=made.id)
    return made


def remove(person: Person, reference: Reference) -> None:
    """Have someone named no more. Raises ReferenceAnswered once they were heard."""
    application = _to_change(person, reference.application)
    reference = reference_queries.get_reference(reference.id, lock=True)
    if reference.answered_at is not None or reference.check_id is not None:
        raise errors.ReferenceAnswered
    db.session.delete(reference)
    db.session.flush()
    record(person, application, "reference_removed", reference=reference.id)


def ask(coordinator: Person, reference: Reference) -> None:
    """Send the letter with the link. Raises ReferenceAnswered, or UnreachableReference without an address."""
    expect_looks_after(coordinator, reference.application)
    if reference.answered_at is not None or reference.check_id is not None:
        raise errors.ReferenceAnswered
    if not reference.email:
        raise errors.UnreachableReference(field="email")
    reference.asked_at = clock.now()
    db.session.flush()
    jobs.enqueue("homeshare.letter_reference", reference_id=reference.id)
    record(coordinator, reference.application, "reference_asked", reference=reference.id)


def answer(link: str, *, recommends: bool, words: str) -> Reference:
    """Say what one thinks of an applicant, once. Raises LinkOver."""
    reference = reference_queries.by_link(link)
    reference.answered_at, reference.recommends = clock.now(), recommends
    lock(reference, "words", words.strip())
    db.session.flush()
    record(None, reference.application, "reference_answered", reference=reference.id)
    return reference


def _to_change(person: Person, application: Application) -> Application:
    permit(policy.may_answer, person, application)
    application = queries.held(application)
    if application.state is ApplicationState.CLOSED:
        raise errors.NoLongerPossible(state=application.state.words)
    return application
