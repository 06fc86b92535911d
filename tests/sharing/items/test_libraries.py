"""Libraries of things: who runs them, what they say of themselves, when they are open, who belongs to them."""

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.models import Caller, Role
from marketplace.civic.groups import queries as groups
from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.intervals import Interval
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.libraries import LibraryMember, StockTake
from marketplace.sharing.items.models.listing import Library, LibraryHours
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.service import libraries
from tests.factories import building, group, item, library, officer, person, sign_in

HOURS = {f"hours_{weekday}": "09:00-18:00" for weekday in range(5)}
CALLER = {"channel": "counter", "name": "Minseo Kim", "email": "minseo@example.org", "language": "en"}


@pytest.fixture
def tools():
    return queries.get_library(library().id)


@pytest.fixture
def manager(tools):
    return person("The manager", "manager@example.org", roles=[(Role.MANAGER, tools.building)])


def admitted(tools, manager, who=None, **facts):
    behalf = Behalf(entered_by=manager, channel=Channel.COUNTER)
    return libraries.admit(manager, tools, who or person(), behalf, **facts)


# --- who runs it ---


def test_managers_of_the_building_and_officers_of_the_group_run_a_library():
    club = group()
    helper, second = person("Helper"), officer(club)
    tools = queries.get_library(library(group_id=club.id).id)
    manager = person(roles=[(Role.MANAGER, tools.building)])
    elsewhere = person(roles=[(Role.MANAGER, building("Museum"))])

    assert policy.may_run(manager, tools)
    assert policy.may_run(second, tools)
    for nobody in (helper, elsewhere, person(roles=[Role.MODERATOR]), person(roles=[Role.ADMINISTRATOR]), None):
        assert not policy.may_run(nobody, tools)


def test_a_hidden_group_no_longer_runs_the_library():
    club = group()
    second = officer(club)
    tools = library(group_id=club.id)
    groups.get_group(club.id).hidden = True
    db.session.commit()

    assert not policy.may_run(second, queries.get_library(tools.id))


@pytest.mark.parametrize("page", ["things", "members", "members/new", "change"])
def test_the_pages_of_those_who_run_it_do_not_exist_for_others(browser, tools, manager, page):
    path = f"/libraries/{tools.id}/{page}"
    for nobody in (person(), person(roles=[(Role.MANAGER, building("Museum"))]), person(roles=[Role.MODERATOR])):
        assert sign_in(browser, nobody).get(path).status_code == 404
    assert sign_in(browser, manager).get(path).status_code == 200


# --- opening and changing it ---


def test_an_administrator_opens_a_library_and_its_building_s_manager_runs_it(browser):
    house, club = building("Riverside Hall"), group("Menders")
    admin, manager = person(roles=[Role.ADMINISTRATOR]), person(roles=[(Role.MANAGER, house)])
    assert sign_in(browser, manager).get("/libraries/new").status_code == 404
    sign_in(browser, admin)

    sent = browser.send("/libraries/new", name="연장 도서관", name_en="Tool library", building="Riverside Hall",
                        group="Menders", open="yes", about="Come in.", **HOURS)  # fmt: skip

    made = queries.get_library(db.session.scalars(sa.select(Library.id)).one())
    assert sent.location == f"/libraries/{made.id}"
    assert (made.title, made.building.name, made.group and made.group.id) == ("Tool library", house.name, club.id)
    assert [(one.weekday, one.opens, one.closes) for one in made.hours] == [(day, 540, 1080) for day in range(5)]
    assert sign_in(browser, manager).get(f"/libraries/{made.id}/things").status_code == 200


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"building": "Nowhere"}, "Enter the name of one public building"),
        ({"building": ""}, "Enter the building."),
        ({"name": ""}, "Enter a name."),
        ({"group": "Nobody"}, "Enter the name of one group"),
        ({"hours_0": "nine to five"}, "Enter hours such as 09:00-12:00, 13:00-18:00."),
        ({"hours_0": "18:00-09:00"}, "Enter hours such as 09:00-12:00, 13:00-18:00."),
        ({"hours_0": "09:00-12:00, 11:00-18:00"}, "These hours overlap."),
        ({"hours_0": "09:75-12:00"}, "Enter hours such as 09:00-12:00, 13:00-18:00."),
    ],
)
def test_nonsense_about_a_library_is_explained_and_nothing_is_lost(browser, fields, sentence):
    building("Riverside Hall")
    sign_in(browser, person(roles=[Role.ADMINISTRATOR]))
    form = {"name": "Tools", "building": "Riverside Hall", "about": "Come in.", "open": "yes", **HOURS, **fields}

    answer = browser.send("/libraries/new", **form)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Come in." in answer.text
    assert list(db.session.scalars(sa.select(Library))) == []


def test_whoever_runs_it_changes_what_it_says_but_not_who_helps(browser, tools, manager):
    club = group("Menders")
    sign_in(browser, manager)
    form = {"name": "Tools", "about": "New.", "open": "yes", "version": 1, "group": club.name}

    sent = browser.send(f"/libraries/{tools.id}/change", **form, hours_2="10:00-12:00, 13:00-24:00")

    assert sent.status_code == 303
    db.session.expire_all()
    now = queries.get_library(tools.id)
    assert (now.name, now.about, now.group) == ("Tools", "New.", None)
    assert [(one.weekday, one.opens, one.closes) for one in now.hours] == [(2, 600, 720), (2, 780, 1440)]


def test_the_second_of_two_who_change_only_the_hours_is_told(browser, tools, manager):
    sign_in(browser, manager)
    form = {"name": tools.name, "open": "yes", "version": 1}
    assert browser.send(f"/libraries/{tools.id}/change", **form, hours_1="10:00-12:00").status_code == 303

    second = browser.send(f"/libraries/{tools.id}/change", **form, hours_2="13:00-15:00")

    assert second.status_code == 409
    assert "Someone else changed this library while you were editing." in second.text
    assert "10:00–12:00" in second.text
    assert "13:00-15:00" in second.text


# --- for everyone ---


def test_a_library_is_open_now_or_says_when_it_opens_next(tools, monday):
    assert policy.next_opening(tools, clock.now()) == Interval(*(clock.at(date(2027, 3, 1), at) for at in (540, 1080)))
    monday(datetime(2027, 3, 1, 18, 0, tzinfo=clock.zone()))
    assert policy.next_opening(tools, clock.now()) == Interval(*(clock.at(date(2027, 3, 2), at) for at in (540, 1080)))
    tools.hours = [LibraryHours(weekday=7, opens=600, closes=660)]  # on public holidays alone
    assert policy.next_opening(tools, clock.now()) is None
    tools.open = False
    assert policy.next_opening(tools, clock.at(date(2027, 3, 1), 600)) is None


def test_everyone_sees_the_libraries_with_what_they_offer(browser, tools):
    item("Pressure washer", of=tools)
    item("Hidden saw", of=tools, hidden_at=clock.now())

    shown = browser.get("/libraries/").text
    assert tools.name in shown
    assert "Open now, until 18:00" in shown
    assert "1 thing to borrow" in shown
    shown = browser.get(f"/libraries/{tools.id}").text
    assert "Pressure washer" in shown
    assert "Hidden saw" not in shown
    assert tools.name in browser.get(f"/buildings/{tools.building_id}").text


def test_a_library_that_does_not_lend_is_seen_by_those_who_run_it(browser, tools, manager):
    tools.open = False
    db.session.commit()

    assert tools.name not in browser.get("/libraries/").text
    assert browser.get(f"/libraries/{tools.id}").status_code == 404
    assert sign_in(browser, manager).get(f"/libraries/{tools.id}").status_code == 200


@pytest.mark.parametrize("page", ["/libraries/", "/libraries/{}", "/libraries/{}/things", "/libraries/{}/members"])
def test_pages_of_a_library_take_the_same_few_statements_however_much_there_is(
    browser, tools, manager, statements, page
):
    sign_in(browser, manager)
    browser.get(page.format(tools.id))

    def count() -> int:
        with statements() as seen:
            assert browser.get(page.format(tools.id)).status_code == 200
        return len(seen)

    def add(number: int) -> None:
        library(name=f"Library {number}")
        item(f"Drill {number}", of=tools, units=2, parts={"bit": 3})
        admitted(tools, manager)

    add(1)
    add(2)
    few = count()
    for number in range(3, 9):
        add(number)
    assert count() == few


# --- members ---


def test_whoever_joins_at_the_counter_gets_a_card_and_is_told(browser, tools, manager):
    resident = person("Jiwoo Park", "jiwoo@example.org")
    sign_in(browser, manager)

    sent = browser.send(f"/libraries/{tools.id}/members/new", **{**CALLER, "email": "JIWOO@example.org"})

    assert sent.status_code == 303
    [member] = db.session.scalars(sa.select(LibraryMember))
    assert (member.person_id, member.added_by_id, member.since) == (resident.id, manager.id, date(2027, 3, 1))
    assert member.card in browser.get(sent.location).text
    [told] = db.session.scalars(sa.select(Notice.title).where(Notice.person_id == resident.id))
    assert told == f"You are a member of {tools.name}. Your card: {member.card}"
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "items.member_admitted")).one()
    assert (entry.actor_id, entry.detail) == (manager.id, {"for_person": resident.id, "channel": "counter"})
    found = queries.member_by_card(tools, f" {member.card.lower()} ")
    assert found
    assert found.id == member.id


def test_someone_without_an_account_joins_as_well(browser, tools, manager):
    sign_in(browser, manager)
    browser.send(f"/libraries/{tools.id}/members/new", **{**CALLER, "email": "", "phone": "02-123-4567"}, card="k 123")
    [member] = db.session.scalars(sa.select(LibraryMember))
    assert member.card == "K123"
    assert db.session.get(Caller, member.person_id) is not None


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"email": ""}, 422, "Enter an e-mail address or a telephone number"),
        ({"email": "manager@example.org"}, 422, "This is your own address."),
        ({"card": "***"}, 422, "Scan the card, or type its letters and digits."),
        ({"card": "TAKEN1"}, 409, "Another member of this library has this card."),
        ({"email": "jiwoo@example.org"}, 409, "This person is already a member."),
        ({"until": "2027-02-01"}, 422, "The last day has passed."),
    ],
)
def test_nonsense_about_a_member_is_explained_and_nobody_joins(browser, tools, manager, fields, status, sentence):
    admitted(tools, manager, person("Jiwoo Park", "jiwoo@example.org"), card="TAKEN1")
    sign_in(browser, manager)

    answer = browser.send(f"/libraries/{tools.id}/members/new", **{**CALLER, **fields})

    assert answer.status_code == status
    assert sentence in answer.text
    assert "Minseo Kim" in answer.text
    assert db.session.scalar(sa.select(sa.func.count(LibraryMember.id))) == 1


def test_a_membership_ends_on_its_last_day_or_by_hand_and_may_begin_again(tools, manager, monday):
    resident = person()
    first = admitted(tools, manager, resident, card="CARD1", until=date(2027, 3, 2))
    with pytest.raises(errors.AlreadyMember):
        admitted(tools, manager, resident)
    monday(clock.at(date(2027, 3, 3), 600))
    assert not first.is_current
    assert queries.member_by_card(tools, "CARD1") is None

    again = admitted(tools, manager, resident, card="CARD1")
    libraries.end_membership(manager, tools, again)
    libraries.end_membership(manager, tools, again)

    assert not again.is_current
    titles = db.session.scalars(sa.select(Notice.title).where(Notice.news == "items.member_ended")).all()
    assert titles == [f"Your membership of {tools.name} has ended"]


def test_the_database_keeps_one_membership_of_a_person_at_a_time(tools, manager):
    resident = person()
    admitted(tools, manager, resident)
    db.session.add(LibraryMember(library_id=tools.id, person_id=resident.id, card="OTHER1", added_by_id=manager.id))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()


def test_only_who_runs_the_library_admits_and_ends(browser, tools, manager):
    elsewhere = person(roles=[(Role.MANAGER, building("Museum"))])
    member = admitted(tools, manager)
    with pytest.raises(Forbidden):
        admitted(tools, elsewhere)
    with pytest.raises(Forbidden):
        libraries.end_membership(elsewhere, tools, member)
    sign_in(browser, elsewhere)
    assert browser.send(f"/libraries/members/{member.id}/end").status_code == 404
    assert browser.send(f"/libraries/{tools.id}/members/new", **CALLER).status_code == 404


def test_it_is_on_record_who_read_the_list_of_members(browser, tools, manager):
    member = admitted(tools, manager)
    sign_in(browser, manager).get(f"/libraries/{tools.id}/members")
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "items.library_members.looked")).one()
    assert entry.subject == f"person:{member.person_id}"
    assert entry.detail == {"role": "manager", "building_id": tools.building_id}


# --- forgetting ---


def test_whoever_leaves_takes_their_memberships_along(tools, manager):
    resident = people.person(admitted(tools, manager).person_id)
    held = {one.name: list(one.rows) for one in queries.own_data(resident)}
    assert held["library_members"][0]["library"] == tools.name

    libraries.erase(resident)

    assert list(db.session.scalars(sa.select(LibraryMember))) == []


def test_memberships_over_for_a_year_and_old_counts_are_forgotten(tools, manager, monday):
    ended, ran_out = admitted(tools, manager), admitted(tools, manager, until=date(2027, 3, 5))
    stays = admitted(tools, manager)
    libraries.end_membership(manager, tools, ended)
    count = StockTake(library_id=tools.id, started_by_id=manager.id)
    count.finished_by_id, count.finished_at = manager.id, clock.now()
    db.session.add(count)
    db.session.flush()
    monday(clock.now() + timedelta(days=364))
    libraries.thin()
    assert db.session.scalar(sa.select(sa.func.count(LibraryMember.id))) == 3

    monday(clock.now() + timedelta(days=6))
    libraries.thin()
    assert list(db.session.scalars(sa.select(LibraryMember.id))) == [stays.id]
    assert ran_out.id != stays.id
    assert db.session.scalar(sa.select(sa.func.count(StockTake.id))) == 1

    monday(clock.now() + timedelta(days=366))
    libraries.thin()
    assert db.session.scalar(sa.select(sa.func.count(StockTake.id))) == 0
