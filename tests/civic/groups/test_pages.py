"""The pages of groups: who sees what, and every wrong way to use them."""

import re

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups import policy, queries
from marketplace.civic.groups.models import Group, GroupInvitation, GroupMember
from marketplace.civic.groups.service import groups, joining
from marketplace.kernel import db
from tests import factories
from tests.factories import group, officer, person, sign_in


def saved(query):
    db.session.expire_all()
    return list(db.session.scalars(query))


@pytest.fixture
def founder():
    return person("Jiwoo Park", "founder@example.org")


@pytest.fixture
def club(founder):
    return group("Riverside Readers", by=founder, about="Novels, on Mondays.")


def test_wishes_taken_back_and_sent_again_do_not_flood_the_officers(browser, club):
    sign_in(browser, person())
    sent = []
    for _number in range(12):
        sent.append(browser.send(f"/groups/{club.id}/join", message="Me!").status_code)
        browser.send(f"/groups/{club.id}/withdraw")
    assert sent == [303] * 10 + [429] * 2


# --- what is shown to whom ---


def test_everyone_reads_what_a_group_is_and_nobody_s_address(browser, club):
    shown = browser.get(f"/groups/{club.id}").text
    assert "Novels, on Mondays." in shown
    assert "Jiwoo Park" in shown
    assert "founder@example.org" not in shown
    assert f"fewer than {policy.SMALL} members" in shown


def test_members_read_the_contact_s_address_and_how_many_they_are(browser, club):
    shown = sign_in(browser, officer(club)).get(f"/groups/{club.id}").text
    assert "founder@example.org" in shown
    assert "2 members" in shown


def test_every_page_of_one_s_group_opens(browser, club, founder):
    wish = joining.ask(person("Minseo Kim"), club, "I like novels.")
    sign_in(browser, founder)
    for page in ("", "/edit", "/members", "/invitations", "/leave", "/close"):
        assert browser.get(f"/groups/{club.id}{page}").status_code == 200, page
    assert "I like novels." in browser.get(f"/groups/requests/{wish.id}").text
    assert "Minseo Kim wishes to join Riverside Readers" in browser.get("/my").text


@pytest.mark.parametrize("page", ["edit", "members", "invitations", "leave", "close"])
def test_the_pages_of_a_group_are_not_there_for_another_group_s_officer(browser, club, page):
    other = officer(group("Chess"))
    assert sign_in(browser, other).get(f"/groups/{club.id}/{page}").status_code == 404
    assert browser.send(f"/groups/{club.id}/{page}", name="X", sort="club", version=1).status_code in (404, 405)


def test_a_plain_member_sees_members_but_changes_nothing(browser, club):
    member, other = person(), person()
    db.session.add_all([GroupMember(group_id=club.id, person_id=one.id) for one in (member, other)])
    sign_in(browser, member)
    assert browser.get(f"/groups/{club.id}/members").status_code == 200
    for path in ("edit", "invitations", "close", f"members/{other.id}/remove", f"members/{other.id}/officer"):
        assert browser.send(f"/groups/{club.id}/{path}", email="a@example.org").status_code == 403, path


# --- founding and changing ---


def test_a_group_is_founded_once_however_often_the_form_is_sent(browser, founder):
    sign_in(browser, founder)
    for _ in range(2):
        sent = browser.send("/groups/new", name="독서 모임", sort="club", _key="the same key")
        assert sent.status_code == 303
    assert len(saved(sa.select(Group))) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sort": "club"}, "Enter a name."),
        ({"name": "Chess"}, "Choose what kind of group it is."),
        ({"name": "Win at http://evil.example", "sort": "club"}, "Enter a name without"),
        ({"name": "x" * 101, "sort": "club"}, "Enter 2 to 100 characters."),
        ({"name": "Chess", "sort": "sect"}, "club, association, institution"),
        ({"name": "Chess", "sort": "club", "about": "y" * 2001}, "Enter at most 2000 characters."),
        ({"name": "Chess", "sort": "club", "district_id": "9" * 20}, "Enter a number from"),
    ],
)
def test_a_group_that_cannot_be_founded_is_explained_and_nothing_typed_is_lost(browser, founder, fields, sentence):
    answer = sign_in(browser, founder).send("/groups/new", **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert fields.get("name", "") in answer.text


def test_the_second_editor_s_words_are_kept_beside_what_was_saved(browser, club, founder):
    version = club.version
    groups.change(founder, club, "Bookworms", club.sort, version=version)
    answer = sign_in(browser, founder).send(f"/groups/{club.id}/edit", name="Readers", sort="club", version=version)
    assert answer.status_code == 409
    assert "Bookworms" in answer.text
    assert 'value="Readers"' in answer.text
    assert f'name="version" value="{version + 1}"' in answer.text


# --- invitations ---


def test_an_invitation_looks_the_same_whether_or_not_the_address_has_an_account(browser, club, founder):
    person(email="known@example.org")
    sign_in(browser, founder)
    answers = []
    for address in ("known@example.org", "nobody@example.org"):
        answer = browser.send(f"/groups/{club.id}/invitations", email=address)
        shown = browser.get(f"/groups/{club.id}/invitations").text.replace(address, "ADDRESS")
        answers.append((answer.status_code, len(re.findall("ADDRESS", shown))))
        db.session.execute(sa.delete(GroupInvitation))
    assert answers[0] == answers[1]


def test_a_stranger_signs_in_first_and_comes_back_to_the_invitation(browser, club, founder):
    link = queries.link_of(joining.invite(founder, club, "new@example.org"))
    assert browser.get(f"/groups/join/{link}").location == f"/sign-in?next=/groups/join/{link}"
    newcomer = sign_in(browser, person("Minseo Kim", "new@example.org"))
    assert "Riverside Readers invites you" in newcomer.get("/groups/mine").text
    assert newcomer.send(f"/groups/join/{link}", answer="accept").location == f"/groups/{club.id}"
    assert newcomer.get(f"/groups/join/{link}").status_code == 409


def test_an_invitation_to_an_address_not_yet_confirmed_is_not_shown(browser, club, founder):
    joining.invite(founder, club, "new@example.org")
    newcomer = sign_in(browser, person(email="new@example.org", confirmed=False))
    assert "invites you" not in newcomer.get("/groups/mine").text


def test_a_few_letters_an_hour_go_to_one_address(browser, club, founder):
    sign_in(browser, founder)
    sent = [browser.send(f"/groups/{club.id}/invitations", email="a@example.org").status_code for _ in range(6)]
    assert sent == [303] * 5 + [429]


# --- verifying ---


@pytest.fixture
def clerk():
    return person("A clerk", roles=[(Role.STAFF, factories.department())])


def test_staff_verify_a_group_that_asked_and_the_mark_is_seen(browser, club, founder, clerk, letters):
    assert sign_in(browser, founder).send(f"/groups/{club.id}/verification").status_code == 303
    sign_in(browser, clerk)
    assert "Riverside Readers" in browser.get("/desk").text
    assert "founder@example.org" in browser.get(f"/groups/staff/{club.id}").text
    done = browser.send(f"/groups/staff/{club.id}", answer="verify", document="statutes", until="2028-03-01")
    assert done.status_code == 303
    assert "Verified" in browser.get("/groups/").text
    assert "Riverside Readers" not in browser.get("/desk").text
    assert any("is verified" in letter for letter in letters())
    looked = sa.text("SELECT count(*) FROM audit_entries WHERE action = 'groups.contact.looked'")
    assert db.session.scalar(looked) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"answer": "verify"}, 422),
        ({"answer": "verify", "document": "statutes"}, 422),
        ({"answer": "verify", "document": "passport", "until": "2028-03-01"}, 422),
        ({"answer": "verify", "document": "statutes", "until": "2027-03-01"}, 422),
        ({"answer": "verify", "document": "statutes", "until": "2099-03-01"}, 422),
        ({"answer": "decline"}, 422),
        ({"answer": "decline", "reason": "The statutes are not signed."}, 303),
    ],
)
def test_a_verification_says_what_was_seen_and_a_refusal_why(browser, club, clerk, fields, status):
    assert sign_in(browser, clerk).send(f"/groups/staff/{club.id}", **fields).status_code == status
    [now] = saved(sa.select(Group))
    assert not now.is_verified


def test_nobody_verifies_a_group_they_belong_to(browser, club, clerk):
    db.session.add(GroupMember(group_id=club.id, person_id=clerk.id))
    assert sign_in(browser, clerk).get(f"/groups/staff/{club.id}").status_code == 403


def test_a_verification_ends_with_its_day_and_with_the_name(browser, club, founder, clerk, monday):
    sign_in(browser, clerk).send(f"/groups/staff/{club.id}", answer="verify", document="statutes", until="2028-03-01")
    club = queries.get_group(club.id)
    assert club.is_verified
    groups.change(founder, club, "City Council", club.sort, version=club.version)
    assert not queries.get_group(club.id).is_verified


@pytest.mark.parametrize("language", ["en", "ko"])
def test_search_says_so_when_nothing_is_found(browser, language):
    answer = browser.get("/groups/", query_string={"words": "chess", "language": language})
    assert answer.status_code == 200
    assert browser.get("/groups/", query_string={"district": "x"}).status_code == 422
