"""When something went wrong with a loan: settling it between the two, mediators, appeals, and who may do what."""

from datetime import timedelta
from itertools import product

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import audit, clock, db
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Condition, ItemUnit, Library, UnitState
from marketplace.sharing.items.models.problems import Problem, ProblemState, Remedy, Trouble
from marketplace.sharing.items.queries import problems as queries
from marketplace.sharing.items.queries.trust import returns_of
from marketplace.sharing.items.service import forgetting, handing, loans, longer, problems
from tests.factories import item, library, loan, neighbour
from tests.sharing.items.test_loans import anew, at, owner_of

HOUR = timedelta(hours=1)
OPEN, WAITING, DECIDED, APPEALED = (
    ProblemState.OPEN,
    ProblemState.WAITING,
    ProblemState.DECIDED,
    ProblemState.APPEALED,
)
SETTLED, WITHDRAWN, FINAL = ProblemState.SETTLED, ProblemState.WITHDRAWN, ProblemState.FINAL


def moderator(name: str = "A mediator") -> Person:
    return neighbour(name, roles=[Role.MODERATOR])


def out(monday, thing=None, by=None, **facts):
    """A drill worth 80,000 with a deposit of 30,000, handed over on the 4th of March until the 6th."""
    thing = thing or item(value=80_000, deposit=30_000, **facts)
    one = loan(thing, 4, 6, by=by)
    loans.accept(owner_of(thing), one)
    db.session.commit()
    monday(at(4, 9))
    one = anew(one)
    _handover, code = handing.offer(owner_of(thing), one, Way.OUT, condition=Condition.GOOD)
    handing.take(one.borrower, one, Way.OUT, code)
    db.session.commit()
    return anew(one)


def back(monday, **facts):
    """The same, brought back on the 6th at noon."""
    one = out(monday, **facts)
    monday(at(6, 12))
    one = anew(one)
    _handover, code = handing.offer(one.borrower, one, Way.BACK, condition=Condition.WORN)
    handing.take(owner_of(one.item), one, Way.BACK, code)
    db.session.commit()
    return anew(one)


def reported(one, trouble: Trouble = Trouble.DAMAGED) -> Problem:
    """A problem that the owner reports."""
    one = anew(one)
    made = problems.report(owner_of(one.item), one, trouble, "The chuck is bent.")
    db.session.commit()
    return again(made)


def again(problem: Problem) -> Problem:
    """The problem as the next request finds it."""
    db.session.commit()
    number = problem.id
    db.session.expunge_all()
    return queries.get_problem(number)


def brought_to(state: ProblemState, one, monday) -> Problem:
    """A problem in this state."""
    found = reported(one)
    owner, borrower = owner_of(one.item), found.loan.borrower
    if state in (WAITING, DECIDED, APPEALED, FINAL):
        problems.ask_mediator(borrower, found)
    if state in (DECIDED, APPEALED, FINAL):
        problems.decide(moderator("First"), found, Remedy.SUM, 20_000, "It was whole before.")
    if state in (APPEALED, FINAL):
        problems.appeal(borrower, found, "It was bent before.")
    if state is FINAL:
        problems.decide(moderator("Second"), found, Remedy.DEPOSIT, 10_000, "The pictures show both.")
    if state is SETTLED:
        made = problems.offer(owner, found, Remedy.REPAIR)
        problems.accept(borrower, found, made.id)
    if state is WITHDRAWN:
        problems.withdraw(owner, found)
    return again(found)


def known(person_id: int) -> Person:
    """Someone with what they may."""
    return db.session.get_one(Person, person_id, options=[selectinload(Person.grants)], populate_existing=True)


def news(of_id: int) -> list[str]:
    query = sa.select(Notice.news).where(Notice.person_id == of_id, Notice.news.like("items.problem%"))
    return [name.removeprefix("items.problem_") for name in db.session.scalars(query.order_by(Notice.id))]


# --- when ---


def test_a_problem_is_reported_within_a_day_of_the_return(monday):
    one = back(monday)
    monday(at(7, 11.9))
    found = problems.report(owner_of(one.item), one, Trouble.DAMAGED, " The chuck is bent. ")

    assert (found.state, found.words, found.due_at) == (OPEN, "The chuck is bent.", clock.now() + 48 * HOUR)
    assert (found.deposit, found.most) == (30_000, 80_000)
    assert news(one.borrower_id) == ["reported"]


def test_a_day_after_the_return_nothing_is_reported_any_more(monday):
    one = back(monday)
    monday(at(7, 12))
    with pytest.raises(errors.NothingToReport):
        problems.report(one.borrower, one, Trouble.NOT_AS_SAID, "It had no battery.")


def test_what_is_not_back_is_reported_from_three_days_late_on_and_nothing_else_is(monday):
    one = out(monday)
    monday(at(8, 23))
    with pytest.raises(errors.NothingToReport):
        problems.report(owner_of(one.item), one, Trouble.NOT_BACK, "Not back.")
    monday(at(9, 0))
    with pytest.raises(errors.NothingToReport):
        problems.report(owner_of(one.item), one, Trouble.DAMAGED, "Not back.")
    assert problems.report(owner_of(one.item), one, Trouble.NOT_BACK, "Not back.").state is OPEN


def test_a_loan_with_an_open_problem_is_not_over(monday):
    one = back(monday)
    found = reported(one)
    monday(at(8, 13))
    loans.run_out()
    assert anew(one).state is LoanState.RETURNED

    problems.withdraw(owner_of(one.item), again(found))
    loans.run_out()
    assert anew(one).state is LoanState.CLOSED


def test_one_problem_at_a_time(monday):
    one = back(monday)
    reported(one)
    one = anew(one)
    with pytest.raises(errors.ReportedAlready):
        problems.report(one.borrower, one, Trouble.NOT_AS_SAID, "It had no battery.")


# --- the state machine, whole ---

VERBS = ("answer", "offer", "accept", "ask_mediator", "withdraw", "decide", "appeal", "run_out")
AFTER = {
    (OPEN, "answer"): OPEN, (OPEN, "offer"): OPEN, (OPEN, "accept"): SETTLED, (OPEN, "ask_mediator"): WAITING,
    (OPEN, "withdraw"): WITHDRAWN, (OPEN, "run_out"): WAITING,
    (WAITING, "answer"): WAITING, (WAITING, "offer"): WAITING, (WAITING, "accept"): SETTLED,
    (WAITING, "withdraw"): WITHDRAWN, (WAITING, "decide"): DECIDED,
    (DECIDED, "appeal"): APPEALED, (DECIDED, "run_out"): FINAL,
    (APPEALED, "decide"): FINAL,
}  # fmt: skip
"""What docs/loans.md draws; anything else is refused and changes nothing."""


@pytest.mark.parametrize(("state", "verb"), list(product(ProblemState, VERBS)))
def test_every_verb_in_every_state(monday, state, verb):
    one = back(monday)
    found = brought_to(state, one, monday)
    made = None
    if verb == "accept" and state in (OPEN, WAITING):
        made = problems.offer(owner_of(one.item), found, Remedy.REPAIR)
    owner, borrower, mediator = owner_of(found.loan.item), found.loan.borrower, moderator("Another")
    acts = {
        "answer": lambda: problems.answer(borrower, found, "I used it as told."),
        "offer": lambda: problems.offer(borrower, found, Remedy.SUM, 5_000),
        "accept": lambda: problems.accept(borrower, found, made.id if made else 0),
        "ask_mediator": lambda: problems.ask_mediator(owner, found),
        "withdraw": lambda: problems.withdraw(owner, found),
        "decide": lambda: problems.decide(mediator, found, Remedy.NOTHING, 0, "Wear."),
        "appeal": lambda: problems.appeal(owner, found, "Look again."),
        "run_out": problems.run_out,
    }
    if verb == "run_out":
        monday(at(30))
        acts[verb]()
        assert again(found).state is AFTER.get((state, verb), state)
        return
    if (state, verb) in AFTER:
        acts[verb]()
    else:
        with pytest.raises((errors.ProblemWentOn, Forbidden)):
            acts[verb]()
        db.session.rollback()
    assert again(found).state is AFTER.get((state, verb), state)


# --- between the two ---


def test_the_last_word_of_the_other_side_is_accepted_and_no_other(monday):
    one = back(monday)
    found = reported(one)
    owner, borrower = owner_of(one.item), found.loan.borrower
    early = problems.offer(owner, found, Remedy.SUM, 40_000, "A new chuck.")
    late = problems.offer(owner, found, Remedy.SUM, 35_000)
    with pytest.raises(errors.OfferGone):
        problems.accept(borrower, found, early.id)
    with pytest.raises(errors.OfferGone):
        problems.accept(owner, found, late.id)

    problems.accept(borrower, found, late.id)

    assert found.due
    assert (found.due.kept, found.due.returned, found.due.beyond) == (30_000, 0, 5_000)
    assert news(owner.id) == ["settled"]
    assert news(borrower.id) == ["reported", "offered", "offered"]


@pytest.mark.parametrize(
    ("remedy", "amount", "refusal"),
    [
        (Remedy.SUM, 0, errors.SumMissing),
        (Remedy.SUM, 80_001, errors.SumTooLarge),
        (Remedy.DEPOSIT, 30_001, errors.MoreThanDeposit),
        (Remedy.DEPOSIT, 0, errors.SumMissing),
    ],
)
def test_sums_stay_within_the_worth_and_the_deposit(monday, remedy, amount, refusal):
    one = back(monday)
    found = reported(one)
    with pytest.raises(refusal):
        problems.offer(owner_of(one.item), found, remedy, amount)
    problems.ask_mediator(found.loan.borrower, found)
    with pytest.raises(refusal):
        problems.decide(moderator(), found, remedy, amount, "So.")


def test_a_thing_that_is_made_good_instead_of_brought_back_is_gone(monday):
    one = out(monday)
    monday(at(10, 9))
    found = reported(anew(one), Trouble.NOT_BACK)
    made = problems.offer(found.loan.borrower, found, Remedy.SUM, 80_000, "I lost it.")
    problems.accept(owner_of(one.item), found, made.id)

    ended = anew(one)
    assert (ended.state, ended.returned_at) == (LoanState.CLOSED, None)
    assert db.session.scalar(sa.select(ItemUnit.state)) is UnitState.GONE
    assert returns_of(ended.borrower)[0].late
    longer.hold_late()


# --- who ---


def test_neither_side_nor_whoever_shared_a_loan_with_one_mediates(monday):
    one = back(monday)
    found = brought_to(WAITING, one, monday)
    owner, borrower = owner_of(one.item), found.loan.borrower
    for side in (owner, borrower):
        db.session.add(RoleGrant(person_id=side.id, role=Role.MODERATOR))
    acquainted, owing = moderator("Borrowed of the owner"), moderator("Lent to the borrower")
    loans.accept(owner, loan(found.loan.item, 20, 21, by=acquainted))
    theirs = item("Tent", owing)
    loans.accept(owing, loan(theirs, 20, 21, by=borrower))
    stranger, resident = moderator(), neighbour()
    db.session.commit()
    found, resident_id = again(found), resident.id

    for number in [one.id for one in (owner, borrower, acquainted, owing, resident)]:
        person = known(number)
        with pytest.raises(Forbidden):
            problems.decide(person, found, Remedy.NOTHING, 0, "Wear.")
        assert number == resident_id or not db.session.scalars(queries.to_mediate(person)).all()
    stranger = known(stranger.id)
    assert [one.id for one in db.session.scalars(queries.to_mediate(stranger))] == [found.id]
    problems.decide(stranger, found, Remedy.NOTHING, 0, "Wear.")


def test_whoever_borrowed_from_one_library_mediates_for_another():
    def lent(of: Library, to: Person) -> Loan:
        made = Loan(
            item_id=item(of=of).id, borrower_id=to.id, first_day=clock.today(), last_day=clock.today(),
            state=LoanState.RETURNED, accepted_at=clock.now(),
        )  # fmt: skip
        db.session.add(made)
        db.session.flush()
        return made

    def waiting(one: Loan) -> Problem:
        made = Problem(
            loan_id=one.id, borrower_id=one.borrower_id, by_id=one.borrower_id, by_borrower=True, most=0, deposit=0,
            trouble=Trouble.NOT_AS_SAID, state=WAITING, words="Blunt.", due_at=clock.now(),
        )  # fmt: skip
        db.session.add(made)
        db.session.flush()
        return made

    mediator, near, far = moderator(), library(), library()
    lent(near, mediator)
    too_near, apart = (waiting(lent(one, neighbour())) for one in (near, far))

    assert not queries.is_apart(mediator, too_near)
    assert queries.is_apart(mediator, apart)
    assert list(db.session.scalars(queries.to_mediate(mediator))) == [apart]


def test_an_appeal_goes_to_another_mediator_whose_word_is_the_last(monday):
    one = back(monday)
    found = brought_to(DECIDED, one, monday)
    assert found.mediator_id
    first = known(found.mediator_id)
    problems.appeal(found.loan.borrower, found, "It was bent before.")
    assert not db.session.scalars(queries.to_mediate(first)).all()
    with pytest.raises(Forbidden):
        problems.decide(first, found, Remedy.NOTHING, 0, "I was wrong.")

    problems.decide(moderator("Second"), found, Remedy.DEPOSIT, 10_000, "The pictures show both.")

    assert found.due
    assert (found.state, found.due.kept, found.due.returned, found.why) == (
        FINAL, 10_000, 20_000, "The pictures show both.",
    )  # fmt: skip
    assert news(found.borrower_id)[-2:] == ["decided", "final"]
    assert found.owner_id
    assert news(found.owner_id)[-3:] == ["decided", "appealed", "final"]


def test_after_a_week_nobody_appeals_even_before_the_clock_makes_it_final(monday):
    found = brought_to(DECIDED, back(monday), monday)
    monday(at(13, 12))
    with pytest.raises(errors.AppealOver):
        problems.appeal(found.loan.borrower, found, "Too late.")


def test_each_step_is_on_record_without_what_was_written(monday):
    found = brought_to(FINAL, back(monday), monday)
    entries = list(
        db.session.scalars(sa.select(audit.AuditEntry).where(audit.AuditEntry.action.like("items.problem%")))
    )
    assert [one.action.rpartition("_")[2] for one in entries] == ["reported", "on", "decided", "appealed", "final"]
    assert "bent" not in str([one.detail for one in entries])
    assert {one.subject for one in entries} == {f"loan:{found.loan_id}"}


# --- the database ---


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (DECIDED, "reason = ' '"),
        (DECIDED, "mediator_id = borrower_id"),
        (DECIDED, "mediator_id = owner_id"),
        (DECIDED, "mediator_id = by_id"),
        (DECIDED, "amount = most + 1"),
        (DECIDED, "mediator_id = NULL, decided_at = NULL"),
        (FINAL, "second_id = mediator_id"),
        (FINAL, "second_id = borrower_id"),
        (FINAL, "last_reason = ''"),
        (FINAL, "second_id = NULL"),
        (WAITING, "state = 'final', closed_at = opened_at, due_at = NULL"),
        (WAITING, "state = 'decided'"),
        (SETTLED, "remedy = NULL"),
        (SETTLED, "state = 'open'"),
    ],
)
def test_the_database_refuses_what_the_rules_refuse(monday, state, change):
    found = brought_to(state, back(monday), monday)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(sa.text(f"UPDATE loan_problems SET {change} WHERE id = :id"), {"id": found.id})


def test_the_database_holds_one_open_problem_a_loan(monday):
    found = reported(back(monday))
    columns = [one.key for one in Problem.__table__.columns if one.key != "id"]
    copy = sa.insert(Problem).from_select(columns, sa.select(*(getattr(Problem, one) for one in columns)))
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(copy)
    problems.withdraw(owner_of(found.loan.item), found)
    db.session.flush()


# --- forgetting ---


def test_who_leaves_takes_their_words_along_and_the_decision_stays(monday):
    one = back(monday)
    found = brought_to(FINAL, one, monday)
    monday(at(20))
    loans.run_out()
    forgetting.erase_loans(db.session.get_one(Person, found.borrower_id))
    left = again(found)
    assert (left.words, left.answer, left.appeal, left.reason, left.last_reason) == ("", "", "", "–", "–")
    assert (left.remedy, left.last_amount) == (Remedy.SUM, 10_000)


def test_words_are_forgotten_a_year_after_the_loan_and_not_before(monday):
    found = brought_to(FINAL, back(monday), monday)
    monday(at(20))
    loans.run_out()
    forgetting.thin_loans()
    assert again(found).words
    monday(at(20) + timedelta(days=366))
    forgetting.thin_loans()
    assert (again(found).words, again(found).last_reason) == ("", "–")
