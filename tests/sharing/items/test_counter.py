"""The counter of a library: scanning, lending at once, handing out what was agreed, taking back; and repairs."""

import re
from datetime import date

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden, NotFound
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.lending import Handover, Loan, LoanPiece, LoanState, Way
from marketplace.sharing.items.models.libraries import RepairTicket
from marketplace.sharing.items.models.listing import Condition, ItemUnit, LibraryHours, UnitState
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.service import counter, libraries, loans, repairs
from tests import factories
from tests.factories import building, item, library, neighbour, person, sign_in

HOW = {"condition": "good"}
CALLER = {"channel": "counter", "name": "Minseo Kim", "email": "minseo@example.org", "language": "en"}
BEHALF = {"channel": Channel.COUNTER}


@pytest.fixture
def tools():
    return queries.get_library(library().id)


@pytest.fixture
def manager(tools):
    return person("The manager", "manager@example.org", roles=[(Role.MANAGER, tools.building)])


@pytest.fixture
def desk(browser, manager):
    return sign_in(browser, manager)


def member(tools, manager, name="Jiwoo Park", card="CARD1"):
    behalf = Behalf(entered_by=manager, channel=Channel.COUNTER)
    return libraries.admit(manager, tools, neighbour(name), behalf, card=card)


def units(thing):
    own = sa.select(ItemUnit.code).where(ItemUnit.item_id == thing.id).order_by(ItemUnit.number)
    return [piece(code) for code in db.session.scalars(own)]


def piece(code):
    found = queries.unit_by_code(code)
    assert found
    return found


def the_loan():
    for one in list(db.session.identity_map.values()):
        if isinstance(one, Loan | LoanPiece):
            db.session.expire(one)
    return loan_queries.get_loan(db.session.scalars(sa.select(Loan.reference)).one())


def lent(manager, unit, borrower=None, last=date(2027, 3, 3), **how):
    behalf = Behalf(entered_by=manager, channel=Channel.COUNTER)
    return counter.lend(manager, unit, borrower or neighbour(), behalf, last, **{"condition": Condition.GOOD, **how})


# --- scanning ---


def test_one_field_with_the_cursor_in_it_waits_for_the_scanner(desk, tools):
    page = desk.get(f"/libraries/{tools.id}/counter").text
    assert page.count("autofocus") == 1
    assert 'id="code" name="code"' in page


def test_a_scanned_piece_says_what_it_is_and_to_whom_it_is_promised(desk, tools, manager):
    drill = item("Cordless drill", of=tools, parts={"bit": 3}, rules="Wear glasses.")
    [unit] = units(drill)
    coming = factories.loan(drill, 5, 6, by=neighbour("Sora Han"))
    loans.accept(manager, coming)

    for typed in (unit.code, unit.code.lower(), f"http://localhost/things/{unit.code}"):
        page = desk.get(f"/libraries/{tools.id}/counter", query_string={"code": typed}).text
        for words in ("Cordless drill", "Wear glasses.", "Promised next", "Sora Han", "bit: how many?"):
            assert words in page


def test_an_unknown_code_and_a_piece_of_another_library_are_not_known_here(desk, tools):
    [foreign] = units(item("Other drill", of=library(name="Another")))
    for code in ("NOSUCH99", foreign.code):
        page = desk.get(f"/libraries/{tools.id}/counter?code={code}")
        assert page.status_code == 422
        assert f"No piece and no card of this library has the code {code}." in page.text
        assert "Other drill" not in page.text


def test_a_scanned_card_shows_what_its_member_has(desk, tools, manager):
    joined = member(tools, manager)
    lent(manager, units(item("Hand saw", of=tools))[0], joined.person)
    page = desk.get(f"/libraries/{tools.id}/counter?code=card1", follow_redirects=True).text
    assert "Jiwoo Park" in page
    assert "Hand saw: on loan" in page
    assert "Scan a thing for Jiwoo Park" in page


def test_the_address_on_a_label_opens_the_counter_for_staff(desk, tools):
    [unit] = units(item(of=tools))
    assert desk.get(f"/things/{unit.code}").location == f"/libraries/{tools.id}/counter?code={unit.code}"


def test_it_is_on_record_whose_loans_the_counter_saw(desk, tools, manager):
    loan = lent(manager, units(item(of=tools))[0])
    desk.get(f"/libraries/{tools.id}/counter?code={loan.pieces[0].unit.code}")
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "items.counter.looked")).one()
    assert entry.subject == f"person:{loan.borrower_id}"


@pytest.mark.parametrize("many", [1, 5])
def test_the_counter_takes_the_same_few_statements_however_much_is_promised(desk, tools, manager, statements, many):
    drill = item(of=tools, units=8)
    joined = member(tools, manager)
    for _number in range(many):
        loans.accept(manager, factories.loan(drill, 5, 6))
    lent(manager, units(drill)[0], joined.person)
    path = f"/libraries/{tools.id}/counter?code={units(drill)[0].code}&card=CARD1"
    desk.get(path)
    with statements() as seen:
        assert desk.get(path).status_code == 200
    assert len(seen) <= 40


# --- lending at once ---


def test_a_member_takes_a_thing_along_at_once(desk, tools, manager):
    joined = member(tools, manager)
    drill = item("Cordless drill", of=tools, units=2, parts={"bit": 3, "case": 1})
    second = units(drill)[1]

    sent = desk.send(
        f"/libraries/{tools.id}/counter/{second.code}/lend", card="CARD1", last="2027-03-05", condition="worn",
        count=["2", "1"], note="One bit missing",
    )  # fmt: skip

    assert sent.location == f"/libraries/{tools.id}/counter?card=CARD1"
    loan = the_loan()
    assert (loan.state, loan.borrower_id, loan.last_day) == (LoanState.OUT, joined.person_id, date(2027, 3, 5))
    assert [(piece.unit_id, piece.is_out) for piece in loan.pieces] == [(second.id, True)]
    assert loan.on_behalf
    assert (loan.on_behalf.entered_by_id, loan.on_behalf.channel) == (manager.id, Channel.COUNTER)
    handed = loan_queries.handovers_of(loan)[Way.OUT]
    assert (handed.given_by_id, handed.taken_by_id, handed.agreed) == (manager.id, joined.person_id, True)
    assert (handed.condition, handed.note) == (Condition.WORN, "One bit missing")
    assert [(part.name, part.expected, part.counted) for part in handed.parts] == [("bit", 3, 2), ("case", 1, 1)]
    told = db.session.scalars(sa.select(Notice.news).where(Notice.person_id == joined.person_id)).all()
    assert "items.accepted" in told
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "items.over_counter")).one()
    assert (entry.actor_id, entry.detail) == (manager.id, {"way": "out", "for_person": joined.person_id})


def test_the_last_day_offered_is_one_on_which_the_counter_is_open(desk, tools):
    weekend = LibraryHours.library_id == tools.id, LibraryHours.weekday.in_((5, 6))
    db.session.execute(sa.delete(LibraryHours).where(*weekend))
    [unit] = units(item(of=tools, longest_days=7))
    assert 'value="2027-03-05"' in desk.get(f"/libraries/{tools.id}/counter?code={unit.code}").text


def test_someone_without_a_card_borrows_as_well_and_is_told(desk, tools):
    [unit] = units(item(of=tools))
    desk.send(f"/libraries/{tools.id}/counter/{unit.code}/lend", **CALLER, **HOW, last="2027-03-02")
    loan = the_loan()
    assert (loan.state, loan.borrower.name) == (LoanState.OUT, "Minseo Kim")


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"name": ""}, 422, "Enter a name."),
        ({"email": ""}, 422, "Enter an e-mail address or a telephone number"),
        ({"email": "manager@example.org"}, 422, "This is your own address."),
        ({"last": ""}, 422, "Choose the last day."),
        ({"last": "2027-04-30"}, 422, "This is lent for at most 7 days at a time."),
        ({"condition": ""}, 422, "Choose how good it is."),
        ({"count": "minus"}, 422, "Enter a whole number."),
    ],
)
def test_nonsense_at_the_counter_is_explained_and_nothing_is_lent(desk, tools, fields, status, sentence):
    [unit] = units(item(of=tools, parts={"bit": 1}))
    form = {**CALLER, **HOW, "last": "2027-03-03", "note": "Kept text", **fields}
    answer = desk.send(f"/libraries/{tools.id}/counter/{unit.code}/lend", **form)
    assert answer.status_code == status
    assert sentence in answer.text
    assert "Kept text" in answer.text
    assert list(db.session.scalars(sa.select(Loan))) == []


def test_a_piece_set_aside_for_someone_else_is_not_given_away(manager, tools):
    drill = item(of=tools, units=2)
    loans.accept(manager, factories.loan(drill, 2, 4))
    promised = the_loan().pieces[0].unit.code
    with pytest.raises(errors.PiecePromised):
        lent(manager, piece(promised))


def test_a_suspended_person_borrows_nothing_at_the_counter_either(manager, tools):
    joined = member(tools, manager)
    joined.person.suspended_until = clock.at(date(2027, 4, 1), 0)
    with pytest.raises(errors.CallerSuspended):
        lent(manager, units(item(of=tools))[0], joined.person)


# --- what was agreed before ---


def test_an_agreed_loan_is_handed_out_with_whichever_piece_is_in_hand(desk, tools, manager):
    drill = item(of=tools, units=3)
    loans.accept(manager, factories.loan(drill, 1, 3))
    set_aside = the_loan().pieces[0].unit_id
    [*_others, other] = [unit for unit in units(drill) if unit.id != set_aside]

    sent = desk.send(f"/libraries/{tools.id}/counter/{other.code}/out", reference=the_loan().reference, **HOW)

    assert sent.status_code == 303
    loan = the_loan()
    assert (loan.state, [piece.unit_id for piece in loan.pieces]) == (LoanState.OUT, [other.id])
    lent(manager, next(unit for unit in units(drill) if unit.id == set_aside))  # it is free again


def test_of_several_agreed_loans_the_counter_hands_out_the_one_asked_for(desk, tools, manager):
    projector = item("Projector", of=tools, units=3)
    sora, jiwoo = neighbour("Sora Han"), member(tools, manager)
    agreed = [loans.accept(manager, factories.loan(projector, 1, 2, by=one)) for one in (sora, jiwoo.person)]
    code = units(projector)[0].code

    def offered(**asked):
        page = desk.get(f"/libraries/{tools.id}/counter", query_string={"code": code, **asked}).text
        names = re.findall(r'id="([^"]+)"', page)
        assert len(names) == len(set(names))
        return re.findall(r"<h3[^>]*>(.+?)</h3>", page)[0]

    assert offered() == "Hand out to Sora Han"
    assert offered(loan=agreed[1].reference) == "Hand out to Jiwoo Park"
    assert offered(card=jiwoo.card) == "Hand out to Jiwoo Park"
    assert offered(loan="anew") == "Lend to someone now"
    assert offered(card=jiwoo.card, loan="anew") == "Lend to Jiwoo Park now"


def test_nothing_is_handed_out_before_its_first_day_or_twice(manager, tools):
    drill = item(of=tools)
    coming = factories.loan(drill, 2, 3)
    loans.accept(manager, coming)
    with pytest.raises(errors.TooEarly):
        counter.over_counter(manager, the_loan(), Way.OUT, condition=Condition.GOOD)
    with pytest.raises(errors.NoLongerOpen):
        counter.over_counter(manager, the_loan(), Way.BACK, condition=Condition.GOOD)


def test_a_thing_of_a_neighbour_goes_over_no_counter():
    owner = neighbour("Minsu Lee")
    drill = item(owner=owner)
    agreed = loans.accept(owner, factories.loan(drill, 1, 2))
    with pytest.raises(NotFound):
        counter.over_counter(owner, agreed, Way.OUT, condition=Condition.GOOD)


# --- taking back ---


def test_what_comes_back_is_counted_and_free_again(desk, tools, manager):
    [unit] = units(item(of=tools, parts={"bit": 3}))
    loan = lent(manager, unit)
    page = desk.get(f"/libraries/{tools.id}/counter?code={unit.code}").text
    assert f"Take back from {loan.borrower.name}" in page

    desk.send(f"/libraries/{tools.id}/counter/{unit.code}/back", reference=loan.reference, condition="worn", count="2")

    loan = the_loan()
    assert (loan.state, loan.pieces[0].is_out) == (LoanState.RETURNED, False)
    back = loan_queries.handovers_of(loan)[Way.BACK]
    assert (back.given_by_id, back.taken_by_id) == (loan.borrower_id, manager.id)
    assert [(part.expected, part.counted) for part in back.parts] == [(3, 2)]
    told = db.session.scalars(sa.select(Notice.news).where(Notice.person_id == loan.borrower_id)).all()
    assert "items.came_back" in told
    assert lent(manager, piece(unit.code)).state is LoanState.OUT


def test_what_comes_back_broken_goes_to_repair(desk, tools, manager):
    [unit] = units(item(of=tools))
    loan = lent(manager, unit)
    path = f"/libraries/{tools.id}/counter/{unit.code}/back"
    desk.send(path, reference=loan.reference, **HOW, problem="The chuck is loose.")
    [ticket] = db.session.scalars(sa.select(RepairTicket))
    assert (ticket.unit_id, ticket.problem) == (unit.id, "The chuck is loose.")
    assert piece(unit.code).state is UnitState.REPAIR
    assert "In repair: The chuck is loose." in desk.get(f"/libraries/{tools.id}/counter?code={unit.code}").text


def test_only_those_who_run_the_library_stand_at_its_counter(browser, tools, manager):
    [unit] = units(item(of=tools))
    loan = lent(manager, unit)
    elsewhere = person(roles=[(Role.MANAGER, building("Museum"))])
    for nobody in (elsewhere, person(), loan.borrower):
        sign_in(browser, nobody)
        assert browser.get(f"/libraries/{tools.id}/counter").status_code == 404
        for act in ("lend", "out", "back"):
            path = f"/libraries/{tools.id}/counter/{unit.code}/{act}"
            assert browser.send(path, reference=loan.reference, **HOW).status_code == 404
        with pytest.raises(Forbidden):
            counter.over_counter(nobody, loan, Way.BACK, condition=Condition.GOOD)
    assert db.session.scalar(sa.select(sa.func.count(Handover.id))) == 1


# --- repairs ---


def test_a_piece_in_repair_is_not_lent_until_it_works_again(desk, tools, manager):
    drill = item("Cordless drill", of=tools)
    loans.accept(manager, factories.loan(drill, 4, 5, by=neighbour("Sora Han")))
    [unit] = units(drill)

    sent = desk.send(f"/libraries/{tools.id}/repairs/{unit.code}/new", problem="It smokes.")
    page = desk.get(sent.location).text
    assert "This piece is promised" in page
    assert "Sora Han" in page
    with pytest.raises(errors.TooMany):
        lent(manager, piece(unit.code))
    desk.send(sent.location, text="New brushes ordered.")
    assert "New brushes ordered." in desk.get(sent.location).text
    assert "It smokes." in desk.get(f"/libraries/{tools.id}/repairs").text

    assert desk.send(f"{sent.location}/close").status_code == 422
    assert desk.send(f"{sent.location}/close", outcome="lost").status_code == 422
    assert desk.send(f"{sent.location}/close", outcome="ready").status_code == 303
    assert piece(unit.code).state is UnitState.READY
    assert "It smokes." in desk.get(f"/libraries/{tools.id}/repairs?show=closed").text
    late = desk.send(sent.location, text="One more thing")
    assert late.status_code == 409
    assert "This repair is closed." in late.text


def test_what_cannot_be_repaired_is_gone(manager, tools):
    [unit] = units(item(of=tools))
    ticket = repairs.open_ticket(manager, unit, "Burnt")
    repairs.close(manager, queries.get_ticket(ticket.id), UnitState.GONE)
    assert piece(unit.code).state is UnitState.GONE
    with pytest.raises(errors.NotReady):
        repairs.open_ticket(manager, piece(unit.code), "Again")


def test_a_piece_is_repaired_once_at_a_time_and_not_while_someone_has_it(manager, tools):
    one, other = units(item(of=tools, units=2))
    repairs.open_ticket(manager, one, "Loose")
    with pytest.raises(errors.InRepair):
        repairs.open_ticket(manager, one, "Loose")
    lent(manager, other)
    with pytest.raises(errors.OnLoan):
        repairs.open_ticket(manager, other, "Loose")


def test_the_database_keeps_one_open_repair_of_a_piece(manager, tools):
    [unit] = units(item(of=tools))
    repairs.open_ticket(manager, unit, "Loose")
    db.session.add(RepairTicket(unit_id=unit.id, problem="Again", opened_by_id=manager.id))
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()


def test_a_missing_piece_is_not_lent_until_it_turns_up(desk, tools, manager):
    [unit] = units(item(of=tools))
    assert desk.send(f"/libraries/{tools.id}/pieces/{unit.code}/lost").status_code == 303
    assert piece(unit.code).state is UnitState.LOST
    with pytest.raises(errors.TooMany):
        lent(manager, piece(unit.code))
    assert "It is here again" in desk.get(f"/libraries/{tools.id}/counter?code={unit.code}").text
    desk.send(f"/libraries/{tools.id}/pieces/{unit.code}/found")
    assert piece(unit.code).state is UnitState.READY


def test_repairs_are_nobody_else_s_business(browser, tools, manager):
    [unit] = units(item(of=tools))
    ticket = repairs.open_ticket(manager, unit, "Loose")
    elsewhere = person(roles=[(Role.MANAGER, building("Museum"))])
    for nobody in (elsewhere, person()):
        sign_in(browser, nobody)
        for path in (f"/libraries/{tools.id}/repairs", f"/libraries/repairs/{ticket.id}"):
            assert browser.get(path).status_code == 404
        assert browser.send(f"/libraries/repairs/{ticket.id}/close", outcome="ready").status_code == 404
        assert browser.send(f"/libraries/{tools.id}/pieces/{unit.code}/lost").status_code == 404
        with pytest.raises(Forbidden):
            repairs.open_ticket(nobody, unit, "Loose")
