"""Clubs, associations and institutions of the fictional city: who belongs to them, and who wishes to."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups import queries as groups
from marketplace.civic.groups.models import Document, Group, GroupMember, GroupRequest, Role, Sort
from marketplace.civic.places.models import District
from marketplace.kernel import clock, search, things
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.portal.demo.service.people import Crowd

VERIFIED_FOR = timedelta(days=2 * 365)
NEIGHBOURS = 0.7
"""How many of a group's members live in its district."""

OWN, HIDDEN, REPORTED, HELPED_BY_MANAGER, STAFF_AWAIT, JOINED, DECLINING = range(7)
"""The first groups, in which the accounts to look around with have a part."""

PAPERS = {
    Sort.CLUB: Document.STATUTES,
    Sort.ASSOCIATION: Document.REGISTRATION,
    Sort.INSTITUTION: Document.LETTER,
}


@dataclass(slots=True)
class Clubs:
    """The groups, the ids of each one's members with the contact first, and who wishes to join."""

    groups: list[Group] = field(default_factory=list)
    members: dict[int, list[int]] = field(default_factory=dict)
    requests: list[GroupRequest] = field(default_factory=list)


def found(random: Random, count: int, crowd: Crowd, districts: list[District], inbox: Inbox) -> Clubs:
    """Write so many groups, with their members and those who wait to be let in."""
    founding = _Founding(random, crowd, districts, inbox, clock.today())
    made = founding.clubs
    for number in range(count):
        founding.found(number)
    rows.write(made.groups)
    rows.write(founding.joined)
    rows.write(made.requests)
    open_ones = (group for group in made.groups if group.is_open)
    search.index_many(groups.SEARCH_KIND, [(group.id, groups.words_of(group)) for group in open_ones])
    return made


class _Founding:
    def __init__(self, random: Random, crowd: Crowd, districts: list[District], inbox: Inbox, today: date) -> None:
        self.random, self.shown, self.inbox, self.districts = random, crowd.shown, inbox, districts
        self.midnight = clock.at(today, 0)
        self.clubs, self.joined = Clubs(), list[GroupMember]()
        self.ids, self.request_ids = rows.numbers(Group), rows.numbers(GroupRequest)
        shown = {person.id for person in crowd.shown.values()}
        self.people = [one for one in crowd.people if one.confirmed_at and one.id not in shown]
        self.near: dict[int | None, list[Person]] = {}
        for person in self.people:
            self.near.setdefault(person.district_id, []).append(person)
        self.names = [(a + c, b + d) for a, b in words.names()["first"] for c, d in words.names()["second"]]
        random.shuffle(self.names)

    def found(self, number: int) -> None:
        """Found one group, with what belongs to it."""
        random, shown = self.random, self.shown
        plan = {HIDDEN: "club_hidden", REPORTED: "club_reported"}.get(number)
        clubs = words.neighbours()["clubs"]
        sort, korean, english, about = words.neighbours()[plan] if plan else clubs[number % len(clubs)]
        stem_ko, stem_en = self.names[(number + number // len(self.names)) % len(self.names)]
        district = random.choice(self.districts)
        members = self._members(number, district)
        founded = self._after(members[0].created_at)
        group = Group(
            id=next(self.ids), name=korean.format(dong=f"{stem_ko}동"), name_en=english.format(dong=f"{stem_en}-dong"),
            sort=Sort(sort), about=about, district_id=district.id, founded_by_id=members[0].id, founded_at=founded,
            hidden=number == HIDDEN, version=1,
        )  # fmt: skip
        self._verify(number, group)
        if number > DECLINING and number % 20 == 19:
            group.closed_at, group.asked_at = self._after(founded), None
        self.clubs.groups.append(group)
        self.clubs.members[group.id] = [one.id for one in members]
        officers = random.randrange(3)
        for place, person in enumerate(members):
            role = Role.CONTACT if place == 0 else Role.OFFICER if place <= officers else Role.MEMBER
            joined = founded if place == 0 else self._after(max(founded, person.created_at))
            self.joined.append(GroupMember(group_id=group.id, person_id=person.id, role=role, joined_at=joined))
        if group.is_open and not group.hidden:
            self._requests(number, group, members)
        if number == JOINED:
            for one in (shown[who] for who in ("newcomer", "staff", "moderator", "admin")):
                self.inbox.tell(one, "groups.accepted", _subject(group), self.midnight - timedelta(days=9, hours=5))

    def _members(self, number: int, district: District) -> list[Person]:
        """Who belongs to it; the first speaks for it."""
        random, shown = self.random, self.shown
        near = self.near.get(district.id, [])
        size = min(int(random.triangular(4, 36, 9)), len(self.people) // 4)
        neighbours = random.sample(near, min(round(size * NEIGHBOURS), len(near)))
        members = list(dict.fromkeys([*neighbours, *random.sample(self.people, size)]))[:size]
        if number in (OWN, HIDDEN):
            return [shown["resident"], *members]
        if number == HELPED_BY_MANAGER:
            return [*members, shown["manager"]]
        if number == JOINED:
            return [*members, *(shown[who] for who in ("newcomer", "staff", "moderator", "admin"))]
        return members

    def _verify(self, number: int, group: Group) -> None:
        """Some are verified, of a few that is over by now, and some wait for it."""
        if number in (HIDDEN, REPORTED):
            return
        if number == STAFF_AWAIT or number % 10 == 8:
            group.asked_at = self._after(max(group.founded_at, self.midnight - timedelta(days=12)))
        elif number % 2 == 0 or number == HELPED_BY_MANAGER:
            looked = self._after(group.founded_at)
            lasts = VERIFIED_FOR if number % 12 else timedelta(days=3 * 365)
            group.verified_at, group.verified_by_id = looked, self.shown["staff"].id
            group.verified_document, group.verified_until = PAPERS[group.sort], clock.local(looked).date() + lasts
            if number == OWN:
                self.inbox.tell(
                    self.shown["resident"], "groups.verified", _subject(group), looked,
                    until=group.verified_until.isoformat(),
                )  # fmt: skip

    def _requests(self, number: int, group: Group, members: list[Person]) -> None:
        """Who wishes to join; what an officer answered some of them."""
        random, known = self.random, {one.id for one in members}
        said = words.neighbours()
        asking = [one for one in random.sample(self.people, 3) if one.id not in known]
        if number == OWN:
            asking = [self.shown["newcomer"], *asking[:2]]
        elif number == DECLINING:
            asking = [self.shown["newcomer"]]
        elif random.random() < 0.5:
            return
        for person in asking:
            made = self._after(max(group.founded_at, person.created_at, self.midnight - timedelta(days=6)))
            request = GroupRequest(
                id=next(self.request_ids), group_id=group.id, person_id=person.id,
                message=random.choice(said["wishes"]), made_at=made,
            )  # fmt: skip
            if number == DECLINING or (number != OWN and random.random() < 0.3):
                request.answered_at, request.answered_by_id = self._after(made), members[0].id
                request.accepted, request.reason = False, random.choice(said["wish_declined"])
                if number == DECLINING:
                    at, why = request.answered_at, request.reason
                    self.inbox.tell(person, "groups.declined", _subject(group), at, reason=why)
            elif number == OWN:
                self.inbox.tell(
                    members[0], "groups.asked", _subject(group), made,
                    request_id=request.id, name=person.name, names=person.id,
                )  # fmt: skip
            self.clubs.requests.append(request)

    def _after(self, moment: datetime) -> datetime:
        """Some whole minute between a moment and the last midnight."""
        minutes = int((self.midnight - moment).total_seconds()) // 60
        return moment + timedelta(minutes=self.random.randrange(max(minutes, 1)))


def _subject(group: Group) -> str:
    return things.subject("group", group.id)
