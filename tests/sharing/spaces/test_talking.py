"""The resident of a booking and those who run the building write to each other about it."""

from datetime import timedelta

import pytest

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Role
from marketplace.civic.conversations import errors
from marketplace.civic.conversations import queries as conversations
from marketplace.civic.groups.service.behalf import for_group
from marketplace.kernel import db, jobs, things
from marketplace.sharing.spaces.service import bookings
from tests.factories import booking, building, group, march, officer, person, said, sign_in, space


@pytest.fixture
def library():
    return building("Riverside Library")


@pytest.fixture
def manager(library):
    return person("Manager", roles=[(Role.MANAGER, library)])


def test_both_sides_find_the_way_to_write_from_the_booking(app, library, manager):
    resident = person("Jiwoo")
    made = booking(space(building=library, by_request=True), march(3, 10, 11), by=resident)
    path = f"/conversations/about/booking:{made.id}"

    own = sign_in(app.test_client(), resident)
    assert f'href="{path}">Write to the building' in own.get(f"/spaces/bookings/{made.reference}").text
    assert "Write to Riverside Library" in own.get(path).text
    theirs = sign_in(app.test_client(), manager)
    for page in (f"/spaces/bookings/{made.reference}", f"/spaces/staff/bookings/{made.reference}"):
        assert f'href="{path}">Write to the resident' in theirs.get(page).text
    assert "Write to Jiwoo" in theirs.get(path).text


def test_nobody_else_takes_part_not_even_who_may_see_the_booking(app, library, manager):
    made = booking(space(building=library), march(3, 10, 11))
    conversation = said(manager, f"booking:{made.id}").conversation_id
    others = [
        person(), person(roles=[(Role.MANAGER, building("Museum"))]), person(roles=[Role.ADMINISTRATOR]),
        person(roles=[Role.MODERATOR]),
    ]  # fmt: skip
    for other in others:
        client = sign_in(app.test_client(), other)
        for path in (f"/conversations/about/booking:{made.id}", f"/conversations/{conversation}"):
            assert client.get(path).status_code == 404
        assert "Write to" not in client.get(f"/spaces/bookings/{made.reference}").text


def test_a_booking_not_sent_yet_is_not_talked_about(app, library, manager):
    resident = person()
    held = bookings.hold(resident, space(building=library), march(3, 10, 11))

    with pytest.raises(errors.Over):
        said(resident, f"booking:{held.id}")


def test_numbers_are_flagged_until_the_booking_is_confirmed(library, manager):
    resident = person()
    asked = booking(space(building=library, by_request=True), march(3, 10, 11), by=resident)
    with pytest.raises(errors.HoldsContacts):
        said(resident, f"booking:{asked.id}", "010-1234-5678")

    bookings.accept(manager, asked)

    assert said(resident, f"booking:{asked.id}", "010-1234-5678").flags == []


def test_a_week_after_the_booking_the_conversation_is_closed(library, manager, monday):
    resident = person()
    made = booking(space(building=library), march(3, 10, 11), by=resident)
    monday(made.ends_at + timedelta(days=6))
    assert said(resident, f"booking:{made.id}", "I left my umbrella.")

    monday(made.ends_at + timedelta(days=7))
    with pytest.raises(errors.Over):
        said(resident, f"booking:{made.id}")


def test_a_room_of_a_building_that_nobody_runs_cannot_be_written_about():
    resident = person()
    made = booking(space(), march(3, 10, 11), by=resident)

    with pytest.raises(errors.NobodyThere):
        said(resident, f"booking:{made.id}")


def test_a_new_manager_has_the_building_s_conversations_and_a_former_one_no_more(library, manager):
    administrator, newcomer, resident = person(roles=[Role.ADMINISTRATOR]), person(), person()
    made = booking(space(building=library), march(3, 10, 11), by=resident)
    said(resident, f"booking:{made.id}")
    accounts.grant(administrator, newcomer, Role.MANAGER, building_id=library.id)
    accounts.revoke(administrator, manager.grants[0])
    jobs.run_pending()

    found = [conversations.of_person(people.person(one.id)) for one in (newcomer, manager)]
    assert [db.count(one) for one in found] == [1, 0]


def test_the_sides_of_many_bookings_cost_as_much_as_those_of_one(library, manager, statements):
    room = space(building=library)
    made = [booking(room, march(3 + n, 10, 11)) for n in range(6)]
    counts = []
    for some in (made[:1], made):
        with statements() as seen:
            found = things.find_all(f"booking:{one.id}" for one in some)
            assert all(one.sides and one.sides.other == {manager.id} for one in found.values())
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_a_manager_s_list_costs_the_same_however_many_bookings_are_talked_about(browser, library, manager, statements):
    room, counts, day = space(building=library), [], 3
    sign_in(browser, manager)
    for many in (1, 8):
        for _ in range(many):
            resident = person()
            said(resident, f"booking:{booking(room, march(day, 10, 11), by=resident).id}")
            day += 1
        with statements() as seen:
            assert browser.get("/conversations/").text.count('class="row"') == day - 3
        counts.append(len(seen))

    assert counts[0] == counts[1]


def test_the_officers_of_a_group_speak_for_it(app, library, manager):
    founder = person("Founder")
    club = group("Reading Club", by=founder)
    helper = officer(club, "Helper")
    made = bookings.book(
        founder, space(building=library), march(3, 10, 11), people=5, purpose="We read.", rules_accepted=True,
        behalf=for_group(founder, club.id),
    )  # fmt: skip
    path = f"/conversations/{said(helper, f'booking:{made.id}', 'May we come earlier?').conversation_id}"

    assert "Messages with Reading Club" in sign_in(app.test_client(), manager).get(path).text
    assert "Helper</strong> for Reading Club" in sign_in(app.test_client(), founder).get(path).text
