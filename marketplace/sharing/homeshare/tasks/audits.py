"""What is kept for the audit of fairness."""

from marketplace.kernel import hooks
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare.queries import fairness
from marketplace.sharing.homeshare.service import audits

hooks.personal_data.register(fairness.own_facts)
hooks.erasing.register(audits.erase)

register(
    Kept(
        "homeshare_audits",
        _l("What you say of yourself so that it can be seen whether home share treats all alike; voluntary"),
        _l("so that groups that fare worse are noticed. It is never used to choose a home or a student."),
        _l("As long as your application."),
        Erased.DELETED,
    ),
)
