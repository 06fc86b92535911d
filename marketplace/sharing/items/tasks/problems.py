"""What both sides are told of a loan's problem, and what is kept."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import personal
from marketplace.sharing.items.queries import problems as problem_queries
from marketplace.sharing.items.service import problems

PROBLEMS = Topic(
    "items_problems",
    _l("Problems of loans"),
    _l("Something was damaged, is missing or was not brought back; what mediators decide."),
    always=True,
)

things.register(
    things.Kind(
        name="problem",
        label=_l("Problem of a loan"),
        find=problem_queries.problems_by_id,
        title=lambda problem: f"{problem.loan.item.title}, {problem.loan.when}",
        link=lambda problem: url_for("problems.problem", reference=problem.loan.reference),
        may_see=lambda person, problem: (
            policy.may_speak(person, problem) or problem_queries.may_look(person, problem.loan)
        ),
        author_id=lambda problem: int(problem.by_id),
    )
)


def _problem_told(name: str, title: Text, text: Text) -> None:
    """Register what the sides of a loan are told of its problem; what is due and why stands in the letter."""
    models.register(
        News(
            f"items.problem_{name}",
            PROBLEMS,
            lambda thing, _facts: title.filled(item=thing.record.loan.item.title),
            letter="letters/items/problem",
            context=lambda thing, _person, _facts: {
                "problem": thing.record, "loan": thing.record.loan, "item": thing.record.loan.item,
                "due": thing.record.due, "reason": thing.record.why, "text": text,
            },
        )
    )  # fmt: skip


_problem_told(
    "reported", _l("A problem was reported: {item}"),
    _l("the other side reports a problem of your loan. Say how you see it, and propose what is due. If you do not "
       "settle it within 48 hours, a mediator decides."),
)  # fmt: skip
_problem_told("answered", _l("The other side answered: {item}"), _l("read how the other side sees the problem."))
_problem_told(
    "offered", _l("A proposal to settle a problem: {item}"),
    _l("the other side proposes what is due. Agree to it, or propose something else."),
)  # fmt: skip
_problem_told("settled", _l("Settled: {item}"), _l("both of you have agreed on what is due."))
_problem_told("withdrawn", _l("A report was taken back: {item}"), _l("the problem is over; nothing is due."))
_problem_told(
    "handed_on", _l("A mediator is asked: {item}"),
    _l("a mediator of the city looks at the problem of your loan. Until the decision you can still settle it."),
)  # fmt: skip
_problem_told(
    "decided", _l("A mediator decided: {item}"),
    _l("a mediator has decided what is due. If you see it otherwise, appeal within 7 days: another mediator then has "
       "the last word."),
)  # fmt: skip
_problem_told("appealed", _l("An appeal: {item}"), _l("the other side appealed. Another mediator has the last word."))
_problem_told("paid", _l("The city's fund pays: {item}"), _l("the insurance fund pays you what mediators decided."))
_problem_told("final", _l("Decided for good: {item}"), _l("the decision about your loan's problem is final."))

jobs.timed("items.run_out_problems", every=timedelta(minutes=5))(problems.run_out)

hooks.personal_data.register(personal.own_problems)

register(
    Kept(
        "loan_problems",
        _l("Problems of your loans: what both sides said, what was settled or decided, and why"),
        _l("so that both sides are heard, and it can be told what was due and why."),
        _l("What was written for a year after the loan, the rest for five, as the loan."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
    Kept(
        "loan_problem_offers",
        _l("What you proposed to settle a problem of a loan"),
        _l("so that the other side can agree to it, and a mediator sees what you offered."),
        _l("What was written for a year after the loan, the rest for five, as the loan."),
        Erased.NAMELESS,
        job="items.thin_loans",
    ),
)
