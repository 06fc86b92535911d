"""Founding, changing, joining, leaving and closing groups, and what nobody may do."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.errors import NotConfirmed, Suspended
from marketplace.civic.groups import errors, policy, queries
from marketplace.civic.groups.models import Group, GroupInvitation, GroupMember, Role, Sort
from marketplace.civic.groups.service import groups, joining, leaving, verifying
from marketplace.kernel import clock, db, hooks, things
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.occupancy import Expired
from tests import factories
from tests.conftest import MONDAY
from tests.factories import group, officer, person
from tests.kernel.test_occupancy_race import disconnect, race


def roles(of: Group) -> dict[int, Role]:
    db.session.expire_all()
    rows = db.session.scalars(sa.select(GroupMember).where(GroupMember.group_id == of.id))
    return {one.person_id: one.role for one in rows}


# --- founding ---


def test_who_founds_a_group_speaks_for_it_and_it_is_found_by_its_words():
    jiwoo = person()
    made = groups.found(jiwoo, "강변 독서 모임", Sort.CLUB, name_en="Riverside Readers", about="Novels, on Mondays.")

    assert roles(made) == {jiwoo.id: Role.CONTACT}
    for words in ("독서", "riverside", "novels"):
        assert [one.id for one in db.session.scalars(queries.found(words))] == [made.id]
    assert list(db.session.scalars(queries.found("chess"))) == []


def test_an_address_nobody_confirmed_founds_nothing():
    with pytest.raises(NotConfirmed):
        groups.found(person(confirmed=False), "Club", Sort.CLUB)


def test_one_person_founds_a_few_groups_a_year_and_closing_them_does_not_help(monday):
    jiwoo = person()
    for number in range(groups.MOST_FOUNDED):
        groups.close(jiwoo, groups.found(jiwoo, f"Club {number}", Sort.CLUB))
    with pytest.raises(errors.FoundedMany):
        groups.found(jiwoo, "One more", Sort.CLUB)

    monday(MONDAY + policy.YEAR + timedelta(days=1))
    assert groups.found(jiwoo, "One more", Sort.CLUB).id


def test_the_second_editor_sees_what_the_first_saved():
    club = group()
    founder, second = person_of(club), officer(club)
    version = club.version
    groups.change(founder, club, "Readers", Sort.CLUB, version=version)
    with pytest.raises(errors.ChangedMeanwhile):
        groups.change(second, queries.get_group(club.id), "Bookworms", Sort.CLUB, version=version)


def person_of(club: Group):
    assert club.contact
    return people.person(club.contact.person_id)


# --- offices ---


def test_a_group_has_one_contact_and_handing_over_moves_the_office():
    club = group(members=[other := person()])
    founder = person_of(club)
    groups.make_contact(founder, club, other.id)

    assert roles(club) == {founder.id: Role.OFFICER, other.id: Role.CONTACT}


def test_the_database_knows_no_second_contact():
    db.session.add(GroupMember(group_id=group().id, person_id=person().id, role=Role.CONTACT))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()


def test_an_officer_takes_over_from_a_contact_out_of_reach_and_a_member_does_not():
    club = group(members=[member := person()])
    second = officer(club)
    groups.make_contact(second, club, second.id)
    assert roles(club)[second.id] is Role.CONTACT

    with pytest.raises(Forbidden):
        groups.make_contact(member, queries.get_group(club.id), member.id)


def test_only_the_contact_makes_and_unmakes_other_officers():
    club = group(members=[member := person()])
    founder, second = person_of(club), officer(club)
    with pytest.raises(Forbidden):
        groups.make_officer(second, club, member.id)
    groups.make_officer(founder, club, member.id)
    groups.make_member(founder, queries.get_group(club.id), second.id)
    assert roles(club) == {founder.id: Role.CONTACT, member.id: Role.OFFICER, second.id: Role.MEMBER}


def test_a_group_has_few_officers(monkeypatch):
    monkeypatch.setattr(groups, "MOST_OFFICERS", 2)
    club = group(members=[member := person()])
    officer(club)
    club = queries.get_group(club.id)
    with pytest.raises(errors.TooManyOfficers):
        groups.make_officer(person_of(club), club, member.id)
    with pytest.raises(errors.TooManyOfficers):
        groups.make_contact(person_of(club), club, member.id)


def test_the_contact_leaves_only_after_handing_over():
    club = group(members=[member := person()])
    founder = person_of(club)
    with pytest.raises(errors.NobodyLeft):
        groups.leave(founder, club)
    groups.make_contact(founder, club, member.id)
    groups.leave(founder, club)
    assert roles(club) == {member.id: Role.CONTACT}


def test_officers_remove_members_who_are_told_but_no_officer(letters):
    club = group(members=[member := person(email="member@example.org")])
    second = officer(club)
    club = queries.get_group(club.id)
    with pytest.raises(Forbidden):
        groups.remove(person_of(club), club, second.id)
    with pytest.raises(Forbidden):
        groups.remove(member, club, second.id)
    groups.remove(second, club, member.id)
    assert member.id not in roles(club)
    assert any("To: member@example.org" in letter and "no longer a member" in letter for letter in letters())


def test_a_closed_group_is_found_no_more_and_takes_nobody():
    club = group()
    founder = person_of(club)
    invitation = joining.invite(founder, club, "someone@example.org")
    link = queries.link_of(invitation)
    groups.close(founder, club)

    assert list(db.session.scalars(queries.found())) == []
    for late in (
        lambda: joining.ask(person(), club, ""),
        lambda: joining.invite(founder, club, "x@example.org"),
        lambda: groups.close(founder, club),
    ):
        with pytest.raises(errors.IsClosed):
            late()
    with pytest.raises(errors.InvitationOver):
        joining.accept(person(), link)
    assert not policy.may_act_for(founder, club)


# --- joining ---


def test_an_invitation_lets_in_once_within_its_days(monday):
    club = group()
    founder = person_of(club)
    link = queries.link_of(joining.invite(founder, club, "New@Example.org "))
    joining.accept(newcomer := person(), link)
    assert roles(club)[newcomer.id] is Role.MEMBER
    with pytest.raises(errors.InvitationOver):
        joining.accept(person(), link)

    late = queries.link_of(joining.invite(founder, club, "late@example.org"))
    monday(MONDAY + policy.INVITATION_LASTS)
    with pytest.raises(errors.InvitationOver):
        joining.accept(person(), late)


def test_an_address_invited_again_has_one_link_that_works():
    club = group()
    first, second = (queries.link_of(joining.invite(person_of(club), club, "a@example.org")) for _ in range(2))
    with pytest.raises(errors.InvitationOver):
        queries.by_link(first)
    assert queries.by_link(second).email == "a@example.org"


@pytest.mark.parametrize("link", ["", "1", "1-", "x-y", "999999999999-a", "-1-a", "1-\u0661"])
def test_a_made_up_link_is_answered_like_one_that_is_over(link):
    joining.invite(person_of(club := group()), club, "a@example.org")
    with pytest.raises(errors.InvitationOver):
        queries.by_link(link)


def test_a_member_uses_up_no_invitation_of_the_group():
    club = group()
    link = queries.link_of(joining.invite(person_of(club), club, "a@example.org"))
    with pytest.raises(errors.IsMember), db.session.begin_nested():
        joining.accept(person_of(club), link)
    assert queries.by_link(link)


def test_a_group_has_few_invitations_open(monkeypatch):
    monkeypatch.setattr(joining, "MOST_INVITED", 1)
    club = group()
    joining.invite(person_of(club), club, "a@example.org")
    with pytest.raises(errors.InvitedMany):
        joining.invite(person_of(club), club, "b@example.org")


def test_an_invitation_goes_to_the_address_whether_or_not_it_has_an_account(letters):
    person(email="known@example.org", language="ko")
    club = group()
    for address in ("known@example.org", "unknown@example.org"):
        joining.invite(person_of(club), club, address)
    written = letters()
    assert [next(a for a in ("known@", "unknown@") if f"To: {a}" in letter) for letter in written] == [
        "known@", "unknown@",
    ]  # fmt: skip
    assert all("/groups/join/" in letter.replace("=\n", "") or "base64" in letter for letter in written)


def test_a_wish_is_answered_once_with_a_reason_the_person_reads(letters):
    club = group()
    second = officer(club)
    club = queries.get_group(club.id)
    newcomer = person(email="newcomer@example.org")
    wish = joining.ask(newcomer, club, "I like novels.")
    with pytest.raises(errors.AskedAlready):
        joining.ask(newcomer, club, "Please.")
    request = queries.get_request(wish.id)
    with pytest.raises(Forbidden):
        joining.answer(newcomer, request, accepted=True)
    with pytest.raises(errors.ReasonMissing):
        joining.answer(second, request, accepted=False, reason=" ")
    joining.answer(second, request, accepted=False, reason="We are full.")
    with pytest.raises(errors.AnsweredAlready):
        joining.answer(person_of(club), request, accepted=True)

    assert newcomer.id not in roles(club)
    assert any("To: newcomer@example.org" in letter and "We are full." in letter for letter in letters())
    assert joining.ask(newcomer, queries.get_group(club.id), "Is there room now?").id != wish.id


def test_the_database_keeps_a_second_wish_out():
    club, newcomer = group(), person()
    joining.ask(newcomer, club, "")
    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(
            sa.text(
                "INSERT INTO group_requests (group_id, person_id, message, made_at, reason)"
                " SELECT group_id, person_id, '', made_at, '' FROM group_requests"
            )
        )


def test_who_joins_by_invitation_has_no_wish_left():
    club, newcomer = group(), person()
    wish = joining.ask(newcomer, club, "")
    joining.accept(newcomer, queries.link_of(joining.invite(person_of(club), club, newcomer.email)))
    db.session.expire_all()
    assert queries.get_request(wish.id).accepted is True


def test_a_suspended_officer_changes_no_words_writes_no_letters_and_answers_nobody():
    club, minseo = group(about="Novels."), person("Minseo Kim")
    wish = joining.ask(minseo, club, "I like novels.")
    founder = person_of(club)
    founder.suspended_until = clock.now() + timedelta(days=7)
    db.session.commit()

    for act in (
        lambda: groups.change(founder, club, "Scam", Sort.CLUB, version=club.version),
        lambda: joining.invite(founder, club, "friend@example.org"),
        lambda: joining.answer(founder, queries.get_request(wish.id), accepted=False, reason="Go away."),
        lambda: verifying.ask(founder, club),
    ):
        with pytest.raises(Suspended):
            act()


def test_a_hidden_group_s_words_are_sent_to_nobody_and_its_links_let_nobody_in(letters):
    club = group("Cheap watches", about="Buy here.")
    founder, minseo = person_of(club), person("Minseo Kim")
    invitation = joining.invite(founder, club, "friend@example.org")
    groups.hide(club, True)
    db.session.commit()

    with pytest.raises(Forbidden):
        joining.invite(founder, club, "another@example.org")
    with pytest.raises(errors.InvitationOver):
        joining.accept(minseo, queries.link_of(invitation))
    assert not any("Cheap watches" in letter for letter in letters())


# --- at the same instant ---


def _as_expected(act):
    """A refusal that the race knows, in place of ours."""
    try:
        act()
    except (errors.NobodyLeft, errors.NotAMember, errors.InvitationOver, errors.AnsweredAlready, Forbidden) as refusal:
        raise Expired from refusal


def test_a_group_whose_officers_all_leave_at_once_keeps_its_contact(live_database):
    with clock.frozen(MONDAY):
        club = group()
        ids = [person_of(club).id, *(officer(club, f"Officer {number}").id for number in range(7))]
        db.session.commit()
        disconnect()

        def attempt(number: int, _turn: int) -> None:
            one = people.person(ids[number])
            if number % 2:
                _as_expected(lambda: groups.make_contact(one, queries.get_group(club.id), one.id))
            _as_expected(lambda: groups.leave(one, queries.get_group(club.id)))

        race(live_database, attempt, processes=8, rounds=1)
        left = roles(club)
        assert list(left.values()).count(Role.CONTACT) == 1


def test_two_who_follow_one_invitation_at_once_are_not_both_let_in(live_database):
    with clock.frozen(MONDAY):
        club = group()
        link = queries.link_of(joining.invite(person_of(club), club, "shared@example.org"))
        ids = [person(f"Reader {number}").id for number in range(6)]
        db.session.commit()
        disconnect()

        def attempt(number: int, _turn: int) -> None:
            _as_expected(lambda: joining.accept(people.person(ids[number]), link))

        outcomes = race(live_database, attempt, processes=6, rounds=1)[0]
        assert sorted(outcomes.values()) == ["done"] + ["expired"] * 5
        assert len(roles(club)) == 2


def test_two_officers_who_answer_at_once_give_one_answer(live_database):
    with clock.frozen(MONDAY):
        club = group()
        ids = [person_of(club).id, *(officer(club, f"Officer {number}").id for number in range(3))]
        wish = joining.ask(person(), queries.get_group(club.id), "").id
        db.session.commit()
        disconnect()

        def attempt(number: int, _turn: int) -> None:
            asked = queries.get_request(wish, lock=True)
            _as_expected(
                lambda: joining.answer(people.person(ids[number]), asked, accepted=number % 2 == 0, reason="Full.")
            )

        outcomes = race(live_database, attempt, processes=4, rounds=1)[0]
        assert sorted(outcomes.values()) == ["done"] + ["expired"] * 3


# --- what is kept, and what others ask ---


def test_leaving_the_city_passes_the_office_on_or_closes_the_group():
    founder = person("Jiwoo Park", "jiwoo@example.org")
    with_officer, alone, other = group("A", by=founder), group("B", by=founder), group("C", members=[founder])
    second = officer(with_officer)
    joining.invite(person_of(other), other, "jiwoo@example.org")
    leaving.erase(founder)
    db.session.commit()

    assert roles(with_officer) == {second.id: Role.CONTACT}
    assert not queries.get_group(alone.id).is_open
    assert founder.id not in roles(other)
    assert list(db.session.scalars(sa.select(GroupInvitation))) == []


def test_who_speaks_for_a_group_is_told_before_leaving_the_city(app):
    club = group()
    with app.test_request_context():
        found = hooks.erasure_obstacles.ask(person_of(club))
    sentences = [str(one.sentence) for some in found for one in (some if isinstance(some, list) else [some])]
    assert f"You speak for {club.title}. Make another member its contact, or close it." in sentences


def test_one_s_own_data_holds_groups_wishes_and_invitations():
    jiwoo = person(email="jiwoo@example.org")
    club = group("Readers", members=[jiwoo])
    joining.ask(jiwoo, group("Chess"), "I play.")
    joining.invite(person_of(club), club, "jiwoo@example.org")
    told = [found if isinstance(found, list) else [found] for found in hooks.personal_data.ask(jiwoo)]
    held = {one.name: [dict(row) for row in one.rows] for found in told for one in found}
    assert [row["group"] for row in held["groups"]] == ["Readers"]
    assert [row["message"] for row in held["group_requests"]] == ["I play."]
    assert len(held["group_invitations"]) == 1


def test_what_is_long_over_is_forgotten(monday):
    club = group()
    joining.invite(person_of(club), club, "a@example.org")
    wish = joining.ask(person(), club, "")
    joining.answer(person_of(club), queries.get_request(wish.id), accepted=False, reason="Full.")
    monday(MONDAY + timedelta(days=400))
    leaving.sweep()
    for table in ("group_invitations", "group_requests"):
        assert db.session.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0


def test_a_hidden_group_is_seen_by_its_members_alone_and_nobody_acts_for_it():
    club = group(members=[member := person()])
    found = things.find(f"group:{club.id}")
    assert found
    assert found.kind.hide
    found.kind.hide(found.record, True)
    assert found.seen_by(member)
    assert not found.seen_by(person())
    assert not found.seen_by(None)
    assert not policy.may_act_for(person_of(club), queries.get_group(club.id))
    assert list(db.session.scalars(queries.found())) == []


def test_every_act_is_on_record():
    club = group(members=[member := person()])
    groups.make_contact(person_of(club), club, member.id)
    db.session.commit()
    entries = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.subject == f"group:{club.id}"))
    assert [one.action for one in entries] == ["groups.founded", "groups.role_changed"]


def test_the_same_few_statements_however_many_groups(browser, statements):
    jiwoo = factories.sign_in(browser, person())

    def count(path: str) -> int:
        with statements() as seen:
            assert jiwoo.get(path).status_code == 200
        return len(seen)

    me = person("Member of many", "many@example.org")
    factories.sign_in(browser, me)
    for number in range(2):
        group(f"Club {number}", members=[me])
    few = [count(path) for path in ("/groups/", "/groups/mine")]
    for number in range(2, 15):
        group(f"Club {number}", members=[me])
    assert [count(path) for path in ("/groups/", "/groups/mine")] == few


def test_a_wish_taken_back_may_be_made_anew_and_only_a_real_one_is_on_record():
    club, newcomer = group(), person()
    for _ in range(2):
        joining.ask(newcomer, club, "")
        joining.withdraw(newcomer, club)
    joining.withdraw(newcomer, club)
    db.session.commit()
    withdrawn = sa.select(sa.func.count()).where(AuditEntry.action == "groups.withdrew")
    assert db.session.scalar(withdrawn) == 2
