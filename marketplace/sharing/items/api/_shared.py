"""What the doors for programs share."""

from datetime import timedelta

from marketplace.civic.groups.queries import group_ids
from marketplace.kernel.access import reveal
from marketplace.kernel.words import _l
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import listings
from marketplace.web.access import current_person
from marketplace.web.security import Limit, visitor

THINGS, LOANS, WANTED = _l("Things"), _l("Loans"), _l("Wanted board")
OFTEN = (Limit("thing asked for", policy.ASKED_AN_HOUR, timedelta(hours=1), visitor),)

RULES = (
    errors.NotOffered, errors.OwnThing, errors.NotVerified, errors.OtherDistrict, errors.NotAMember, errors.InThePast,
    errors.TooSoon, errors.TooFar, errors.TooLong, errors.NotHandedOver, errors.NotHandedOverUntil, errors.TooMany,
)  # fmt: skip
"""The rules of a thing that a wish may break."""


def known(item_id: int) -> Item:
    """A thing that the present person may know of. Raises NotFound."""
    person, item = current_person(), listings.get_item(item_id)
    reveal(policy.may_know, person, item, group_ids(person))
    return item
