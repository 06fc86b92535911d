"""Someone acts everywhere, is erased, and then nothing they ever wrote is in the database or in a file."""

from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.groups.service import joining
from marketplace.civic.moderation.models import Act, Reason
from marketplace.civic.moderation.service import decisions
from marketplace.civic.notifications.models import Notice
from marketplace.civic.privacy import queries
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import clock, db, hooks, jobs, limits, words
from marketplace.sharing.spaces.service import forgetting
from tests import factories
from tests.civic.privacy.canaries import Canaries, dumped, files_below, plant, tables_to_plant
from tests.conftest import KIND
from tests.factories import march

pytestmark = pytest.mark.usefixtures("live_database")


def work():
    db.session.commit()
    jobs.run_pending()


def act(canaries: Canaries, browser) -> Person:
    """Someone registers, books, asks for a room, makes a token, changes name and address, and asks for a copy."""
    name, password = canaries.new("name"), "three tall herons"
    first, second = canaries.new("first address"), canaries.new("second address")
    browser.send("/register", name=name, email=f"{first}@example.org", password=password, _key="1")
    browser.send("/forgot-password", email=f"{first}@example.org", _key="2")
    db.session.execute(sa.update(Person).where(Person.name == name).values(confirmed_at=clock.now()))
    for number, by_request in enumerate((False, True)):
        room = factories.space(f"Room {number}", by_request=by_request)
        db.session.commit()
        time = {"start": march(11 + number, 10, 11).starts_at.isoformat(), "minutes": 60, "_key": f"h{number}"}
        held = browser.send(f"/spaces/{room.id}/hold", **time).headers["Location"]
        purpose = canaries.new("purpose")
        said = {"people": 3, "purpose": purpose, "rules_accepted": "yes", "_key": f"d{number}"}
        assert browser.send(held.partition("?")[0], **said).status_code == 303
    token = canaries.new("token's name")
    browser.send("/account/tokens", name=token, _key="3")
    browser.send("/account/email", email=f"{second}@example.org", password=password, _key="4")
    person = db.session.scalars(sa.select(Person).where(Person.name == name)).one()
    browser.send("/account", name=canaries.new("later name"), language="ko", version=person.version, _key="5")
    browser.send("/account/data", _key="6")
    work()
    db.session.execute(sa.update(jobs.Job).values(last_error=f"SMTPRecipientsRefused: {second}"))
    return person


def plant_everywhere(canaries: Canaries, person_id: int) -> set[str]:
    """A row in every table about people; gives their names."""
    planted = set()
    for table in tables_to_plant():
        with suppress(AlreadyThere):
            _plant(canaries, table, person_id)
        planted.add(table.name)
    db.session.commit()
    return planted


class AlreadyThere(Exception):
    """The person has the one row that they can have."""


def _plant(canaries: Canaries, table: sa.Table, person_id: int) -> None:
    try:
        with db.session.begin_nested():
            plant(canaries, table, person_id)
    except sa.exc.IntegrityError as clash:
        if "unique" in str(clash.orig).lower():
            raise AlreadyThere from clash
        raise


def erase(person_id: int, monkeypatch) -> None:
    """What the worker does once the week is over, whatever was planted in the way."""
    monkeypatch.setattr(queries, "obstacles", lambda _person: [])
    person = db.session.get_one(Person, person_id)
    person.erase_at = clock.now()
    db.session.commit()
    jobs.run_pending()
    erasure.queue_due()
    work()
    db.session.remove()


def test_nothing_is_left_of_someone_erased(browser, settings, monkeypatch, live_database):
    canaries = Canaries()
    person_id = act(canaries, browser).id
    planted = plant_everywhere(canaries, person_id)
    before = canaries.found_in(dumped()) | canaries.found_in(files_below(settings.data_dir))
    assert before, "there is something to erase"
    assert {"bookings", "person_sessions", "email_tokens", "api_tokens"} <= planted

    erase(person_id, monkeypatch)

    assert canaries.found_in(dumped()) == set()
    assert canaries.found_in(files_below(settings.data_dir)) == set()
    with words.speaking("en"):
        gone = db.session.get_one(Person, person_id)
    assert (gone.name, gone.is_confirmed, gone.password_hash) == ("Former resident", False, "")
    if KIND == "sqlite":
        assert canaries.found_in([raw(live_database)]) == set()


def raw(url: str) -> str:
    """The bytes of the database file, once what stands in its log is moved into it."""
    db.session.remove()
    engine = db.make_engine(url)
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return Path(str(engine.url.database)).read_bytes().decode("latin-1")


def test_the_search_finds_what_a_feature_forgets(browser, monkeypatch, live_database):
    kept = [one for one in hooks.erasing._answerers if one is not forgetting.erase]
    monkeypatch.setattr(hooks.erasing, "_answerers", kept)
    canaries = Canaries()
    person_id = act(canaries, browser).id
    plant_everywhere(canaries, person_id)

    erase(person_id, monkeypatch)

    assert canaries.found_in(dumped()) == {"purpose", "bookings.purpose", "bookings.reason"}


def test_what_others_were_told_of_someone_is_forgotten(monkeypatch, live_database, letters):
    canaries = Canaries()
    person, house = factories.person(canaries.new("name")), factories.building()
    manager = factories.person("The manager", roles=[(Role.MANAGER, house)])
    subject = f"booking:{factories.booking(factories.space(building=house), march(11, 10, 11), by=person).id}"
    joining.ask(person, factories.group(), "I like novels.")
    message = factories.said(person, subject)
    case = factories.report(message.name, manager).case
    decisions.decide(factories.person(roles=[Role.MODERATOR]), case, Act.WARN, reason=Reason.WRONG)
    db.session.commit()
    with clock.frozen(clock.now() + timedelta(hours=1)):
        letters()
        told = {notice.news for notice in db.session.scalars(sa.select(Notice)) if canaries.found_in([notice.title])}
        assert {"groups.asked", "conversations.message", "moderation.outcome"} <= told

        erase(person.id, monkeypatch)

    assert canaries.found_in(dumped()) == set()


def test_tries_to_sign_in_are_forgotten(browser, monkeypatch, live_database):
    canaries = Canaries()
    person = act(canaries, browser)
    browser.send("/sign-out")
    browser.send("/sign-in", email=person.email, password="wrong wrong wrong")
    tried = limits.digest(f"sign-in account:{person.email}")
    counted = sa.select(limits.RateCounter.key)
    assert tried in db.session.scalars(counted).all()

    erase(person.id, monkeypatch)

    assert tried not in db.session.scalars(counted).all()
