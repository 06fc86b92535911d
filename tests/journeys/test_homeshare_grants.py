"""A host has a room made ready at the city's expense; anybody reads what home share achieves."""

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.kernel import clock
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.grants import Grant, GrantState
from tests.journeys.test_lending import BOTH

NEEDED = {"en": "The door has no lock.", "ko": "문에 잠금장치가 없습니다."}
REASON = {"en": "A room needs a door that locks.", "ko": "방에는 잠기는 문이 있어야 합니다."}


@pytest.fixture
def second_coordinator(city):
    """Staff of the city hall look after home share as well."""
    staff = city.ask(sa.select(Person.id).where(Person.email == f"staff@{DOMAIN}"))
    held = sa.select(RoleGrant.id).where(RoleGrant.person_id == staff, RoleGrant.role == Role.COORDINATOR)
    if not city.ask(held):
        city.change(sa.insert(RoleGrant).values(person_id=staff, role=Role.COORDINATOR))
    return "staff"


@BOTH
def test_a_grant_is_asked_for_given_reported_done_and_paid_by_somebody_else(
    visitor, city, second_coordinator, language, scripts, width
):
    city.typed += [NEEDED[language], REASON[language]]
    host, first, second = (visitor(language, scripts=scripts, width=width) for _ in range(3))
    host.sign_in("host")
    home = sa.select(Application.reference).join(Person, Person.id == Application.person_id)
    home = home.where(Person.email == f"host@{DOMAIN}", Application.side == Side.HOST)
    host.go(f"/homeshare/applications/{city.ask(home)}")
    host.follow("Grants for repairs")
    host.press("Ask for a grant")
    host.field("A door that locks").check()
    host.field("Sum").fill("80000")
    host.field("What is to be done?").fill(NEEDED[language])
    host.press("Send")
    host.reads("Sent. A coordinator decides, and we write to you.")
    address = host.page.url

    first.sign_in("coordinator")
    first.go("/homeshare/staff")
    first.follow("Grants for repairs")
    first.follow("A door that locks")
    first.field("Yes, the city pays").check()
    first.field("Reason").fill(REASON[language])
    first.press("Decide")
    first.reads("Decided. The host reads your reason.")

    host.go(address)
    assert REASON[language] in host.page.locator("main").inner_text()
    host.press("The work is done")
    host.reads("Thank you. The invoice is looked at and the sum paid.")

    first.go(address)
    first.reads("You granted this yourself. Someone else has to book the payment.")
    second.sign_in(second_coordinator)
    second.go("/homeshare/staff/grants")
    second.follow("A door that locks")
    for name in ("invoice_seen_on", "paid_on"):
        second.page.locator(f'[name="{name}"]').fill(clock.today().isoformat())
    second.press("Put down as paid")
    second.reads("Put down as paid. The host has been told.")

    host.go(address)
    host.reads("Paid on")
    paid = sa.select(sa.func.count()).where(Grant.state == GrantState.PAID, Grant.reference == address.split("/")[-1])
    assert city.ask(paid) == 1


@BOTH
def test_a_resident_reads_what_home_share_achieves(visitor, language, scripts, width):
    resident = visitor(language, scripts=scripts, width=width)
    resident.sign_in("resident")
    resident.go("/homeshare")
    resident.follow("What home share achieves")
    resident.reads("Days in each stage")
    resident.reads("Where rooms lack")
    file = resident.page.get_by_role("link", name=resident.word("The same figures as a file (CSV)"), exact=True)
    table = resident.fetch(resident.city.address + str(file.get_attribute("href"))).text()
    assert table.splitlines()[0].lstrip("\ufeff") == "figure,quarter,value,of,unit"
