"""What happens afterwards: telling people, and forgetting what is no longer needed."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation import policy
from marketplace.civic.moderation.models import ANSWERS, REASONS, Case
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import decisions, keeping
from marketplace.civic.notifications.models import News, Topic, register
from marketplace.kernel import hooks, jobs
from marketplace.kernel.retention import Erased, Kept
from marketplace.kernel.retention import register as keep
from marketplace.kernel.things import Thing
from marketplace.kernel.words import _l

Facts = Mapping[str, Any]

OWN = Topic(
    "moderation",
    _l("Decisions about what you wrote"),
    _l("When something you wrote is hidden, or your account is suspended, and the answer to an appeal."),
    always=True,
)
KEPT = Topic(
    "moderation_kept",
    _l("Decisions about what you look after"),
    _l("When a moderator hides a room that you run, or shows it again."),
    staff=True,
)
REPORTED = Topic("reports", _l("What you reported"), _l("What became of the things you reported."))


def _of(thing: Thing | None) -> str:
    return thing.title if thing else ""


def _context(thing: Thing, person: Person, _facts: Facts) -> dict[str, Any]:
    """What letters to an author say."""
    case: Case = thing.record
    decision = case.decision
    open_to_appeal = case.settled_at if policy.may_appeal(person, case) else None
    return {
        "case": case,
        "decision": decision,
        "reason": REASONS[decision.reason] if decision and decision.reason else None,
        "words": queries.told(decision.reason if decision else None, person.language),
        "appeal": case.appeal,
        "answer": ANSWERS[case.appeal.answer] if case.appeal and case.appeal.answer else None,
        "appeal_until": open_to_appeal + policy.APPEAL if open_to_appeal else None,
    }


def _page_of_reports(_thing: Thing, _facts: Facts) -> str:
    return url_for("moderation.mine")


register(
    News(
        "moderation.hidden",
        OWN,
        lambda thing, _facts: _l("Hidden until a moderator has looked: {title}", title=_of(thing)),
        letter="letters/moderation/hidden",
        context=_context,
    )
)
register(
    News(
        "moderation.decided",
        OWN,
        lambda thing, _facts: _l("A decision about what you wrote: {title}", title=_of(thing)),
        letter="letters/moderation/decided",
        context=_context,
    )
)
register(
    News(
        "moderation.answered",
        OWN,
        lambda thing, _facts: _l("Your appeal is answered: {title}", title=_of(thing)),
        letter="letters/moderation/answered",
        context=_context,
    )
)
register(
    News(
        "moderation.restored",
        OWN,
        lambda thing, _facts: _l("Shown again: {title}", title=_of(thing)),
    )
)
register(
    News(
        "moderation.out_of_sight",
        KEPT,
        lambda thing, facts: _l(
            "Hidden by a moderator until it is put right ({reason}): {title}",
            reason=REASONS[facts["reason"]],
            title=_of(thing),
        ),
    )
)
register(
    News(
        "moderation.in_sight",
        KEPT,
        lambda thing, _facts: _l("Shown again: {title}", title=_of(thing)),
    )
)
register(
    News(
        "moderation.outcome",
        REPORTED,
        lambda thing, _facts: _l("What became of your report: {title}", title=_of(thing)),
        letter="letters/moderation/outcome",
        context=lambda _thing, _person, facts: {"acted": facts["acted"]},
        link=_page_of_reports,
    )
)


@jobs.task("moderation.settle")
def settle(decision_id: int) -> None:
    """Tell people of a decision once it can no longer be undone."""
    decisions.settle(decision_id)


# --- what is kept, and for how long ---

jobs.timed("moderation.wipe", every=timedelta(hours=1))(decisions.wipe)
jobs.timed("moderation.sweep", every=timedelta(days=1), after=timedelta(hours=4))(keeping.sweep)
hooks.personal_data.register(keeping.extracts)
hooks.erasing.register(keeping.erase)

_TWO_YEARS = _l("Words and names two years after the decision: as long as the same may come up again.")
_FIVE_YEARS = _l("Five years after it was closed, as the law on protecting people may ask for it.")

keep(
    Kept(
        "moderation_cases",
        _l("What you wrote that was reported, as it was then, and what you said to it."),
        _l("To decide the same way for everyone, and to answer appeals."),
        _TWO_YEARS,
        Erased.NAMELESS,
        "moderation.sweep",
    ),
    Kept(
        "moderation_reports",
        _l("What you reported, why, and your note."),
        _l("To look into it, and to tell you what became of it."),
        _TWO_YEARS,
        Erased.NAMELESS,
        "moderation.sweep",
    ),
    Kept(
        "moderation_decisions",
        _l("What was decided about what you wrote, by whom and why."),
        _l("To answer for it, and for the public figures."),
        _TWO_YEARS,
        Erased.KEPT,
        "moderation.sweep",
        stays=frozenset({"note"}),
    ),
    Kept(
        "moderation_appeals",
        _l("What you said against a decision, and the answer."),
        _l("To look at the decision again."),
        _TWO_YEARS,
        Erased.NAMELESS,
        "moderation.sweep",
        stays=frozenset({"answer_text"}),
    ),
    Kept(
        "moderation_words",
        _l("Who last changed the words of a reason."),
        _l("To ask them about it."),
        _l("Until someone else changes them."),
        Erased.KEPT,
        stays=frozenset({"en", "ko"}),
    ),
    Kept(
        "safeguarding_concerns",
        _l("That someone is harassed or at risk: who said so, about what, and what they wrote, locked."),
        _l("To protect people. Only safeguarding officers can read it, and each reading is on record."),
        _FIVE_YEARS,
        Erased.NAMELESS,
        "moderation.sweep",
        stays=frozenset({"note_locked", "said_locked"}),
    ),
    Kept(
        "safeguarding_notes",
        _l("What safeguarding officers did about a concern, locked."),
        _l("To protect people, and to answer for it."),
        _FIVE_YEARS,
        Erased.KEPT,
        "moderation.sweep",
        stays=frozenset({"text_locked"}),
    ),
)
