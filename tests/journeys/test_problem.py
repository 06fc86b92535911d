"""Something came back broken: both sides say how they see it, a mediator decides, another has the last word."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.kernel import clock
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.problems import Problem, ProblemState
from tests.journeys.conftest import like
from tests.journeys.test_lending import BOTH, ask_for, from_the_inbox, hand_over, list_a_thing, title_of
from tests.journeys.test_message import picture

BROKEN = {"en": "The handle is broken.", "ko": "손잡이가 부러졌습니다."}
ANSWER = {"en": "It was loose before.", "ko": "처음부터 헐거웠습니다."}
REASON = {"en": "The pictures show a whole handle at the start.", "ko": "처음 사진에는 손잡이가 멀쩡합니다."}
APPEAL = {"en": "Look at the second picture again.", "ko": "두 번째 사진을 다시 봐 주세요."}


def came_back(owner, borrower, language, kind):
    """A thing with a deposit was lent and brought back; the number of its loan."""
    title, today = title_of(kind, language), clock.today()
    owner.city.typed += [title, BROKEN[language], ANSWER[language], REASON[language], APPEAL[language]]
    owner.sign_in("resident")
    address = list_a_thing(owner, title)
    owner.go(address)
    owner.follow("Change what is said of it")
    owner.page.locator("summary", has_text=owner.word("Terms: how long, to whom, fee and deposit")).click()
    owner.field("Deposit").fill("10000")
    owner.press("Save")
    borrower.sign_in("staff")
    reference = ask_for(borrower, address, today, today)
    owner.go(f"/items/loans/{reference}/answer")
    owner.press("Yes, lend it")
    hand_over(owner, borrower, reference, "Hand it over", picture())
    hand_over(borrower, owner, reference, "Bring it back", picture())
    return reference, title


def report(owner, reference, language):
    """The owner says that it was damaged."""
    owner.go(f"/items/loans/{reference}")
    owner.follow("Something went wrong? Report a problem")
    owner.field("It was damaged").check()
    owner.field("What happened?").fill(BROKEN[language])
    owner.page.locator("input[type=file][name=pictures]").set_input_files([picture()])
    owner.press("Report it")
    owner.reads("Reported. The other side has been told, and you have 48 hours to settle it between you.")


def decide(mediator, title, choice, amount, language):
    """A mediator reads the one page with everything, and says what is due."""
    mediator.go("/items/problems")
    mediator.click(mediator.page.get_by_role("link", name=re.compile(title)).first)
    for said in (BROKEN[language], ANSWER[language]):
        mediator.reads(said)
    mediator.field(choice).check()
    mediator.page.locator("input[name=amount]").fill(amount)
    mediator.field("Reason").fill(REASON[language])
    mediator.press("Decide")


@BOTH
def test_damage_is_mediated_and_an_appeal_has_another_mediator(visitor, city, language, scripts, width):
    owner, borrower, mediator, second = (visitor(language, scripts=scripts, width=width) for _ in range(4))
    other = city.ask(sa.select(Person.id).where(Person.email == f"admin@{DOMAIN}"))
    if not city.ask(sa.select(RoleGrant.id).where(RoleGrant.person_id == other, RoleGrant.role == Role.MODERATOR)):
        city.change(sa.insert(RoleGrant).values(person_id=other, role=Role.MODERATOR))
    reference, title = came_back(owner, borrower, language, "drill")
    report(owner, reference, language)

    from_the_inbox(borrower, "A problem was reported: {item}", title)
    borrower.field("How do you see it?").fill(ANSWER[language])
    borrower.press("Send")
    borrower.reads("Sent. The other side reads it.")
    borrower.press("Ask for a mediator")
    mediator.sign_in("moderator")
    decide(mediator, title, "A part of the deposit is kept", "4000", language)

    from_the_inbox(borrower, "A mediator decided: {item}", title)
    borrower.reads(REASON[language])
    borrower.page.locator("summary", has_text=borrower.word("Appeal")).click()
    borrower.field("What did the mediator not see?").fill(APPEAL[language])
    borrower.press("Ask another mediator")
    mediator.go("/items/problems")
    assert title not in mediator.page.locator("main").inner_text()
    second.sign_in("admin")
    decide(second, title, "Nothing: the owner bears it", "", language)
    for someone in (owner, borrower):
        from_the_inbox(someone, "Decided for good: {item}", title)
    of_the_loan = Problem.loan_id == sa.select(Loan.id).where(Loan.reference == reference).scalar_subquery()
    assert city.ask(sa.select(Problem.state).where(of_the_loan)) == ProblemState.FINAL


@pytest.mark.parametrize("language", ["en", "ko"])
def test_two_neighbours_settle_it_between_them_by_keyboard(visitor, city, language):
    owner, borrower = visitor(language, scripts=False), visitor(language, width=320)
    reference, title = came_back(owner, borrower, language, "ladder")
    report(owner, reference, language)
    owner.field("A part of the deposit is kept").check()
    owner.page.locator("input[name=amount]").fill("3000")
    owner.press("Propose it")

    from_the_inbox(borrower, "A proposal to settle a problem: {item}", title)
    agree = borrower.page.get_by_role("button", name=borrower.word("Agree to this"), exact=True)
    agree.focus()
    with borrower.page.expect_navigation():
        borrower.page.keyboard.press("Enter")
    borrower.look()
    borrower.reads("Settled. Both of you have agreed.")
    settled = clock.now() - timedelta(minutes=5)
    of_the_loan = Problem.loan_id == sa.select(Loan.id).where(Loan.reference == reference).scalar_subquery()
    assert city.ask(sa.select(Problem.closed_at).where(of_the_loan, Problem.state == ProblemState.SETTLED)) > settled
    from_the_inbox(owner, "Settled: {item}", title)
    assert like("Of the deposit, {kept} is kept and {returned} returned").search(
        owner.page.locator("main").inner_text()
    )
