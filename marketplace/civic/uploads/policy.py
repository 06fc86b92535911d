"""Who may see a file, and who may delete it."""

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads.models import Upload
from marketplace.kernel.things import Thing


def may_see(person: Person | None, upload: Upload, thing: Thing | None) -> bool:
    """Its owner, and whoever may see the thing it is attached to."""
    return owns(person, upload) or (thing is not None and thing.seen_by(person))


def owns(person: Person | None, upload: Upload) -> bool:
    """Only who added a file attaches it, sees why it was refused, and deletes it."""
    return person is not None and upload.person_id == person.id
