"""In someone else's name: a person for a group, staff for someone who came or called. The same in every feature."""

from dataclasses import dataclass
from typing import Any

from marketplace.civic.accounts.models import Caller, Person
from marketplace.civic.accounts.queries import one_spelling
from marketplace.civic.groups import errors, policy, queries
from marketplace.civic.groups.models import Channel, Group
from marketplace.kernel import audit, db, looking
from marketplace.kernel.things import subject


@dataclass(frozen=True, slots=True)
class Behalf:
    """In whose name something is done, where not in the doer's own: for a group, or entered by staff for a caller."""

    group: Group | None = None
    entered_by: Person | None = None
    channel: Channel | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The values of a row that mixes in OnBehalf."""
        return {"group": self.group, "entered_by_id": self.entered_by and self.entered_by.id, "channel": self.channel}

    def detail(self, person: Person) -> dict[str, int | str]:
        """What the audit entry of the act says of it."""
        if self.entered_by is not None and self.channel is not None:
            return {"for_person": person.id, "channel": self.channel.value}
        return {"for_group": self.group.id} if self.group else {}


def for_group(person: Person, group_id: int | None) -> Behalf | None:
    """What the choice "For: myself or a group" of a form means. Raises NotYourGroup."""
    if not group_id:
        return None
    group = queries.groups([group_id]).get(group_id)
    if group is None or not policy.may_act_for(person, group):
        raise errors.NotYourGroup(field="group")
    return Behalf(group=group)


def for_caller(staff: Person, office: dict[str, Any], *, name: str, email: str, phone: str, language: str) -> Person:
    """Whom staff enter something for: whose address it is, else someone known by name and how to reach them.

    Finding someone's account is put on record with the office in which the staff member did so, as kernel/looking.py
    has it. Raises NobodyToReach, or ForYourself.
    """
    if not email and not phone:
        raise errors.NobodyToReach(field="email")
    person = queries.account_of(email)
    if person is None:
        return _without_account(staff, name, email, phone, language)
    if person.id == staff.id:
        raise errors.ForYourself(field="email")
    looking.put_down(staff.id, "groups.caller", {person.id: office})
    return person


def _without_account(staff: Person, name: str, email: str, phone: str, language: str) -> Person:
    known = queries.caller(name, email, phone)
    if known is not None:
        known.phone = phone or known.phone
        return known.person
    person = Person(name=name, email=one_spelling(email), password_hash="", language=language, grants=[])
    db.session.add(person)
    db.session.flush()
    db.session.add(Caller(person_id=person.id, phone=phone))
    db.session.flush()
    audit.record(staff.id, "groups.caller_entered", subject("person", person.id))
    return person
