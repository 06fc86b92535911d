"""Moderators and reporters who act in the same instant, in processes of their own."""

import sqlalchemy as sa

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.models import Role
from marketplace.civic.moderation import errors
from marketplace.civic.moderation.models import Act, Case, CaseState, Decision, Reason, Report
from marketplace.civic.moderation.queries import cases as queries
from marketplace.civic.moderation.service import decisions, reports
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db, things
from marketplace.kernel.occupancy import Expired
from tests import factories
from tests.civic.moderation.conftest import verified
from tests.conftest import MONDAY
from tests.factories import march
from tests.kernel.test_occupancy_race import disconnect, race

PROCESSES = 6


def make_bookings_reportable(monkeypatch):
    """A kind whose records live in the database, so that processes share them: bookings, hidden by their purpose."""
    kinds = dict(things._kinds)
    booking = kinds["booking"]

    def hide(record, hidden):
        record.purpose = "hidden" if hidden else "shown"

    monkeypatch.setattr(things, "_kinds", kinds)
    things.register(
        things.Kind(
            name="booking", label=booking.label, find=booking.find, title=lambda record: record.reference,
            link=lambda record: f"/spaces/bookings/{record.reference}", may_see=lambda _person, _record: True,
            author_id=booking.author_id, text=lambda record: record.purpose, hide=hide,
        )
    )  # fmt: skip


def made_booking():
    return factories.booking(factories.space(), march(3, 10, 11))


def only(one):
    """The single value that the database answers."""
    with db.transaction(read_only=True) as session:
        return session.scalar(one)


def test_of_verified_residents_who_report_in_one_instant_exactly_one_hides_the_thing(live_database, app, monkeypatch):
    make_bookings_reportable(monkeypatch)
    with clock.frozen(MONDAY):
        subject = f"booking:{made_booking().id}"
        reporter_ids = [verified().id for _ in range(PROCESSES)]
        db.session.commit()
        disconnect()

        def attempt(number, _turn):
            thing = things.find(subject)
            assert thing is not None
            reports.report(people.person(reporter_ids[number]), thing, Reason.SPAM, auto_hide=PROCESSES)

        assert set(race(live_database, attempt, processes=PROCESSES, rounds=1)[0].values()) == {"done"}

    assert only(sa.select(sa.func.count()).select_from(Case)) == 1
    assert only(sa.select(sa.func.count()).select_from(Report)) == PROCESSES
    assert only(sa.select(Case.auto_hidden_at)) is not None
    assert only(sa.select(sa.func.count()).select_from(Notice).where(Notice.news == "moderation.hidden")) == 1


def test_of_moderators_who_take_a_case_in_one_instant_exactly_one_gets_it(live_database, app, monkeypatch):
    make_bookings_reportable(monkeypatch)
    case_id, moderator_ids = open_case()

    def attempt(number, _turn):
        try:
            decisions.claim(people.person(moderator_ids[number]), queries.cases_by_id([case_id])[case_id])
        except errors.SomeoneAtIt as refusal:
            raise Expired from refusal  # one of the refusals that a race knows

    with clock.frozen(MONDAY):
        outcome = race(live_database, attempt, processes=PROCESSES, rounds=1)[0]
    assert sorted(outcome.values()) == ["done"] + ["expired"] * (PROCESSES - 1)
    winner = next(number for number, what in outcome.items() if what == "done")
    assert only(sa.select(Case.claimed_by_id)) == moderator_ids[winner]


def test_of_moderators_who_decide_in_one_instant_exactly_one_does(live_database, app, monkeypatch):
    make_bookings_reportable(monkeypatch)
    case_id, moderator_ids = open_case()

    def attempt(number, _turn):
        case = queries.cases_by_id([case_id])[case_id]
        try:
            decisions.decide(people.person(moderator_ids[number]), case, Act.HIDE, reason=Reason.SPAM)
        except (errors.SomeoneAtIt, errors.NoLongerWaiting) as refusal:
            raise Expired from refusal

    with clock.frozen(MONDAY):
        outcome = race(live_database, attempt, processes=PROCESSES, rounds=1)[0]
    assert sorted(outcome.values()) == ["done"] + ["expired"] * (PROCESSES - 1)
    assert only(sa.select(sa.func.count()).select_from(Decision)) == 1
    assert only(sa.select(Case.state)) is CaseState.DECIDED


def open_case():
    """A case, and as many moderators as there are processes."""
    with clock.frozen(MONDAY):
        thing = things.find(f"booking:{made_booking().id}")
        assert thing is not None
        case_id = reports.report(factories.person(), thing, Reason.SPAM).case_id
        moderator_ids = [factories.person(roles=[Role.MODERATOR]).id for _ in range(PROCESSES)]
        db.session.commit()
        disconnect()
    return case_id, moderator_ids
