"""What the pages about a loan share."""

from datetime import timedelta

from marketplace.kernel import looking
from marketplace.kernel.access import reveal
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.queries import loans as queries
from marketplace.web.access import current_person
from marketplace.web.looking import looked
from marketplace.web.security import Limit, visitor

OFTEN = (Limit("thing asked for", policy.ASKED_AN_HOUR, timedelta(hours=1), visitor),)

looking.page("items.loan", _l("A loan of yours"))


def seen(reference: str) -> Loan:
    """A loan that the present person may see; of a library's, who read it is put on record."""
    found, person = queries.get_loan(reference), current_person()
    reveal(policy.may_see, person, found)
    looked("items.loan", policy.offices(person, found))
    return found
