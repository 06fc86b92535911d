"""Cases: one, those that wait, what came before, a person's own; and the words of reasons."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.moderation.models import (
    COMMON,
    DEFAULT_WORDS,
    GATHERING,
    HIDING,
    STANDING,
    WAITING,
    Act,
    Case,
    CaseState,
    Decision,
    Reason,
    ReasonWords,
    Report,
)
from marketplace.kernel import clock, db, words
from marketplace.kernel.errors import NotFound


def whole(query: sa.Select[Case]) -> sa.Select[Case]:
    """Cases with everything that pages and rules ask of them."""
    return query.options(
        joinedload(Case.author),
        joinedload(Case.claimed_by),
        joinedload(Case.decision).options(joinedload(Decision.by), joinedload(Decision.appeal)),
        selectinload(Case.reports),
    )


def get_case(reference: str) -> Case:
    """A case by its reference. Raises NotFound."""
    found = db.session.scalar(whole(sa.select(Case).where(Case.reference == reference.upper())))
    if found is None:
        raise NotFound
    return found


def cases(references: Collection[str]) -> list[Case]:
    """These cases, always in the same order, so that two who act on several do not wait for each other."""
    return list(db.session.scalars(whole(sa.select(Case).where(Case.reference.in_(references)).order_by(Case.id))))


def cases_by_id(ids: Collection[int]) -> dict[int, Case]:
    """Cases by id."""
    found = db.session.scalars(whole(sa.select(Case).where(Case.id.in_(ids))))
    return {case.id: case for case in found}


def anew(case: Case) -> Case:
    """The case as the database has it now, kept from others until the transaction ends.

    Only the case is read again: the people in it may be the one who asks, whose roles stay at hand.
    """
    db.session.flush()
    own = [column.key for column in sa.inspect(Case).column_attrs]
    db.session.refresh(case, own, with_for_update=True)
    if (known := sa.inspect(case).dict.get("decision")) is not None:
        db.session.expire(known, ["appeal", "undone_at"])
    db.session.expire(case, ["reports", "decision", "claimed_by"])
    return db.session.scalars(whole(sa.select(Case).where(Case.id == case.id))).unique().one()


def gathering(subject: str) -> sa.Select[Case]:
    """The case that gathers the reports of a thing, kept from others until the transaction ends."""
    return sa.select(Case).where(Case.subject == subject, Case.state.in_(GATHERING)).with_for_update()


def queue(person: Person) -> sa.Select[Case]:
    """What waits, the most harmful and most urgent first: for an administrator only appeals; nothing about oneself."""
    states = WAITING if person.is_a(Role.MODERATOR) else (CaseState.APPEALED,)
    others = sa.or_(Case.author_id.is_(None), Case.author_id != person.id)
    waiting = whole(sa.select(Case).where(Case.state.in_(states), others))
    return waiting.order_by(Case.harm.desc(), Case.due_at, Case.id)


def lately_decided(person: Person, since: datetime) -> sa.Select[Case]:
    """What was decided so lately that it may still be undone, the latest first."""
    others = sa.or_(Case.author_id.is_(None), Case.author_id != person.id)
    standing = sa.select(Decision.case_id).where(Decision.undone_at.is_(None), Decision.at > since)
    decided = whole(sa.select(Case).where(Case.state == CaseState.DECIDED, Case.id.in_(standing), others))
    return decided.order_by(Case.id.desc())


def reports_of(subject: str, person_id: int) -> Report | None:
    """What the person reported of the thing, if anything."""
    return db.session.scalar(sa.select(Report).where(Report.subject == subject, Report.person_id == person_id))


def count_verified(case: Case) -> int:
    """By how many different verified residents the thing of a case was reported in it."""
    verified = sa.select(sa.func.count()).where(Report.case_id == case.id, Report.verified)
    return db.session.scalar(verified) or 0


class Before(NamedTuple):
    """How often something was decided before on the same thing, and on others of its author."""

    thing: int
    author: int


def before(shown: Iterable[Case]) -> dict[int, Before]:
    """What was done before to the same thing and author, for each case; two statements however many there are."""
    listed = list(shown)
    acted = (Case.state.in_(STANDING), Decision.undone_at.is_(None), Decision.act != Act.KEEP)

    def counts(column: Any, values: set[Any]) -> dict[Any, set[int]]:
        joined = sa.select(column, Case.id).join(Decision, Decision.case_id == Case.id)
        found: dict[Any, set[int]] = {}
        for value, case_id in db.session.execute(joined.where(column.in_(values), *acted)):
            found.setdefault(value, set()).add(case_id)
        return found

    things = counts(Case.subject, {case.subject for case in listed})
    authors = counts(Case.author_id, {case.author_id for case in listed if case.author_id is not None})
    return {
        case.id: Before(
            len(things.get(case.subject, set()) - {case.id}), len(authors.get(case.author_id, set()) - {case.id})
        )
        for case in listed
    }


def history(case: Case) -> list[Case]:
    """Earlier cases of the thing and of its author, the latest first."""
    same = [Case.subject == case.subject]
    if case.author_id is not None:
        same.append(Case.author_id == case.author_id)
    earlier = whole(sa.select(Case).where(sa.or_(*same), Case.id != case.id))
    return list(db.session.scalars(earlier.order_by(Case.id.desc()).limit(20)))


def undone(case: Case) -> list[Decision]:
    """Decisions of the case that were undone."""
    taken_back = sa.select(Decision).where(Decision.case_id == case.id, Decision.undone_at.is_not(None))
    return list(db.session.scalars(taken_back.options(joinedload(Decision.by)).order_by(Decision.id)))


def is_hidden(subject: str) -> bool:
    """Whether the thing has to be out of sight: hidden by reports alone until decided, else as last decided."""
    pending = sa.select(Case.id).where(
        Case.subject == subject, Case.state == CaseState.OPEN, Case.auto_hidden_at.is_not(None)
    )
    if db.session.scalar(pending) is not None:
        return True
    latest = (
        sa.select(Decision.act)
        .join(Case, Case.id == Decision.case_id)
        .where(Case.subject == subject, Case.state.in_(STANDING), Decision.undone_at.is_(None))
        .order_by(Decision.id.desc())
    )
    return db.session.scalar(latest.limit(1)) in HIDING


def to_wipe(settled_before: datetime) -> sa.Select[int]:
    """Cases of what was removed and is not deleted yet: upheld, or told to its author so long ago without an appeal."""
    removed = sa.select(Case.id).join(Decision, Decision.case_id == Case.id)
    final = sa.or_(
        Case.state == CaseState.UPHELD, sa.and_(Case.state == CaseState.SETTLED, Case.settled_at <= settled_before)
    )
    standing = (Decision.act == Act.REMOVE, Decision.undone_at.is_(None), Decision.wiped_at.is_(None))
    return removed.where(final, *standing).order_by(Case.id)


def suspensions(person_id: int) -> sa.Select[Decision]:
    """The suspensions of a person that stand, the longest first."""
    standing = (
        sa.select(Decision)
        .join(Case, Case.id == Decision.case_id)
        .where(Case.author_id == person_id, Case.state.in_(STANDING))
        .where(Decision.undone_at.is_(None), Decision.act == Act.SUSPEND)
    )
    return standing.options(joinedload(Decision.case)).order_by(Decision.until.desc())


def reported_as(subject: str) -> Reason | None:
    """What is wrong with a thing if a report of it is open, or was upheld: something done about it still holds."""
    acted = sa.exists().where(Decision.case_id == Case.id, Decision.undone_at.is_(None), Decision.act != Act.KEEP)
    live = sa.or_(Case.state == CaseState.OPEN, sa.and_(Case.state.in_(STANDING), acted))
    latest = sa.select(Case.reason).where(Case.subject == subject, live).order_by(Case.id.desc())
    return db.session.scalar(latest.limit(1))


def moderator_ids() -> set[int]:
    """Everyone who moderates, but for those who are suspended."""
    able = sa.or_(Person.suspended_until.is_(None), Person.suspended_until <= clock.now())
    moderators = sa.select(RoleGrant.person_id).join(Person, Person.id == RoleGrant.person_id)
    return set(db.session.scalars(moderators.where(RoleGrant.role == Role.MODERATOR, able)))


# --- a person's own ---


def report(reference: str) -> Report:
    """A report with its case. Raises NotFound."""
    found = sa.select(Report).where(Report.reference == reference.upper())
    if (one := db.session.scalar(found.options(joinedload(Report.case).joinedload(Case.decision)))) is None:
        raise NotFound
    return one


def reports_by(person: Person) -> sa.Select[Report]:
    """What the person reported, the latest first."""
    own = sa.select(Report).where(Report.person_id == person.id)
    return own.options(joinedload(Report.case).joinedload(Case.decision)).order_by(Report.id.desc())


def about(person: Person) -> list[Case]:
    """The decisions on what the person wrote, as far as the person may know of them, the latest first."""
    told = sa.or_(
        Case.settled_at.is_not(None),
        Case.auto_hidden_at.is_not(None),
        sa.exists().where(
            Decision.case_id == Case.id, Decision.undone_at.is_(None), Decision.act == Act.SUSPEND
        ),
    )  # fmt: skip
    kept = sa.exists().where(Decision.case_id == Case.id, Decision.undone_at.is_(None), Decision.act == Act.KEEP)
    acted = sa.or_(Case.auto_hidden_at.is_not(None), sa.not_(kept))
    own = whole(sa.select(Case).where(Case.author_id == person.id, told, acted))
    return list(db.session.scalars(own.order_by(Case.id.desc()).limit(100)))


# --- words ---


def all_words() -> dict[Reason, ReasonWords]:
    """What authors are told for each reason; where moderators wrote nothing, what the program says."""
    written = {row.reason: row for row in db.session.scalars(sa.select(ReasonWords))}
    return {reason: written.get(reason) or _default(reason) for reason in COMMON}


def _default(reason: Reason) -> ReasonWords:
    spoken = {}
    for language in words.LANGUAGES:
        with words.speaking(language):
            spoken[language] = str(DEFAULT_WORDS[reason])
    return ReasonWords(reason=reason, **spoken, version=0, changed_at=clock.now(), changed_by_id=0)


def words_of(reason: Reason) -> ReasonWords:
    """What authors are told for one reason."""
    return db.session.get(ReasonWords, reason) or _default(reason)


def told(reason: Reason | None, language: str) -> str:
    """The words of a reason in a language; nothing where no reason was given."""
    if reason is None:
        return ""
    row = words_of(reason)
    return row.ko if language == "ko" else row.en
