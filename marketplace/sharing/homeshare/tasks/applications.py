"""What applicants are told, the letters of those who speak for them, and what is kept of applications."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import url_for

from marketplace.civic.groups.queries import account_of
from marketplace.civic.notifications import models as notices
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, jobs, things
from marketplace.kernel.errors import NotFound
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _, _l
from marketplace.kernel.writing import show_date, show_moment
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.appointments import AppointmentKind
from marketplace.sharing.homeshare.models.checks import CheckKind
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import personal
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.queries import supporters as supporter_queries
from marketplace.sharing.homeshare.service import checks, forgetting
from marketplace.web import letters
from marketplace.web.pages import whole_address

HOME_SHARE = Topic(
    "homeshare",
    _l("Home share"),
    _l("How your application stands, appointments, and what has to be checked again."),
    always=True,
)

things.register(
    things.Kind(
        name="homeshare",
        label=_l("Application for home share"),
        find=queries.by_ids,
        title=lambda one: _("Home share, {reference}", reference=one.reference),
        link=lambda one: url_for("homeshare.application", reference=one.reference),
        may_see=policy.may_see,
        author_id=lambda one: int(one.person_id),
    )
)


def _told(name: str, title: Text, text: Text) -> None:
    """Register something that applicants are told."""
    notices.register(
        News(
            f"homeshare.{name}",
            HOME_SHARE,
            lambda _thing, facts: title.filled(**_spelled(facts)),
            letter="letters/homeshare/application",
            context=lambda thing, _person, facts: {"application": thing.record, "text": text.filled(**_spelled(facts))},
        )
    )


def _spelled(facts: Any) -> dict[str, object]:
    """The facts of a notice as people read them."""
    said: dict[str, object] = {}
    if "starts_at" in facts:
        said["when"] = show_moment(datetime.fromisoformat(facts["starts_at"]))
        said["what"] = AppointmentKind(facts["kind"]).words
    elif "kind" in facts:
        said["what"] = CheckKind(facts["kind"]).words
        said["day"] = show_date(date.fromisoformat(facts["day"]), year=True)
    return said


_told(
    "sent", _l("Your application for home share has arrived"),
    _l("a coordinator reads it and gets in touch. Until then there is nothing to do."),
)  # fmt: skip
_told(
    "takes_part", _l("You take part in home share"),
    _l("all checks hold. Each night it is worked out who would suit whom; we write as soon as somebody is proposed."),
)  # fmt: skip
_told(
    "ran_out", _l("Home share: something has to be checked again"),
    _l("a check holds no more, so nobody new is proposed to you. Your place in line is kept; we will call you."),
)  # fmt: skip
_told(
    "runs_out", _l("Home share: {what} runs out on {day}"),
    _l("have it checked again before {day} ({what}). Otherwise nobody new is proposed to you from then on."),
)  # fmt: skip
_told("appointment", _l("Home share: {what}, {when}"), _l("you have an appointment: {what}, {when}."))
_told("appointment_off", _l("Home share: {what} is called off"), _l("the appointment is called off: {what}, {when}."))
_told(
    "supported", _l("Somebody stands by you in home share"), _l("whom you invited has agreed and sees how it stands.")
)
_told("closed", _l("Your application for home share has ended"), _l("your application has ended. Its page says why."))


@jobs.task("homeshare.letter_reference", outside=True)
def letter_reference(reference_id: int) -> None:
    """Send the link to somebody who was named, in the language in which they are to be written to."""
    try:
        one = reference_queries.get_reference(reference_id)
    except NotFound:
        return
    if one.answered_at is None and one.check_id is None and one.email:
        letters.send(
            unlock(one, "email"),
            one.language,
            "letters/homeshare/reference",
            name=unlock(one, "name"),
            applicant=one.application.person.name,
            link=whole_address(url_for("homeshare_references.answer", link=reference_queries.link_of(one))),
        )


@jobs.task("homeshare.letter_supporter", outside=True)
def letter_supporter(supporter_id: int) -> None:
    """Send the link to somebody who is invited, in the language of their account, else of the applicant."""
    try:
        one = supporter_queries.get_supporter(supporter_id)
    except NotFound:
        return
    if one.is_good:
        reader = account_of(one.email) or one.application.person
        letters.send(
            one.email,
            reader.language,
            "letters/homeshare/supporter",
            applicant=one.application.person.name,
            expires_at=one.expires_at,
            link=whole_address(url_for("homeshare_supporters.invited", link=supporter_queries.link_of(one))),
        )


# --- what is kept ---

jobs.timed("homeshare.run_out", every=timedelta(days=1), after=timedelta(hours=2))(checks.run_out)
jobs.timed("homeshare.thin_applications", every=timedelta(days=1), after=timedelta(hours=5))(forgetting.thin)
hooks.personal_data.register(personal.own_applications)
hooks.leaving.register(forgetting.close_all)
hooks.erasing.register(forgetting.erase)

A_YEAR = _l("Until twelve months after anybody last did something about the application.")

register(
    Kept(
        "homeshare_applications",
        _l("Your application for home share: your answers; telephone number, address and a friend's name, locked"),
        _l("so that you can be proposed to those with whom you could live."),
        A_YEAR,
        Erased.NAMELESS,
        job="homeshare.thin_applications",
    ),
    Kept(
        "homeshare_checks",
        _l("What was made sure of before you take part: what, when, by whom and until when; a note, locked"),
        _l("so that nobody moves in with somebody whom nobody knows. No document is kept."),
        A_YEAR,
        Erased.DELETED,
        job="homeshare.thin_applications",
    ),
    Kept(
        "homeshare_references",
        _l("Who you said knows you, and what they said of you: all of it locked"),
        _l("so that coordinators can ask them."),
        A_YEAR,
        Erased.DELETED,
        job="homeshare.thin_applications",
    ),
    Kept(
        "homeshare_appointments",
        _l("Appointments with coordinators of home share"),
        _l("so that both come."),
        A_YEAR,
        Erased.DELETED,
        job="homeshare.thin_applications",
    ),
    Kept(
        "homeshare_supporters",
        _l("Who stands by you in home share, or by whom you stand"),
        _l("so that they can see how it stands, because both agreed."),
        A_YEAR,
        Erased.DELETED,
        job="homeshare.thin_applications",
    ),
)
