import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.conversations.models import Conversation, Message, Seat
from marketplace.civic.groups import policy as group_policy
from marketplace.civic.groups import queries as groups
from marketplace.civic.groups.models import Group, GroupMember, GroupRequest, Role
from marketplace.civic.moderation import policy as moderation
from marketplace.civic.moderation.models import Case, CaseState
from marketplace.civic.moderation.queries import cases
from marketplace.civic.notifications.models import Notice, path_of
from marketplace.kernel import clock, db, hooks, things
from marketplace.portal.demo import queries


def test_groups_have_one_contact_and_members_who_came_after_the_founding(city):
    found = list(db.session.scalars(groups.whole(sa.select(Group))))
    assert len(found) == city["groups"]
    for group in found:
        members = list(db.session.scalars(groups.members_of(group)))
        assert len(members) >= 4
        assert [one.person_id for one in members if one.role is Role.CONTACT] == [group.founded_by_id]
        for one in members:
            assert group.founded_at <= one.joined_at < clock.now()
            assert one.person.created_at <= one.joined_at
    assert {group.is_verified for group in found} == {True, False}
    assert all(group.verified_by_id not in {one.person_id for one in group.officers} for group in found)
    for group in found:
        named = db.session.scalars(groups.found(group.name)).unique()
        assert (group in set(named)) == (group.is_open and not group.hidden)


def test_staff_find_groups_to_verify_and_the_resident_wishes_to_answer(shown):
    staff, resident, newcomer = shown("staff"), shown("resident"), shown("newcomer")
    waiting = list(db.session.scalars(groups.to_verify()))
    assert waiting
    assert all(group_policy.may_verify(staff, group, groups.member(group, staff)) for group in waiting)
    (own,) = groups.acting_for(resident)
    asked = sa.select(GroupRequest.person_id).where(GroupRequest.group_id == own.id, GroupRequest.answered_at.is_(None))
    assert own.is_verified
    assert newcomer.id in set(db.session.scalars(asked))
    double = sa.select(GroupMember.person_id).join(
        GroupRequest,
        sa.and_(GroupRequest.group_id == GroupMember.group_id, GroupRequest.person_id == GroupMember.person_id),
    )
    assert list(db.session.scalars(double)) == []


def test_only_the_two_sides_of_a_booking_wrote_to_each_other_and_after_it_was_made(city):
    talks = list(db.session.scalars(sa.select(Conversation)))
    assert len(talks) == city["conversations"] >= 10
    about = things.find_all(talk.subject for talk in talks)
    for talk in talks:
        booking, sides = about[talk.subject].record, about[talk.subject].sides
        said = list(
            db.session.scalars(sa.select(Message).where(Message.conversation_id == talk.id).order_by(Message.id))
        )
        moments = [booking.created_at, *(one.written_at for one in said)]
        assert moments == sorted(moments)
        assert moments[-1] < clock.now()
        assert (talk.last_id, talk.last_at) == (said[-1].id, said[-1].written_at)
        assert sides
        assert {one.author_id for one in said} <= sides.people
        seats = db.session.scalars(sa.select(Seat).where(Seat.conversation_id == talk.id))
        assert {seat.person_id for seat in seats} == sides.people


def test_every_account_shown_has_news_that_lead_somewhere(app, shown):
    with app.test_request_context():
        for sign_in in queries.SIGN_INS:
            person = shown(sign_in.who)
            told = list(db.session.scalars(sa.select(Notice).where(Notice.person_id == person.id)))
            found = things.find_all(notice.subject for notice in told)
            assert told or hooks.waits_at_desk.ask(person), sign_in.who  # coordinators find what waits at the desk
            for notice in told:
                assert notice.title
                assert notice.topic
                assert path_of(notice, found[notice.subject])
                assert found[notice.subject].seen_by(person)
                assert notice.created_at < clock.now()


def test_moderators_have_reports_to_decide_and_another_has_an_appeal_to_answer(city, shown):
    moderator, admin = shown("moderator"), shown("admin")
    read = joinedload(Case.decision), joinedload(Case.reports)
    found = list(db.session.scalars(sa.select(Case).options(*read)).unique())
    waiting = [case for case in found if case.state is CaseState.OPEN]
    assert 2 <= len(waiting) == city["reports"] <= 5
    for case in waiting:
        thing = things.find(case.subject)
        assert thing
        assert case.said == thing.text
        assert thing.author_id == case.author_id
        assert moderation.may_decide(moderator, case)
        assert case.due_at > clock.now()
    (appealed,) = [case for case in found if case.state is CaseState.APPEALED]
    hidden = things.find(appealed.subject)
    assert hidden
    assert hidden.record.hidden
    assert cases.is_hidden(appealed.subject)
    assert moderation.is_party(shown("resident"), appealed)
    assert not moderation.may_answer(moderator, appealed, cases.moderator_ids())
    assert moderation.may_answer(admin, appealed, cases.moderator_ids())
