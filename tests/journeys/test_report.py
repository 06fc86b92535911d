"""Something is reported, hidden, appealed against and shown again, in both languages, with and without scripts."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.moderation.models import Case, CaseState, Decision
from marketplace.civic.moderation.policy import UNDO
from marketplace.kernel import clock
from marketplace.kernel.jobs import Job

SAID = "자전거를 싸게 팝니다"
WHY = "선물로 드리는 것입니다."


def ten_minutes_pass(city):
    """The decision can no longer be undone: its job is due."""
    city.change(sa.update(Decision).values(at=clock.now() - UNDO))
    city.change(sa.update(Job).where(Job.name == "moderation.settle").values(run_at=clock.now() - timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("language", "scripts", "width"), [("en", True, 1280), ("ko", False, 320)], ids=["en", "ko-no-scripts-320"]
)
def test_a_report_is_decided_appealed_and_overturned(visitor, city, language, scripts, width):
    def come():
        return visitor(language, scripts=scripts, width=width)

    city.typed += [SAID, WHY]
    author, reporter, moderator, other = come(), come(), come(), come()

    author.sign_in("resident")
    author.go("/groups/new")
    author.field("Name").fill(SAID)
    author.page.locator("input[name=sort]").first.check()
    author.press("Found the group")
    reporter.sign_in("newcomer")
    reporter.go(author.page.url)
    reporter.follow("Report this")
    reporter.page.get_by_role("radio", name=reporter.word("Spam or advertising"), exact=True).check()
    reporter.press("Send the report")
    reporter.reads("Thank you for telling us")

    moderator.sign_in("moderator")
    moderator.go("/moderation/")
    assert SAID in moderator.page.locator("main").inner_text()
    moderator.click(moderator.page.locator(".row__title a", has_text=SAID))
    moderator.press("Take this case")
    moderator.page.get_by_role("radio", name=moderator.word("Hide it"), exact=True).check()
    moderator.page.get_by_role("radio", name=moderator.word("Spam or advertising"), exact=True).check()
    moderator.press("Decide")
    moderator.reads("Decided. You can undo it for ten minutes; then people are told.")

    ten_minutes_pass(city)
    author.open_letter("A decision about what you wrote: {title}")
    author.click(author.page.locator(".letter a").first)
    author.reads("It is hidden. If you put it right, say so in an appeal, and it can be shown again.")
    author.field("Why should it be decided otherwise?").fill(WHY)
    author.press("Send the appeal")
    author.reads("Your appeal is sent. Another moderator looks at it within three days.")

    # whoever decided is not asked again; as nobody else moderates here, an administrator is
    moderator.go(author.page.url.replace("decisions", "cases"))
    moderator.reads("Someone else decides: nobody judges what they wrote, reported or decided themselves.")
    other.sign_in("admin")
    other.go(author.page.url.replace("decisions", "cases"))
    other.press("Take this case")
    other.page.get_by_role("radio", name=other.word("The decision is taken back"), exact=True).check()
    other.field("Reason").fill("선물은 광고가 아닙니다.")
    other.press("Send the answer")

    author.open_letter("Your appeal is answered: {title}")
    author.click(author.page.locator(".letter a").first)
    author.reads("The decision is taken back")
    assert city.ask(sa.select(Case.state).order_by(Case.id.desc())) is CaseState.OVERTURNED
