"""Finding applications, and how far they are answered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.kernel import cells, clock, db
from marketplace.kernel.errors import DomainError, NotFound
from marketplace.kernel.geo import Point
from marketplace.kernel.words import _
from marketplace.sharing.homeshare.models import answers as said
from marketplace.sharing.homeshare.models import questions
from marketplace.sharing.homeshare.models.applications import Application, Campus, Side
from marketplace.sharing.homeshare.models.checks import REFERENCES
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match
from marketplace.sharing.homeshare.models.questions import Kind, Page, Question
from marketplace.sharing.homeshare.models.references import Reference, Relation

_WHOLE = (
    joinedload(Application.person).selectinload(Person.grants), joinedload(Application.coordinator),
    joinedload(Application.campus), joinedload(Application.district),
)  # fmt: skip


def get_application(reference: str) -> Application:
    """The application of this number, with who applied, coordinator, place of study and district. Raises NotFound."""
    found = db.session.scalar(sa.select(Application).where(Application.reference == reference).options(*_WHOLE))
    if found is None:
        raise NotFound
    return found


def held(application: Application) -> Application:
    """The same read anew, which nobody else changes until this transaction ends."""
    mine = sa.select(Application).where(Application.id == application.id)
    hold(mine)
    return db.session.scalars(mine.options(*_WHOLE)).one()


def hold(rows: sa.Select[Any]) -> None:
    """Read rows anew and let nobody else change them; people they point to stay as they were read."""
    db.session.scalars(rows.with_for_update().execution_options(populate_existing=True)).all()


def by_ids(ids: Collection[int]) -> dict[int, Application]:
    """Applications by their ids."""
    found = db.session.scalars(sa.select(Application).where(Application.id.in_(ids)).options(*_WHOLE))
    return {one.id: one for one in found}


def live_of(person_id: int, side: Side | None = None) -> list[Application]:
    """The applications of a person that have not ended, of one side or of both."""
    own = sa.select(Application).where(Application.person_id == person_id, Application.closed_at.is_(None))
    if side is not None:
        own = own.where(Application.side == side)
    return list(db.session.scalars(own.options(*_WHOLE).order_by(Application.id)))


def people_promised(application: Application) -> int:
    """How many people are proposed to a home or live there; of a student, how many rooms are kept for them."""
    of_them = sa.or_(Match.student_id == application.id, Match.home_id == application.id)
    kept = sa.select(sa.func.sum(Match.people)).where(of_them, Match.state.in_(GOING_ON))
    return db.session.scalar(kept) or 0


def campuses() -> list[Campus]:
    """Every place of study, by name in the reader's language."""
    return sorted(db.session.scalars(sa.select(Campus)), key=lambda one: one.title)


def campus(campus_id: int) -> Campus | None:
    """The place of study of this number."""
    return db.session.get(Campus, campus_id)


def middle_of(application: Application) -> Point | None:
    """The middle of the cell in which a home lies."""
    return cells.centre(application.cell) if application.cell is not None else None


# --- answers ---


def answers_of(application: Application) -> dict[str, Any]:
    """All answers, those in columns of their own among them, as they are kept; locked ones opened."""
    known = dict(application.answers)
    known["phone"], known["friend"] = unlock(application, "phone") or None, unlock(application, "friend") or None
    known["place"] = True if application.cell is not None else None
    return known


def told(application: Application) -> dict[str, str]:
    """The answers to all questions as people read them, by the name of the question."""
    known = answers_of(application)
    asked = [question for page in questions.pages(application.side) for question in page.questions]
    return {question.name: _told(application, question, known) for question in asked}


def _told(application: Application, question: Question, known: Mapping[str, Any]) -> str:
    if question.kind is Kind.CAMPUS and application.campus is not None:
        return application.campus.title
    if question.kind is Kind.PLACE and application.cell is not None:
        district = application.district.name if application.district else _("A place in the city")
        return f"{unlock(application, 'address')} ({district})"
    return question.read(known.get(question.name))


@dataclass(frozen=True, slots=True)
class Step:
    """A page of questions and how far it is answered; `trouble` says what no longer fits together."""

    page: Page
    started: bool
    missing: bool
    trouble: DomainError | None

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.missing and self.trouble is None and (self.started or not self.page.needed)


@dataclass(frozen=True, slots=True)
class Section:
    """Pages that belong together."""

    name: str
    title: object
    steps: Sequence[Step]

    @property
    def done(self) -> bool:
        """Whether all that is needed is answered."""
        return all(step.done for step in self.steps if step.page.needed)

    @property
    def started(self) -> bool:
        """Whether anything is answered."""
        return any(step.started for step in self.steps)


def sections(application: Application) -> list[Section]:
    """The task list."""
    known = answers_of(application)
    grouped: dict[str, list[Step]] = {}
    for page in questions.pages(application.side):
        grouped.setdefault(page.section, []).append(_step(page, known))
    return [Section(name, questions.SECTIONS[name], steps) for name, steps in grouped.items()]


def _step(page: Page, known: Mapping[str, Any]) -> Step:
    started = any(known.get(question.name) is not None for question in page.questions)
    own = {question.name: known[question.name] for question in page.questions if question.name in known}
    trouble = said.trouble(page, own, clock.today()) if started else None
    return Step(page, started, said.missing(page, known), trouble)


def next_page(application: Application, after: Page) -> Page | None:
    """The first page after this one on which something is left to answer."""
    steps = [step for section in sections(application) for step in section.steps]
    at = next(number for number, step in enumerate(steps) if step.page.name == after.name)
    return next((step.page for step in steps[at + 1 :] if not step.done), None)


# --- who speaks for them ---


def references_of(application: Application) -> list[Reference]:
    """Those named to speak for an applicant, in the order they were named."""
    named = sa.select(Reference).where(Reference.application_id == application.id).options(joinedload(Reference.check))
    return list(db.session.scalars(named.order_by(Reference.id)))


def references_suffice(application: Application, named: Sequence[Reference]) -> bool:
    """Whether enough people speak for everyone who comes, not all of them family."""
    for of_second in (False, True)[: application.people]:
        mine = [one.relation for one in named if one.of_second == of_second]
        if len(mine) < REFERENCES or all(relation is Relation.FAMILY for relation in mine):
            return False
    return True
