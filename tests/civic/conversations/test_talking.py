"""Two sides of a thing write to each other, and nobody else does."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.errors import NotConfirmed
from marketplace.civic.accounts.models import Person
from marketplace.civic.conversations import errors, policy, queries, service, tasks
from marketplace.civic.conversations.models import Block, Conversation, Message, Seat, Side
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db, hooks, jobs
from marketplace.kernel.errors import NotFound
from tests.factories import person, said

PHONE = "Call me: 010-1234-5678"


def told(who):
    """What someone finds in their inbox."""
    jobs.run_pending()
    return list(db.session.scalars(sa.select(Notice.title).where(Notice.person_id == who.id).order_by(Notice.id)))


def messages_about(it):
    """All that was written about a thing."""
    conversation = queries.by_subject(it.subject)
    assert conversation is not None
    return queries.newest(conversation).messages


def unread(who):
    rows = queries.listed(who, queries.of_person(who))
    return [one.unread for one in rows]


def test_the_first_message_begins_the_conversation_and_the_next_one_goes_on(stone):
    jiwoo, minseo = person("Jiwoo"), person("Minseo")
    it = stone(jiwoo, minseo)

    first, answer = said(jiwoo, it.subject, "Is it heavy?"), said(minseo, it.subject, "Not very.")

    assert first.conversation_id == answer.conversation_id
    assert [one.text for one in messages_about(it)] == [
        "Is it heavy?",
        "Not very.",
    ]
    assert [one.side.value for one in (first, answer)] == ["one", "other"]


def test_a_subject_has_one_conversation_in_the_database(stone):
    jiwoo = person()
    said(jiwoo, stone(jiwoo, person()).subject)

    with pytest.raises(sa.exc.IntegrityError, match=r"uq_conversations_subject|conversations\.subject"):
        db.session.execute(sa.insert(Conversation).values(subject="stone:1", last_id=0, last_at=clock.now()))


def test_whoever_is_on_no_side_cannot_begin_read_or_write(stone):
    jiwoo, stranger = person(), person()
    it = stone(jiwoo, person())
    conversation = said(jiwoo, it.subject).conversation_id

    with pytest.raises(NotFound):
        service.about(stranger, it.subject)
    with pytest.raises(NotFound):
        service.say(stranger, db.session.get_one(Conversation, conversation), "Me too!")
    assert not policy.may_read(stranger, it.sides)


def test_nobody_talks_about_what_is_not_there_or_has_no_sides():
    for subject in ("stone:1", f"account:{person().id}", "message:1", "nonsense"):
        with pytest.raises(NotFound):
            service.about(person(), subject)


def test_whoever_is_on_both_sides_speaks_for_themselves(stone):
    both, colleague = person(), person()
    it = stone(both, [both, colleague], other_for="Library")

    assert said(both, it.subject).side.value == "one"
    assert policy.across(Side.ONE, it.sides) == {colleague.id}


@pytest.mark.parametrize(("change", "refusal"), [({"open": False}, errors.Over), ({"other": []}, errors.NobodyThere)])
def test_nobody_writes_once_it_is_over_or_where_nobody_is(stone, change, refusal):
    jiwoo = person()
    it = stone(jiwoo, person())
    said(jiwoo, it.subject)
    vars(it).update(change)

    with pytest.raises(refusal):
        said(jiwoo, it.subject)


def test_whoever_has_not_confirmed_their_address_does_not_write(stone):
    newcomer = person(confirmed=False)

    with pytest.raises(NotConfirmed):
        said(newcomer, stone(newcomer, person()).subject)


def test_a_message_says_something(stone):
    jiwoo = person()

    with pytest.raises(errors.NothingWritten):
        said(jiwoo, stone(jiwoo, person()).subject, "")


# --- contacts ---


def test_before_agreement_a_message_with_a_number_goes_only_if_its_writer_is_sure(stone):
    jiwoo = person()
    it = stone(jiwoo, person())

    with pytest.raises(errors.HoldsContacts) as warned:
        said(jiwoo, it.subject, f"{PHONE} or 신한 110-123-456789")

    assert "a telephone number and a bank account number" in str(warned.value.sentence)
    assert said(jiwoo, it.subject, PHONE, sure=True).flags == ["phone"]


def test_after_agreement_nothing_is_flagged(stone):
    jiwoo = person()
    it = stone(jiwoo, person(), agreed=True)

    assert said(jiwoo, it.subject, PHONE).flags == []


# --- being told ---


def test_of_several_messages_one_notice_comes_and_none_to_the_writer(stone, monday):
    jiwoo, minseo = person("Jiwoo"), person("Minseo")
    it = stone(jiwoo, minseo)
    for text in ("One", "Two", "Three"):
        said(jiwoo, it.subject, text)
    assert told(minseo) == []

    monday(clock.now() + service.PATIENCE)
    assert told(minseo) == ["Jiwoo wrote to you. Messages about Stone 1"]
    said(jiwoo, it.subject, "Four")
    monday(clock.now() + timedelta(hours=1))
    assert len(told(minseo)) == 1
    assert told(jiwoo) == []


def test_whoever_is_reading_along_is_not_told_and_after_reading_is_told_anew(stone, monday):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    first = said(jiwoo, it.subject)
    service.read(minseo.id, first.conversation_id, first.id)
    monday(clock.now() + service.PATIENCE)
    assert told(minseo) == []

    said(jiwoo, it.subject)
    monday(clock.now() + service.PATIENCE)
    assert len(told(minseo)) == 1


def test_a_message_read_and_followed_by_another_within_the_wait_is_told_once(stone, monday):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    first = said(jiwoo, it.subject)
    service.read(minseo.id, first.conversation_id, first.id)
    said(jiwoo, it.subject)
    monday(clock.now() + service.PATIENCE)

    assert len(told(minseo)) == 1


def test_a_building_is_told_as_a_whole_but_colleagues_are_not_told_of_each_other(stone, monday):
    jiwoo, manager, colleague = person(), person(), person()
    it = stone(jiwoo, [manager, colleague], other_for="Library")
    said(jiwoo, it.subject)
    monday(clock.now() + service.PATIENCE)
    assert [len(told(one)) for one in (manager, colleague)] == [1, 1]

    said(manager, it.subject, "Yes?")
    monday(clock.now() + service.PATIENCE)
    assert [len(told(one)) for one in (jiwoo, manager, colleague)] == [1, 1, 1]


def test_what_is_unread_is_marked_until_it_is_read(stone):
    jiwoo, minseo = person(), person()
    message = said(jiwoo, stone(jiwoo, minseo).subject)
    assert (unread(jiwoo), unread(minseo)) == ([False], [True])

    service.read(minseo.id, message.conversation_id, message.id)

    assert unread(minseo) == [False]


def test_reading_is_remembered_as_far_as_one_has_come(stone):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    first, second = said(jiwoo, it.subject), said(jiwoo, it.subject)

    service.read(minseo.id, first.conversation_id, second.id)
    service.read(minseo.id, first.conversation_id, first.id)

    assert unread(minseo) == [False]


# --- taking back ---


def test_one_takes_back_one_s_own_message_for_ten_minutes(stone, monday):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    early, late = said(jiwoo, it.subject, "Early"), said(jiwoo, it.subject, "Late")

    with pytest.raises(errors.NoLongerDeleted):
        service.delete(minseo, queries.message(early.id).message)
    service.delete(jiwoo, queries.message(early.id).message)
    monday(clock.now() + policy.REGRET + timedelta(seconds=1))
    with pytest.raises(errors.NoLongerDeleted):
        service.delete(jiwoo, queries.message(late.id).message)

    assert [(one.text, one.deleted_at is not None) for one in queries.newest(early.conversation).messages] == [
        ("", True),
        ("Late", False),
    ]


def test_a_deleted_message_keeps_no_words_even_by_hand(stone):
    jiwoo = person()
    message = said(jiwoo, stone(jiwoo, person()).subject)

    with pytest.raises(sa.exc.IntegrityError, match="deleted_is_gone"):
        db.session.execute(sa.update(Message).where(Message.id == message.id).values(deleted_at=clock.now()))


def test_what_is_reported_stays_to_be_judged(stone, monkeypatch):
    jiwoo = person()
    message = said(jiwoo, stone(jiwoo, person()).subject)
    monkeypatch.setattr(hooks, "reported", hooks.Hook())
    hooks.reported.register(lambda subject: subject == message.name or None)

    with pytest.raises(errors.NoLongerDeleted):
        service.delete(jiwoo, queries.message(message.id).message)


# --- those who come and go ---


def test_whoever_joins_a_side_has_the_conversation_and_whoever_leaves_has_it_no_more(stone):
    jiwoo, leaving, joining = person(), person(), person()
    it = stone(jiwoo, leaving, other_for="Library")
    said(jiwoo, it.subject)
    it.other = [joining]
    for one in (leaving, joining):
        hooks.sides_changed.ask(one.id)
    jobs.run_pending()

    assert queries.listed(leaving, queries.of_person(leaving)) == []
    assert unread(joining) == [False]
    assert set(db.session.scalars(sa.select(Seat.person_id))) == {jiwoo.id, joining.id}


def test_however_many_conversations_there_are_each_is_looked_through(stone, monkeypatch):
    monkeypatch.setattr(service, "AT_ONCE", 2)
    manager = person()
    them = [person() for _ in range(5)]
    for one in them:
        it = stone(one, person(), other_for="Library")
        said(one, it.subject)
        it.other = [*it.other, manager]
    hooks.sides_changed.ask(manager.id)
    jobs.run_pending()

    assert db.count(queries.of_person(manager)) == 5


# --- one's data ---


def test_a_copy_of_one_s_data_holds_what_one_wrote_and_was_written(stone):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    said(jiwoo, it.subject, "From Jiwoo")
    said(minseo, it.subject, "From Minseo")
    service.block(jiwoo, it.sides)

    data = {one.name: list(one.rows) for one in tasks.personal_data(jiwoo)}

    assert [row["text"] for row in data["messages-written"]] == ["From Jiwoo"]
    assert [row["text"] for row in data["messages-received"]] == ["From Minseo"]
    assert [row["name"] for row in data["people-blocked"]] == [minseo.name]


def test_what_is_written_to_a_building_is_not_its_manager_s_own(stone):
    jiwoo, manager = person(), person()
    said(jiwoo, stone(jiwoo, manager, other_for="Library").subject, "Private")

    data = {one.name: list(one.rows) for one in tasks.personal_data(manager)}

    assert data["messages-received"] == []


def test_of_someone_erased_no_word_stays_but_that_something_was_written(stone):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    said(jiwoo, it.subject, "My secret")
    said(minseo, it.subject, "My own")
    service.block(minseo, it.sides)
    service.erase(jiwoo)

    messages = messages_about(it)
    assert [(one.text, one.deleted_at is None) for one in messages] == [("", False), ("My own", True)]
    assert set(db.session.scalars(sa.select(Seat.person_id))) == {minseo.id}
    assert not db.session.scalars(sa.select(Block)).all()


def test_a_year_after_its_last_message_a_conversation_is_forgotten(stone, monday):
    jiwoo = person()
    old, kept = stone(jiwoo, person()), stone(jiwoo, person())
    said(jiwoo, old.subject)
    monday(clock.now() + timedelta(days=1))
    said(jiwoo, kept.subject)
    monday(clock.now() + policy.KEPT - timedelta(hours=1))

    assert service.forget() == 1
    assert list(db.session.scalars(sa.select(Conversation.subject))) == [kept.subject]
    assert db.session.scalar(sa.select(sa.func.count(Message.id))) == 1
    assert db.session.scalar(sa.select(sa.func.count(Person.id))) == 3
