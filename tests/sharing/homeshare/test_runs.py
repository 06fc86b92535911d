"""Runs of the pairing on what the database knows: who may be paired, what is kept of it, and who releases it."""

import json
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db, jobs
from marketplace.kernel.errors import Forbidden, NotFound
from marketplace.sharing.homeshare import errors, runs
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Campus
from marketplace.sharing.homeshare.models.checks import Check, CheckKind
from marketplace.sharing.homeshare.models.matches import Match, MatchState
from marketplace.sharing.homeshare.models.overrides import Override, OverrideKind
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.models.runs import Run, RunPerson, RunState
from marketplace.sharing.homeshare.queries import runs as queries
from marketplace.sharing.homeshare.service import runs as service
from matching.candidates.explain import explain_pair
from matching.pairing import check
from matching.pairing.record import differences
from tests import factories


def preview(**facts):
    """A run on what is there now."""
    return service.keep(service.make(chance=Random(7), time_limit=5.0, **facts), db.session())


def proposed(run):
    """The pairs of a run, by the ids of their applications."""
    ids = runs.applications_of(run)
    return {(ids[seeker], ids[home]) for seeker, home in run.proposed}


@pytest.fixture
def coordinator():
    return factories.coordinator()


def test_who_fits_is_paired_and_a_room_is_given_once():
    home, one, other = factories.home(), factories.student(), factories.student()

    run = preview()

    assert len(proposed(run)) == 1
    assert proposed(run) < {(one.id, home.id), (other.id, home.id)}
    assert (run.housed, run.outcome["proven"], run.outcome["blocking"]) == (1, True, [])


@pytest.mark.parametrize(
    ("of_student", "of_home"),
    [
        ({"budget": 200_000}, {}),
        ({"smokes": True}, {}),
        ({"pets": ["dog"]}, {}),
        ({}, {"hours": 11}),
        ({}, {"rent": 310_000}),
        ({}, {"free_from": "2027-11-01"}),
        ({"people": 2}, {}),
        ({"adult": False}, {}),
        ({}, {"eligible": False}),
    ],
)
def test_who_fails_a_rule_is_not_paired(of_student, of_home):
    factories.student(**of_student)
    factories.home(**of_home)

    assert proposed(preview()) == set()


def test_a_check_that_ran_out_takes_someone_out():
    student, home = factories.student(), factories.home()
    visit = sa.select(Check).where(Check.application_id == home.id, Check.kind == CheckKind.VISIT)
    old = db.session.scalars(visit).one()
    old.checked_on = old.good_until = clock.today() - timedelta(days=1)
    assert proposed(preview()) == set()

    factories.check(home, CheckKind.VISIT)
    assert proposed(preview()) == {(student.id, home.id)}


@pytest.mark.parametrize("state", [ApplicationState.PAUSED, ApplicationState.SENT])
def test_who_does_not_take_part_is_not_paired(state):
    factories.home().state = state
    factories.student()

    assert proposed(preview()) == set()


def test_a_room_kept_for_someone_is_not_given_again():
    home = factories.home(rooms=2)
    factories.match(lodger := factories.student(), home, state=MatchState.LIVING)
    student = factories.student()
    factories.student(people=2)

    run = preview()

    assert proposed(run) == {(student.id, home.id)}
    assert len(run.market["locked"]) == 1
    assert lodger.id in runs.applications_of(run).values()


@pytest.mark.parametrize(
    ("state", "again"), [(MatchState.DECLINED, False), (MatchState.ENDED, False), (MatchState.EXPIRED, True)]
)
def test_two_who_declined_or_parted_are_not_proposed_again(state, again):
    student, home = factories.student(), factories.home()
    factories.match(student, home, state=state)

    assert bool(proposed(preview())) is again


@pytest.mark.parametrize("place", [0, 1])
def test_who_needs_a_room_soon_comes_first(place):
    home, students = factories.home(), [factories.student(), factories.student()]
    students[place].needed_by = clock.today() + timedelta(days=5)

    assert proposed(preview()) == {(students[place].id, home.id)}


def test_pairs_of_the_last_preview_stay_and_the_record_says_what_moved():
    home, first = factories.home(), factories.student()
    preview()
    factories.student()

    run = preview()

    assert proposed(run) == {(first.id, home.id)}
    told = {name: run.changes[name] for name in ("before", "kept", "moved", "new")}
    assert told == {"before": 1, "kept": 1, "moved": 0, "new": 0}


def test_a_newer_preview_takes_the_place_of_an_older_one(coordinator):
    older, newer = preview(), preview()
    db.session.refresh(older)

    assert (older.state, newer.state) == (RunState.DROPPED, RunState.PREVIEW)
    with pytest.raises(errors.NotReleasedAnyMore):
        service.release(coordinator, older)


# --- the lot and the record ---


def test_the_seed_was_committed_to_by_the_run_before():
    first, second = preview(), preview()

    assert second.seed == first.next_seed
    assert second.commitment == first.next_commitment
    assert int(second.seed).bit_length() > 100


def test_a_stranger_recomputes_a_released_run_from_its_record(coordinator):
    home = factories.home()
    factories.match(factories.student(), factories.home(), state=MatchState.TRIAL)
    for _turn in range(4):
        factories.student()
    service.decide(coordinator, OverrideKind.BAN, factories.student(), home, "They asked for it.", None)
    run = preview()
    with pytest.raises(NotFound):
        queries.published(run)
    service.release(coordinator, run)

    record = queries.published(run)

    assert differences(record) == []
    assert queries.published(run) == record
    changed = json.loads(record)
    changed["market"]["homes"][0][1] += 1
    assert differences(json.dumps(changed))


def test_the_record_names_nobody_and_tells_no_facts(coordinator):
    home, student = factories.home(rent=234_000), factories.student(budget=287_000)
    run = preview()
    service.release(coordinator, run)

    record = queries.published(run)

    for said in ("234000", "287000", home.reference, student.reference, "Boksoon", "Minjun", str(home.cell)):
        assert said not in record
    assert set(json.loads(record)["market"]) == {"seekers", "homes", "pairs", "locked", "withheld", "incumbents"}


def test_old_facts_and_numbers_are_forgotten_and_the_market_stays(monday):
    run = preview()
    factories.student()
    kept = preview()
    monday(clock.now() + timedelta(days=91))
    fresh = preview()

    service.thin()

    for one in (run, kept, fresh):
        db.session.refresh(one)
    assert [one.facts is None for one in (run, kept, fresh)] == [True, True, False]
    assert db.count(sa.select(RunPerson.number).where(RunPerson.run_id != fresh.id)) == 0
    assert kept.market["seekers"]


def test_whoever_leaves_is_nobody_in_the_runs():
    student, home = factories.student(), factories.home()
    run = preview()

    service.forget([student.id])

    db.session.refresh(run)
    assert run.facts is None
    assert list(runs.applications_of(run).values()) == [home.id]


# --- releasing ---


def test_releasing_proposes_each_pair_with_its_reasons(coordinator):
    student, home = factories.student(), factories.home()

    (match,) = service.release(coordinator, run := preview())

    assert (match.student_id, match.home_id, match.state) == (student.id, home.id, MatchState.PROPOSED)
    assert match.run_id == run.id
    assert {one["verdict"] for one in match.card["findings"]} == {1}
    assert sum(part["points"] for part in match.card["student"]["parts"]) == match.card["student"]["points"]
    assert (run.state, run.released_by_id, run.left_out) == (RunState.RELEASED, coordinator.id, [])


def test_who_changed_since_is_left_out_and_listed(coordinator):
    students = [factories.student() for _turn in range(3)]
    homes = [factories.home() for _turn in range(3)]
    run = preview()
    assert len(proposed(run)) == 3
    smoker, gone, kept = sorted(proposed(run))
    db.session.get_one(Application, smoker[0]).answers = students[0].answers | {"smokes": True}
    db.session.get_one(Application, gone[1]).state = ApplicationState.PAUSED

    made = service.release(coordinator, run)

    assert [(one.student_id, one.home_id) for one in made] == [kept]
    assert sorted(line.split()[2] for line in run.left_out) == ["gone", "smoking"]
    assert {one.id for one in homes} >= {one.home_id for one in made}


def test_a_run_is_released_once(coordinator):
    factories.student()
    factories.home()
    run = preview()
    service.release(coordinator, run)

    with pytest.raises(errors.NotReleasedAnyMore):
        service.release(coordinator, run)
    with pytest.raises(errors.NotReleasedAnyMore):
        service.drop(coordinator, run)
    assert db.count(sa.select(Match.id)) == 1


def test_a_run_older_than_a_day_is_not_released(coordinator, monday):
    run = preview()
    monday(clock.now() + timedelta(hours=25))

    with pytest.raises(errors.RunTooOld):
        service.release(coordinator, run)


def test_only_coordinators_release_drop_and_decide():
    resident, run = factories.person(), preview()
    student, home = factories.student(), factories.home()

    for act in (
        lambda: service.release(resident, run),
        lambda: service.drop(resident, run),
        lambda: service.decide(resident, OverrideKind.PIN, student, home, "Because.", None),
    ):
        with pytest.raises(Forbidden):
            act()


# --- by hand ---


def test_a_ban_keeps_two_from_each_other_and_says_what_it_costs(coordinator):
    student, home = factories.student(), factories.home()
    ban = service.decide(coordinator, OverrideKind.BAN, student, home, "The host asked for time.", None)

    run = preview()

    assert proposed(run) == set()
    assert run.changes["costs"][str(ban.id)] == {"people": 1, "blocking": 1}


def test_a_ban_ends_on_its_day(coordinator, monday):
    student, home = factories.student(), factories.home()
    service.decide(coordinator, OverrideKind.BAN, student, home, "Until Tuesday.", clock.today() + timedelta(days=1))
    assert proposed(preview()) == set()

    monday(clock.now() + timedelta(days=2))
    assert proposed(preview()) == {(student.id, home.id)}


def test_a_pin_is_kept_against_a_better_pair(coordinator):
    home = factories.home()
    factories.student(hours=10, evenings=7)
    student = factories.student(hours=5, evenings=3)
    service.decide(coordinator, OverrideKind.PIN, student, home, "They know each other.", None)

    run = preview()

    assert proposed(run) == {(student.id, home.id)}
    assert len(run.pinned) == 1
    (match,) = service.release(coordinator, run)
    assert match.student_id == student.id


def test_a_pin_against_a_rule_counts_once_another_coordinator_agrees(coordinator):
    home, student = factories.home(), factories.student(budget=240_000)
    pin = service.decide(coordinator, OverrideKind.PIN, student, home, "An aunt pays the rest.", None)
    assert pin.broken == "rent_in_budget"
    assert proposed(preview()) == set()
    with pytest.raises(errors.AnotherHasToAgree):
        service.second(coordinator, pin)

    service.second(factories.coordinator("Another"), pin)

    run = preview()
    assert proposed(run) == {(student.id, home.id)}
    (match,) = service.release(coordinator, run)
    assert match.student_id == student.id


def test_a_pin_that_fails_another_rule_by_now_is_dropped_and_listed(coordinator):
    home, student = factories.home(), factories.student()
    service.decide(coordinator, OverrideKind.PIN, student, home, "They know each other.", None)
    student.answers = student.answers | {"smokes": True}

    run = preview()

    assert proposed(run) == set()
    assert [why for _s, _h, why in run.changes["dropped"]] == ["rules"]


def test_rules_that_protect_people_are_never_set_aside(coordinator):
    unchecked = factories.home()
    db.session.execute(sa.delete(Check).where(Check.application_id == unchecked.id))
    student = factories.student()

    with pytest.raises(errors.NeverSetAside) as refusal:
        service.decide(coordinator, OverrideKind.PIN, student, unchecked, "In a hurry.", None)
    assert "checks of host and home" in str(refusal.value.sentence)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"broken": "home_checks"}, "vetting_is_never_set_aside"),
        ({"broken": "smoking kept_apart"}, "vetting_is_never_set_aside"),
        ({"broken": "smoking", "kind": OverrideKind.BAN}, "only_pins_break_rules"),
        ({"reason": " "}, "has_a_reason"),
    ],
)
def test_the_database_refuses_what_nobody_may_decide(coordinator, facts, name):
    said = {"kind": OverrideKind.PIN, "reason": "Because.", "by_id": coordinator.id} | facts
    db.session.add(Override(student_id=factories.student().id, home_id=factories.home().id, **said))

    with pytest.raises(sa.exc.IntegrityError, match=name):
        db.session.flush()


def test_two_kept_apart_for_their_safety_are_never_paired(coordinator):
    student, home = factories.student(), factories.home()
    apart = service.decide(coordinator, OverrideKind.APART, student, home, "A court order.", None)
    assert proposed(preview()) == set()
    with pytest.raises(errors.NeverSetAside):
        service.decide(coordinator, OverrideKind.PIN, student, home, "Never mind.", None)
    with pytest.raises(errors.DecidedBefore):
        service.decide(coordinator, OverrideKind.BAN, student, home, "For now.", None)

    service.take_back(coordinator, apart)
    assert proposed(preview()) == {(student.id, home.id)}


# --- why ---


def test_every_two_have_one_reason_that_is_verified(coordinator):
    homes = [factories.home(), factories.home(rent=260_000)]
    students = [factories.student(), factories.student(), factories.student(smokes=True)]
    run = preview()
    of = queries.standings(run)
    assert of is not None
    named = {one.id: str(of.name(one)) for one in (*homes, *students)}

    found = queries.whys(of, [(named[s.id], named[h.id]) for s in students for h in homes])

    codes = [str(one.code) for one in found]
    assert codes.count("paired") == 2
    assert codes[-2:] == ["no feasible partner"] * 2
    with pytest.raises(NotFound):
        queries.why(of, "s99", "h1")


def test_someone_alone_reads_what_would_change_it():
    factories.home()
    student = factories.student(budget=230_000)
    preview()

    told = queries.alone(student)

    assert told is not None
    assert (told.fitting, told.homes) == (0, 1)
    assert [(one.rule, one.by, one.unit, one.homes) for one in told.would] == [("rent_in_budget", 20_000, "won", 1)]


def test_a_host_alone_reads_how_many_nearly_fit():
    home = factories.home()
    factories.student(budget=230_000)
    preview()

    told = queries.alone(home)

    assert told is not None
    assert [(str(one.code), one.short_by) for one in told.near] == [("rent_in_budget", 20_000)]


def test_nothing_is_told_before_the_first_run():
    assert queries.alone(factories.student()) is None


# --- by night and by day ---


def test_a_run_is_made_every_night(monday):
    student, home = factories.student(), factories.home()
    jobs.enqueue("homeshare.nightly")

    jobs.run_pending()

    (run,) = db.session.scalars(sa.select(Run)).all()
    assert proposed(run) == {(student.id, home.id)}


def test_a_run_is_made_by_day_only_for_who_needs_a_room_soon(monday):
    student = factories.student()
    assert not queries.somebody_new_needs_a_room_soon()

    student.needed_by = clock.today() + timedelta(days=7)
    db.session.flush()
    assert queries.somebody_new_needs_a_room_soon()
    preview()
    assert not queries.somebody_new_needs_a_room_soon()


def test_a_run_reads_the_city_in_the_same_number_of_statements_whatever_its_size(statements):
    def needed(people):
        for _turn in range(people):
            factories.student()
            factories.home()
        db.session.expire_all()
        with statements() as count:
            runs.gather(clock.today())
        return len(count)

    assert needed(2) == needed(8)


# --- whatever the city ---


@st.composite
def cities(draw):
    """Some students and homes, of which some may not be paired."""
    student = st.fixed_dictionaries(
        {"budget": st.sampled_from([220_000, 260_000, 300_000]), "smokes": st.booleans(),
         "hours": st.integers(3, 8), "longest_way": st.sampled_from([2_000, 8_000])}
    )  # fmt: skip
    home = st.fixed_dictionaries(
        {"rent": st.sampled_from([210_000, 250_000, 290_000]), "smoking": st.booleans(), "hours": st.integers(0, 8)}
    )
    trouble = st.sampled_from(["none", "none", "none", "expired", "paused", "failed"])
    sides = [st.lists(st.tuples(one, trouble), min_size=1, max_size=4) for one in (student, home)]
    return draw(sides[0]), draw(sides[1]), draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3))


@contextmanager
def gone_afterwards():
    """What is made within is gone afterwards, so that one example knows nothing of another."""
    try:
        yield
    finally:
        db.session.expunge_all()
        for table in (Match, RunPerson, Run, Override, Check, Application):
            db.session.execute(sa.delete(table))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cities())
def test_nobody_is_ever_paired_against_a_check_a_ban_or_a_rule(city):
    of_students, of_homes, bans = city
    yesterday = clock.today() - timedelta(days=1)
    with gone_afterwards():
        here = db.session.scalars(sa.select(Campus)).first() or factories.campus()
        by = factories.coordinator()
        sides = (
            [(factories.student(at=here, **answers), trouble) for answers, trouble in of_students],
            [(factories.home(**answers), trouble) for answers, trouble in of_homes],
        )
        for one, trouble in (*sides[0], *sides[1]):
            if trouble == "paused":
                one.state = ApplicationState.PAUSED
            elif trouble == "failed":
                factories.check(one, CheckKind.INTERVIEW, passed=False)
            elif trouble == "expired":
                late = sa.update(Check).where(Check.application_id == one.id, Check.kind == CheckKind.IDENTITY)
                db.session.execute(late.values(checked_on=yesterday, good_until=yesterday))
        banned = {(sides[0][s % len(sides[0])][0].id, sides[1][h % len(sides[1])][0].id) for s, h in bans}
        for s, h in banned:
            db.session.add(Override(kind=OverrideKind.BAN, student_id=s, home_id=h, reason="No.", by_id=by.id))
        db.session.flush()
        db.session.expire_all()

        run = preview()

        found = proposed(run)
        world, pack = runs.world_of(runs.gather(clock.today())), programme().pack
        for student_id, home_id in found:
            assert explain_pair(world, pack, student_id, home_id).acceptable
        healthy = {one.id for one, trouble in (*sides[0], *sides[1]) if trouble == "none"}
        assert {one for pair in found for one in pair} <= healthy
        assert not found & banned
        assert len({home for _student, home in found}) == len(found)
        of = queries.standings(run)
        assert of is not None
        assert check(of.problem, of.pairs).blocking == ()


def test_what_else_the_city_knows_of_people_changes_nothing():
    hosts = [factories.neighbour(name, language=language) for name, language in (("Ann", "en"), ("Boksoon", "ko"))]
    for host in hosts:
        factories.home(host)
    for name in ("Minjun", "Aziza", "Linh"):
        factories.student(factories.neighbour(name))
    before = runs.draw(runs.gather(clock.today()), 5, Random(3))
    for person in db.session.scalars(sa.select(Person)):
        person.name, person.language, person.verified_at = person.name[::-1], "en", None
        person.verified_method = None
    db.session.flush()
    db.session.expire_all()

    after = runs.draw(runs.gather(clock.today()), 5, Random(3))

    assert after.decision == before.decision
    assert runs.facts_of(after.world) == runs.facts_of(before.world)
