"""Who stands by an applicant: invited by them, agreed to by both, ended by either."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_spelling
from marketplace.kernel import clock, db, jobs
from marketplace.kernel.access import permit, reveal
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState
from marketplace.sharing.homeshare.models.supporters import Supporter
from marketplace.sharing.homeshare.queries import applications
from marketplace.sharing.homeshare.queries import supporters as supporter_queries
from marketplace.sharing.homeshare.service.telling import record, tell

MOST = 3
INVITATION_LASTS = timedelta(days=14)


def invite(person: Person, application: Application, email: str) -> Supporter:
    """Send a link by which someone may agree to stand by the applicant, who agreed by inviting them.

    Raises SupportsThemselves, ManySupporters or NoLongerPossible.
    """
    permit(policy.may_answer, person, application)
    application = applications.held(application)
    if application.state is ApplicationState.CLOSED:
        raise errors.NoLongerPossible(state=application.state.words)
    address = one_spelling(email)
    if address == application.person.email:
        raise errors.SupportsThemselves(field="email")
    standing = [one for one in supporter_queries.of_application(application) if one.email != address]
    if len(standing) >= MOST:
        raise errors.ManySupporters(most=MOST)
    for one in supporter_queries.of_application(application):
        if one.email == address:
            one.ended_at = clock.now()
    made = Supporter(application_id=application.id, email=address, expires_at=clock.now() + INVITATION_LASTS)
    db.session.add(made)
    db.session.flush()
    jobs.enqueue("homeshare.letter_supporter", supporter_id=made.id)
    record(person, application, "supporter_invited", supporter=made.id)
    return made


def accept(person: Person, link: str) -> Supporter:
    """Stand by an applicant from now on; they are told. Raises LinkOver, or SupportsThemselves."""
    expect_may_act(person)
    supporter = supporter_queries.by_link(link)
    if supporter.application.person_id == person.id:
        raise errors.SupportsThemselves
    supporter.person_id, supporter.accepted_at = person.id, clock.now()
    db.session.flush()
    record(person, supporter.application, "supporter_accepted", supporter=supporter.id)
    tell(supporter.application, "supported")
    return supporter


def refuse(person: Person, link: str) -> None:
    """Say no; the link is used up. Raises LinkOver."""
    supporter = supporter_queries.by_link(link)
    supporter.ended_at = clock.now()
    record(person, supporter.application, "supporter_refused", supporter=supporter.id)


def end(person: Person, supporter: Supporter) -> None:
    """See no more how it stands: said by the applicant, by whoever stood by them, or by a coordinator."""
    reveal(policy.may_end_support, person, supporter)
    if supporter.ended_at is None:
        supporter.ended_at = clock.now()
        db.session.flush()
        record(person, supporter.application, "supporter_ended", supporter=supporter.id)
