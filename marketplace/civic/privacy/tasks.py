"""Copies of one's data and erasures, as the worker carries them out."""

from datetime import date, timedelta
from typing import Any

from flask import render_template, url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import models as notifications
from marketplace.civic.notifications.models import Facts, News, Topic
from marketplace.civic.notifications.service import tell
from marketplace.civic.privacy import policy, queries
from marketplace.civic.privacy.models import DataExport, ExportState
from marketplace.civic.privacy.service import erasure, exports
from marketplace.civic.privacy.service.archive import Part
from marketplace.kernel import clock, db, hooks, jobs, things, words
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _, _l
from marketplace.kernel.writing import show_date

PRIVACY = Topic(
    "privacy",
    _l("Your data"),
    _l("A copy of your data that is ready, and the erasing of your account."),
    always=True,
)


def _day(facts: Facts) -> str:
    return show_date(date.fromisoformat(facts["day"]))


notifications.register(
    News(
        "privacy.copy_ready",
        PRIVACY,
        lambda _thing, _facts: _("The copy of your data is ready"),
        letter="letters/privacy/copy_ready",
        context=lambda _thing, _person, facts: {"until": _day(facts)},
        link=lambda _thing, _facts: url_for("privacy.data"),
    )
)
notifications.register(
    News(
        "privacy.leaving",
        PRIVACY,
        lambda _thing, facts: _("Your account will be erased on {day}", day=_day(facts)),
        letter="letters/privacy/leaving",
        context=lambda _thing, _person, facts: {"day": _day(facts)},
        link=lambda _thing, _facts: url_for("accounts.sign_in"),
    )
)


@jobs.task("privacy.make_copy", outside=True, lease=timedelta(minutes=30), attempts=4)
def make_copy(export_id: int) -> None:
    """Write the file with everything that is held about a person."""
    wanted = db.session.get(DataExport, export_id)
    if wanted is None or wanted.state not in (ExportState.WAITING, ExportState.MAKING):
        return
    person = db.session.get_one(Person, wanted.person_id)
    with words.speaking(person.language):
        exports.make(wanted, person, lambda parts: _readme(person, parts))


def _readme(person: Person, parts: list[Part]) -> str:
    """What is in the file, in the person's language."""
    text: Any = render_template(
        "civic/privacy/readme.txt", _=words._, ngettext=words.ngettext, name=person.name, parts=parts, now=clock.now()
    )
    return str(text)


@jobs.task("privacy.copy_made")
def copy_made(export_id: int, key: str, size: int) -> None:
    """Tell the person that the file is there."""
    if made := exports.made(export_id, key, size):
        person = db.session.get_one(Person, made.person_id)
        last_day = clock.local(clock.now() + policy.COPY_KEPT).date()
        tell(person.id, "privacy.copy_ready", things.of("account", person), day=last_day.isoformat())


jobs.task("privacy.discard", outside=True)(exports.discard)
jobs.task("privacy.erase")(erasure.erase)


@jobs.timed("privacy.sweep", every=timedelta(hours=1))
def sweep() -> None:
    """Delete copies that are over, and begin the erasures that are due."""
    exports.sweep()
    erasure.queue_due()


# --- what is held about people ---

hooks.personal_data.register(queries.own_data)
hooks.erasing.register(exports.erase)

register(
    Kept(
        "data_exports",
        _l("Copies of your data that you asked for"),
        _l("so that you can take your data with you."),
        _l("The file for a week; that there was one, 90 days."),
        Erased.DELETED,
        job="privacy.sweep",
    )
)
