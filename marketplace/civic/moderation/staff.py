"""The moderators' queue and cases, and the safeguarding officers' list, which nobody else sees."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation import errors, policy, schemas
from marketplace.civic.moderation.models import (
    ACTS,
    ANSWERS,
    COMMON,
    DAYS,
    HARMS,
    ON_AUTHOR,
    OUTCOMES,
    REASONS,
    STATES,
    Act,
    Case,
    CaseState,
    Concern,
    Reason,
)
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.queries import safeguarding as concern_queries
from marketplace.civic.moderation.service import appeals, decisions, safeguarding
from marketplace.civic.uploads.queries import of_subjects as attached
from marketplace.kernel import audit, clock, db, hooks, looking, things
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l, language, ngettext
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell
from marketplace.web.security import afterwards

bp = Blueprint("moderation_staff", __name__, url_prefix="/moderation")
JUDGES = (Role.MODERATOR, Role.ADMINISTRATOR)
SHOWN_AT_DESK = 5
READING = "moderation.content"
looking.page(READING, _l("Something of yours that was reported"))


@bp.get("/")
@staff(*JUDGES)
def queue() -> Response:
    """Everything that waits, with what it says, the most harmful and most urgent first."""
    person = current_person()
    pages, shown = listed(queries.queue(person))
    lately = list(db.session.scalars(queries.lately_decided(person, clock.now() - policy.UNDO).limit(20)).unique())
    _read(shown)
    return page(
        "civic/moderation/queue.html",
        shown=shown, pages=pages, things=things.find_all(case.subject for case in shown), before=queries.before(shown),
        files=attached(one.subject for one in shown),
        lately=[case for case in lately if policy.may_undo(person, case)], now=clock.now(), harms=HARMS,
        reasons=REASONS, acts=ACTS, moderator=person.is_a(Role.MODERATOR),
    )  # fmt: skip


def _read(shown: Iterable[Case]) -> None:
    """Put on record, for those who wrote it to see, that what these cases are about was read, and as what reported."""
    role = Role.MODERATOR if current_person().is_a(Role.MODERATOR) else Role.ADMINISTRATOR
    authors: dict[int, Mapping[str, object]] = {}
    for case in shown:  # the most harmful first
        if case.author_id is not None:
            authors.setdefault(case.author_id, {"role": role, "reason": case.reason})
    looked(READING, authors)


@bp.route("/cases/<reference>", methods=["GET", "POST"])
@staff(*JUDGES)
def case(reference: str) -> ResponseReturnValue:
    """One case: what was reported, what it says, what came before; decide it, or answer its appeal."""
    person, found = current_person(), _seen(reference)
    appealed = found.state is CaseState.APPEALED
    with Form(schemas.AppealAnswer() if appealed else schemas.DecisionForm()) as form:
        if form.submitted:
            if appealed:
                appeals.answer(person, found, form.data["answer"], form.data["text"])
                tell(_("The appeal is answered; its author has been told."))
            else:
                decisions.decide(person, found, **form.data)
                tell(_("Decided. You can undo it for ten minutes; then people are told."))
            return redirect(url_for(".queue"), 303)
    if form.refusal:
        found = _seen(reference)
    return _case_page(form, person, found)


def _case_page(form: Form, person: Any, found: Case) -> Response:
    """The page of a case; each reading is on record under the case, too."""
    now, thing = clock.now(), things.find(found.subject)
    reader, number = person.id, found.id
    afterwards(lambda: audit.record(reader, "moderation.looked", f"case:{number}"))
    _read([found])
    holder = found.holder_id(now)
    return form.page(
        "civic/moderation/case.html",
        case=found, thing=thing, link=_link(person, thing), files=attached([found.subject]).get(found.subject, []),
        history=queries.history(found), undone=queries.undone(found),
        reasons=REASONS, told=_told(), mine=holder == person.id, elsewhere=holder not in (None, person.id),
        may_decide=found.state is CaseState.OPEN and policy.may_decide(person, found),
        may_answer=found.state is CaseState.APPEALED and policy.may_answer(person, found, queries.moderator_ids()),
        may_undo=policy.may_undo(person, found), may_restore=policy.may_restore(person, found),
        acts=_acts([found], [thing]), days=DAYS, harms=HARMS,
        states=STATES, answers=list(ANSWERS.items()), all_acts=ACTS,
    )  # fmt: skip


def _link(person: Any, thing: things.Thing | None) -> str | None:
    """The page of a thing, where it shows itself to this person."""
    return thing.link if thing is not None and thing.seen_by(person) else None


def _acts(cases: Iterable[Case], about: Iterable[things.Thing | None]) -> list[tuple[Act, object]]:
    """What may be done to all of them: nobody is warned where nobody wrote it, and not everything can be removed."""
    out = set() if all(case.author_id for case in cases) else set(ON_AUTHOR)
    if not all(policy.may_be_removed(thing) for thing in about):
        out.add(Act.REMOVE)
    return [(act, words) for act, words in ACTS.items() if act not in out]


def _told() -> list[tuple[Reason, object, str]]:
    """The reasons to choose from, each with what its author is told, in the moderator's language."""
    korean = language.get() == "ko"
    rows = queries.all_words()
    return [(reason, REASONS[reason], rows[reason].ko if korean else rows[reason].en) for reason in COMMON]


@bp.post("/cases/<reference>/claim")
@staff(*JUDGES)
def claim(reference: str) -> ResponseReturnValue:
    """Keep a case for oneself for half an hour."""
    found = decisions.claim(current_person(), _seen(reference))
    return redirect(url_for(".case", reference=found.reference), 303)


@bp.post("/cases/<reference>/release")
@staff(*JUDGES)
def release(reference: str) -> ResponseReturnValue:
    """Leave it to others."""
    decisions.release(current_person(), _seen(reference))
    tell(_("The case is free for others again."))
    return redirect(url_for(".queue"), 303)


@bp.post("/cases/<reference>/undo")
@staff(Role.MODERATOR)
def undo(reference: str) -> ResponseReturnValue:
    """Take a decision back before anyone was told."""
    found = _seen(reference)
    decisions.undo(current_person(), found)
    tell(_("Undone. The case waits for a decision again, and nobody was told."))
    return redirect(url_for(".case", reference=found.reference), 303)


@bp.post("/cases/<reference>/restore")
@staff(Role.MODERATOR)
def restore(reference: str) -> ResponseReturnValue:
    """Show again what was put right."""
    found = _seen(reference)
    decisions.restore(current_person(), found)
    tell(_("It is shown again."))
    return redirect(url_for(".case", reference=found.reference), 303)


@bp.route("/together", methods=["GET", "POST"])
@staff(Role.MODERATOR)
def together() -> ResponseReturnValue:
    """Decide several cases alike, with one reason."""
    person = current_person()
    asked = Form(schemas.Chosen(), method="GET").data.get("case", [])
    with Form(schemas.DecisionForSeveral(), case=asked) as form:
        chosen = [one for one in queries.cases(form.data.get("case") or asked) if policy.may_look(person, one)]
        if form.submitted:
            wanted = {name: value for name, value in form.data.items() if name != "case"}
            done, left = decisions.decide_all(person, chosen, **wanted)
            if done:
                tell(ngettext("{n} case is decided.", "{n} cases are decided.", len(done)))
            for one, refusal in left:
                tell(f"{one.title}: {refusal.sentence}", "error")
            return redirect(url_for(".queue"), 303)
    if not chosen:
        tell(_("Tick the cases first that you want to decide together."), "error")
        return redirect(url_for(".queue"), 303)
    _read(chosen)
    found = things.find_all(one.subject for one in chosen)
    return form.page(
        "civic/moderation/together.html",
        chosen=chosen, things=found, told=_told(),
        acts=_acts(chosen, [found.get(one.subject) for one in chosen]), reasons=REASONS, days=DAYS,
    )  # fmt: skip


@bp.get("/words")
@staff(Role.MODERATOR)
def all_words() -> Response:
    """What authors are told for each reason."""
    return page("civic/moderation/words.html", told=_told())


@bp.route("/words/<reason>", methods=["GET", "POST"])
@staff(Role.MODERATOR)
def words(reason: str) -> ResponseReturnValue:
    """Change what authors are told for a reason."""
    if reason not in COMMON:
        raise NotFound
    row = queries.words_of(Reason(reason))
    with Form(schemas.WordsForm(), en=row.en, ko=row.ko, version=row.version) as form:
        if form.submitted:
            decisions.save_words(current_person(), Reason(reason), **form.data)
            tell(_("The words are saved. Letters from now on say this."))
            return redirect(url_for(".all_words"), 303)
    lost = isinstance(form.refusal, errors.ChangedMeanwhile)
    return form.page("civic/moderation/edit_words.html", reason=REASONS[Reason(reason)], row=row, lost=lost)


def _seen(reference: str) -> Case:
    found = queries.get_case(reference)
    reveal(policy.may_look, current_person(), found)
    return found


# --- need to know ---


@bp.get("/safeguarding")
@staff(Role.SAFEGUARDING)
def safeguarding_list() -> Response:
    """Concerns for people's safety, by when they are due; what they say stands on their own pages."""
    closed = request.args.get("show") == "closed"
    pages, shown = listed(concern_queries.concerns(current_person(), closed=closed))
    return page(
        "civic/moderation/safeguarding.html",
        shown=shown, pages=pages, closed=closed, reasons=REASONS, outcomes=OUTCOMES, now=clock.now(),
    )  # fmt: skip


@bp.route("/safeguarding/<reference>", methods=["GET", "POST"])
@staff(Role.SAFEGUARDING)
def concern(reference: str) -> ResponseReturnValue:
    """One concern: read it, write down what is done, end it. Each reading is on record."""
    person, found = current_person(), _concern(reference)
    with Form(schemas.NoteForm()) as form:
        if form.submitted:
            if ended := form.data["outcome"]:
                safeguarding.close(person, found, ended, form.data["text"])
                tell(_("The concern is closed."))
            else:
                safeguarding.add_note(person, found, form.data["text"])
                tell(_("The note is kept."))
            return redirect(url_for(".concern", reference=found.reference), 303)
    found = _concern(reference)
    reader, number = person.id, found.id
    afterwards(lambda: safeguarding.looked(reader, number))
    return form.page(
        "civic/moderation/concern.html",
        concern=found, link=_link(person, things.find(found.subject)), note=concern_queries.note(found),
        said=concern_queries.said(found), log=[(entry, concern_queries.text(entry)) for entry in found.notes],
        others=concern_queries.others_about(person, found), mine=found.officer_id == person.id, reasons=REASONS,
        outcomes=OUTCOMES,
    )  # fmt: skip


@bp.post("/safeguarding/<reference>/take")
@staff(Role.SAFEGUARDING)
def take(reference: str) -> ResponseReturnValue:
    """Look after a concern; or take it over from another officer."""
    found = _concern(reference)
    safeguarding.take(current_person(), found, over=request.form.get("over") == "yes")
    tell(_("You look after this concern now."))
    return redirect(url_for(".concern", reference=found.reference), 303)


def _concern(reference: str) -> Concern:
    found = concern_queries.get_concern(reference)
    reveal(policy.may_read_concern, current_person(), found)
    return found


# --- the desk ---


@hooks.waits_at_desk.register
def waiting_cases(person: Any) -> hooks.Queue | None:
    """Cases for moderators; appeals for administrators."""
    if not any(person.is_a(role) for role in JUDGES):
        return None
    query = queries.queue(person)
    count = db.count(query)
    if not count and not person.is_a(Role.MODERATOR):
        return None
    waiting = db.session.scalars(query.limit(SHOWN_AT_DESK)).unique()
    return hooks.Queue(
        _l("Reported content"),
        url_for("moderation_staff.queue"),
        count,
        [
            hooks.Waiting(
                f"{REASONS[one.reason]}: {one.title}", url_for("moderation_staff.case", reference=one.reference),
                one.due_at, one.harm,
            )
            for one in waiting
        ],
    )  # fmt: skip


@hooks.waits_at_desk.register
def waiting_concerns(person: Any) -> hooks.Queue | None:
    """Concerns, for safeguarding officers only; the desk says no more than that there are some."""
    if not person.is_a(Role.SAFEGUARDING):
        return None
    query = concern_queries.concerns(person, closed=False)
    waiting = db.session.scalars(query.limit(SHOWN_AT_DESK))
    return hooks.Queue(
        _l("Safeguarding"),
        url_for("moderation_staff.safeguarding_list"),
        db.count(query),
        [
            hooks.Waiting(
                f"{REASONS[one.reason]}: {one.reference}",
                url_for("moderation_staff.concern", reference=one.reference), one.due_at, 3,
            )
            for one in waiting
        ],
    )  # fmt: skip
