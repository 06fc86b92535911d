"""A host and a student say yes, meet, agree, sign, try it, need help, and part; another student says no."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.kernel import clock
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus, Side
from marketplace.sharing.homeshare.models.checkins import CheckIn
from marketplace.sharing.homeshare.models.matches import Match, Meeting
from tests.factories import HOST_ANSWERS, STUDENT_ANSWERS
from tests.journeys.test_lending import BOTH
from tests.sharing.homeshare.living import CARD

WORDS = {"en": "It is loud at night.", "ko": "밤에 시끄럽습니다."}
REPLY = {"en": "We talk on Friday at ten.", "ko": "금요일 열 시에 이야기해요."}


def apply_for(city, who: str, side: Side) -> int:
    """An application of somebody of the demo city who takes part; any earlier one has ended."""
    person_id = city.ask(sa.select(Person.id).where(Person.email == f"{who}@{DOMAIN}"))
    now = clock.now()
    ended = {"state": ApplicationState.CLOSED, "closed_at": now}
    city.change(sa.update(Application).where(Application.person_id == person_id).values(**ended))
    answers = HOST_ANSWERS if side is Side.HOST else STUDENT_ANSWERS
    campus_id = city.ask(sa.select(sa.func.min(Campus.id))) if side is Side.STUDENT else None
    made = {"side": side, "person_id": person_id, "answers": answers, "campus_id": campus_id}
    city.change(sa.insert(Application).values(**made, state=ApplicationState.OPEN, sent_at=now, waiting_since=now))
    return city.ask(sa.select(sa.func.max(Application.id)))


def propose(city) -> str:
    """The number of a match of two who take part."""
    student_id, home_id = apply_for(city, "newcomer", Side.STUDENT), apply_for(city, "resident", Side.HOST)
    reasons = {"card": CARD, "answer_by": clock.now() + timedelta(days=5)}
    city.change(sa.insert(Match).values(student_id=student_id, home_id=home_id, **reasons))
    return city.ask(sa.select(Match.reference).order_by(Match.id.desc()).limit(1))


def signed_in(visitor, who, language, scripts, width):
    made = visitor(language, scripts=scripts, width=width)
    made.sign_in(who)
    return made


@BOTH
def test_two_say_yes_try_it_and_part(visitor, city, language, scripts, width):
    who = city.ask(sa.select(Person.id).where(Person.email == f"staff@{DOMAIN}"))
    if not city.ask(sa.select(RoleGrant.id).where(RoleGrant.person_id == who, RoleGrant.role == Role.COORDINATOR)):
        city.change(sa.insert(RoleGrant).values(person_id=who, role=Role.COORDINATOR))
    reference = propose(city)
    city.typed += [WORDS[language], REPLY[language], "Riverside House", "Riverside University"]
    own, staff_page = f"/homeshare/matches/{reference}", f"/homeshare/staff/matches/{reference}"
    host, student, staff = (
        signed_in(visitor, who, language, scripts, width) for who in ("resident", "newcomer", "staff")
    )

    for side in (host, student):
        side.go(own)
        side.reads("Why you were proposed")
        side.page.locator('input[name="said"][value="yes"]').check()
        side.press("Send the answer")
    student.go(own)
    student.reads("Both of you said yes. A coordinator agrees with you on when and where you meet.")

    staff.go(staff_page)
    tomorrow = clock.today() + timedelta(days=1)
    staff.page.locator('input[name="day"]').fill(tomorrow.isoformat())
    staff.page.locator('input[name="at"]').fill("10:00")
    staff.page.locator('input[name="place"]').fill("Riverside House")
    staff.press("Set the meeting")
    city.change(sa.update(Meeting).values(starts_at=clock.now() - timedelta(hours=1)))
    staff.press("They met and go on")
    staff.follow("Read and change the agreement")
    staff.page.locator('input[name="moves_in_on"]').fill(clock.today().isoformat())
    staff.press("Make a new edition")

    for side in (host, student):
        side.go(f"{own}/agreement")
        assert side.fetch(f"{own}/agreement.pdf").body().startswith(b"%PDF")
        side.page.locator('input[name="agreed"]').check()
        side.press("Sign")
    host.go(own)
    host.reads("If something is wrong")
    newest = sa.select(sa.func.max(CheckIn.match_id)).scalar_subquery()
    first = sa.select(sa.func.min(CheckIn.id)).where(CheckIn.side == Side.HOST, CheckIn.match_id == newest)
    city.change(sa.update(CheckIn).where(CheckIn.id == first.scalar_subquery()).values(due_on=clock.today()))

    host.go(f"{own}/check-in")
    for name, value in {"going": "bad", "hours_kept": "yes", "safe": "yes", "talk": "yes"}.items():
        host.page.locator(f'input[name="{name}"][value="{value}"]').check()
    host.page.locator('textarea[name="words"]').fill(WORDS[language])
    host.press("Send")
    host.go(f"{own}/help")
    host.press("Ask for it")

    staff.go("/homeshare/staff/matches")
    staff.go(staff_page)
    for _matter in range(2):
        form = staff.page.locator("form[action*='/matters/']").first
        form.locator('input[value="agreed"]').check()
        form.locator('textarea[name="reply"]').fill(REPLY[language])
        staff.click(form.locator("button"))
    student.go(own)
    assert REPLY[language] in student.page.content()
    assert WORDS[language] not in student.page.content()

    student.go(f"{own}/end")
    student.page.locator('input[name="reason"][value="moves"]').check()
    student.press("Give notice")
    assert city.ask(sa.select(Match.ends_on).where(Match.reference == reference)) is not None


def test_a_no_is_read_as_nothing_but_that_it_did_not_come_about(visitor, city):
    reference = propose(city)
    student, host = (signed_in(visitor, who, "en", True, 1280) for who in ("newcomer", "resident"))
    city.typed += ["Riverside University"]
    student.go(f"/homeshare/matches/{reference}")
    student.page.locator('input[name="said"][value="no"]').check()
    student.page.locator('input[name="reason"][value="too_far"]').check()
    student.press("Send the answer")

    host.go(f"/homeshare/matches/{reference}")
    host.reads("It did not come about. It is nobody's fault.")
