"""Whom the community centres of the fictional city know."""

from datetime import timedelta
from random import Random

from marketplace.civic.places.models import Building
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import clock, things
from marketplace.portal.demo.service import rows
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.portal.demo.service.people import Crowd

CENTRES = "community"
EACH = 4
"""So many people a centre knows."""


def vouch(random: Random, crowd: Crowd, houses: list[Building], inbox: Inbox) -> int:
    """Have centres say whom they know; the resident agreed, the newcomer is asked. Says how many words stand."""
    ids, midnight = rows.numbers(Vouch), clock.at(clock.today(), 0)
    resident, newcomer = crowd.shown["resident"], crowd.shown["newcomer"]
    shown = {person.id for person in crowd.shown.values()}
    others = [one for one in crowd.people if one.verified_at and one.id not in shown]
    made = []
    for place, building in enumerate(house for house in houses if house.code.split("-")[1] == CENTRES):
        manager_id = crowd.managers[building.id]
        known = random.sample(others, min(EACH, len(others)))
        for person in [resident, newcomer, *known] if place == 0 else known:
            if person.id == manager_id:
                continue
            at = midnight - timedelta(minutes=random.randrange(200, 90 * 24 * 60))
            agreed = None if person is newcomer else at + timedelta(minutes=random.randrange(5, 150))
            made.append(
                Vouch(
                    id=next(ids), person_id=person.id, building_id=building.id, made_by_id=manager_id, made_at=at,
                    agreed_at=agreed,
                )
            )  # fmt: skip
            if agreed is None:
                inbox.tell(person, "vouches.asked", things.subject("vouch", made[-1].id), at)
    rows.write(made)
    return sum(one.agreed_at is not None for one in made)
