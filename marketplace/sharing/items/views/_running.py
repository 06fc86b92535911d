"""What the pages for those who run a library share."""

from collections.abc import Iterable

from marketplace.sharing.items import policy
from marketplace.sharing.items.models.listing import Library
from marketplace.sharing.items.queries import libraries
from marketplace.web.access import current_person, reveal_by_role
from marketplace.web.looking import looked


def run(library_id: int) -> Library:
    """A library that the present person runs. Raises NotFound."""
    library = libraries.get_library(library_id)
    reveal_by_role(policy.may_run, current_person(), library)
    return library


def reads_about(library: Library, page: str, people: Iterable[int]) -> None:
    """Put on record that the present person reads about these people on a page of the library."""
    looked(page, dict.fromkeys(people, policy.office(current_person(), library)))
