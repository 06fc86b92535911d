"""What the ground clears away by itself, and what it holds about people."""

from datetime import timedelta

from marketplace.kernel import hooks, jobs, progress
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.web import mailbox, once

jobs.timed("once.sweep", every=timedelta(hours=1))(once.sweep)

hooks.erasing.register(once.forget)
hooks.erasing.register(mailbox.forget)
hooks.erasing.register(progress.forget)
hooks.personal_data.register(progress.own_data)

register(
    Kept(
        "idempotency_keys",
        _l("The answer to each form that was sent"),
        _l("so that a form sent twice by mistake is done once."),
        _l("Two days: nobody sends the same form again after that."),
        Erased.DELETED,
        job="once.sweep",
    ),
    Kept(
        "rate_counters",
        _l("How often something was tried from an address, as a scrambled number"),
        _l("so that nobody guesses passwords or floods the city with letters."),
        _l("Two days: no limit counts longer."),
        Erased.DELETED,
        job="limits.sweep",
    ),
    Kept(
        "long_works",
        _l("Files that you sent to be taken in, such as the catalogue of a library, and what became of them"),
        _l("so that you find again how far it has come and which rows were refused."),
        _l("30 days after it is done; the file itself until it is done."),
        Erased.NAMELESS,
        job="progress.sweep",
    ),
    Kept(
        "jobs",
        _l("Work still to be done, such as a letter to send; it holds numbers of records only"),
        _l("so that nothing is forgotten when a machine stops."),
        _l("Until it is done; what cannot be done, 90 days, so that its cause can be found."),
        Erased.DELETED,
        job="jobs.sweep",
    ),
    Kept(
        "audit_entries",
        _l("Who did what to which record, as numbers, without names or addresses"),
        _l("so that misuse can be found and proved."),
        _l("Without end: each entry seals the one before, and the law asks for at least two years."),
        Erased.KEPT,
    ),
)
