"""What is removed stays out of sight until its author can no longer appeal, and is deleted then."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.conversations.models import Message
from marketplace.civic.moderation import errors, policy
from marketplace.civic.moderation.models import Act, Answer
from marketplace.civic.moderation.service import appeals, decisions
from marketplace.civic.uploads.models import Upload
from marketplace.kernel import clock, db, jobs, storage
from tests import factories
from tests.civic.moderation.conftest import anew, decided, report
from tests.factories import march, person, sign_in


def test_what_is_removed_is_deleted_once_no_appeal_is_possible_and_not_before(settled, board, monday):
    case = settled(Act.REMOVE)
    monday(case.settled_at + policy.APPEAL - timedelta(seconds=1))
    decisions.wipe()
    assert board.notes[1].text == "Buy cheap pills"

    monday(case.settled_at + policy.APPEAL)
    decisions.wipe()

    assert board.notes[1].text == ""
    board.notes[1].text = "Something new"
    decisions.wipe()
    assert board.notes[1].text == "Something new", "once"


def test_an_appeal_keeps_it_until_it_is_answered(settled, board, author, second, monday):
    for answer, left in ((Answer.OVERTURNED, "Buy cheap pills"), (Answer.UPHELD, "")):
        case = settled(Act.REMOVE)
        appeals.appeal(author, case, "It is a poem about pills.")
        monday(clock.now() + policy.APPEAL)
        decisions.wipe()
        assert board.notes[len(board.notes)].text == "Buy cheap pills"
        appeals.answer(second, anew(case), answer, "We have read it again.")
        decisions.wipe()
        assert board.notes[len(board.notes)].text == left


@pytest.mark.parametrize("act", [Act.HIDE, Act.SUSPEND, Act.WARN])
def test_nothing_else_is_ever_deleted(settled, board, monday, act):
    case = settled(act, 30 if act is Act.SUSPEND else None)
    monday(case.settled_at + policy.APPEAL)
    decisions.wipe()
    assert board.notes[1].text == "Buy cheap pills"


def test_an_undone_removal_deletes_nothing(board, author, moderator, monday):
    case = report(board.pin(author)).case
    decided(case, moderator, Act.REMOVE)
    decisions.undo(moderator, anew(case))
    monday(clock.now() + 2 * policy.APPEAL)
    decisions.wipe()
    assert board.notes[1].text == "Buy cheap pills"


def removed(subject, moderator, by):
    """Someone's report upheld by a removal that nobody can appeal any more, with its job done."""
    case = factories.report(subject, by).case
    decisions.settle(decided(case, moderator, Act.REMOVE).id)
    db.session.execute(sa.update(type(case)).values(settled_at=clock.now() - policy.APPEAL))
    decisions.wipe()
    jobs.run_pending()


def kept():
    return {name for name, _written in storage.store().written("uploads/")}


def test_of_a_message_the_words_and_the_files_in_the_storage_go(moderator, browser):
    library = factories.building()
    manager, emily = person(roles=[(Role.MANAGER, library)]), person("Emily")
    asked = factories.booking(factories.space(building=library, by_request=True), march(3, 10, 11), by=emily)
    message = factories.said(emily, f"booking:{asked.id}", "Buy cheap pills")
    picture = factories.upload(emily, subject=message.name)
    files, message_id = {picture.stored(part) for part in picture.shown_as}, message.id
    assert files <= kept()

    removed(message.name, moderator, manager)

    left = db.session.get_one(Message, message_id)
    assert (left.text, left.hidden) == ("", True)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Upload)) == 0
    assert not files & kept()
    page = f"/conversations/{left.conversation_id}"
    assert "This message was deleted." in sign_in(browser, emily).get(page).text


def test_of_a_group_what_it_says_of_itself_goes(moderator):
    group = factories.group("Riverside Pills", about="Buy cheap pills")
    removed(f"group:{group.id}", moderator, person())
    assert (group.about, group.name) == ("", "Riverside Pills")


def test_a_room_can_only_be_hidden(moderator, browser):
    case = factories.report(f"space:{factories.space().id}", person()).case
    with pytest.raises(errors.OnlyHidden):
        decided(case, moderator, Act.REMOVE)
    decisions.claim(moderator, case)
    page = sign_in(browser, moderator).get(f"/moderation/cases/{case.reference}").text
    assert 'value="hide"' in page
    assert 'value="remove"' not in page
