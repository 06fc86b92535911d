"""What people are told about groups, letters of invitation, and what is kept of it all."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import url_for

from marketplace.civic.accounts.models import Caller
from marketplace.civic.groups import queries
from marketplace.civic.groups.models import Group, GroupInvitation, GroupMember, GroupRequest, Role
from marketplace.civic.groups.service import leaving
from marketplace.civic.notifications import models as notices
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel import hooks, jobs
from marketplace.kernel.hooks import Extract, Obstacle, extract
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _l
from marketplace.web import letters
from marketplace.web.pages import whole_address

GROUPS = Topic(
    "groups",
    _l("Your groups"),
    _l("Who wishes to join, answers to your own wishes, and whether your group is verified."),
)


def _news(name: str, title: Text, **more: Any) -> None:
    notices.register(
        News(
            f"groups.{name}",
            GROUPS,
            lambda thing, facts: title.filled(group=thing.title, **facts),
            letter="letters/notifications/with_reason",
            context=lambda _thing, _person, facts: {"reason": facts.get("reason", "")},
            **more,
        )
    )


_news(
    "asked",
    _l("{name} wishes to join {group}"),
    link=lambda _thing, facts: url_for("groups.answer", request_id=facts["request_id"]),
)
_news("accepted", _l("You are now a member of {group}"))
_news("declined", _l("{group} did not accept your wish to join"))
_news("removed", _l("You are no longer a member of {group}"))
_news("verified", _l("{group} is verified"))
_news("not_verified", _l("{group} is not verified"))


@jobs.task("groups.letter_invitation", outside=True)
def letter_invitation(invitation_id: int) -> None:
    """Send the link of an invitation, in the language of whoever has the address, else of who invites."""
    invitation = queries.get_invitation(invitation_id)
    if invitation is None or not invitation.is_good or invitation.group.hidden:
        return
    reader = queries.account_of(invitation.email) or invitation.invited_by
    letters.send(
        invitation.email,
        reader.language,
        "letters/groups/invitation",
        invitation=invitation,
        group=invitation.group,
        link=whole_address(url_for("groups.invited", link=queries.link_of(invitation))),
    )


# --- what is kept ---

jobs.timed("groups.sweep", every=timedelta(days=1), after=timedelta(hours=4))(leaving.sweep)
hooks.erasing.register(leaving.erase)

WITH_THE_GROUP = _l("As long as the group's record: it shows who answered for what.")

register(
    Kept(
        "groups",
        _l("Groups, what they say of themselves, who founded them, and who verified them by which kind of document"),
        _l("so that residents find them and know whom they deal with."),
        WITH_THE_GROUP,
        Erased.NAMELESS,
        stays=frozenset({"name", "name_en", "about"}),
    ),
    Kept(
        "group_members",
        _l("Who belongs to a group, and who acts for it"),
        _l("so that members find one another and nobody else acts for them."),
        _l("Until you leave the group."),
        Erased.DELETED,
    ),
    Kept(
        "group_invitations",
        _l("Addresses that were invited to a group, and by whom"),
        _l("so that a link lets in whom it was sent to, once."),
        _l("30 days after the invitation ran out."),
        Erased.DELETED,
        job="groups.sweep",
    ),
    Kept(
        "group_requests",
        _l("Wishes to join a group, and the answers"),
        _l("so that officers answer and you can read why."),
        _l("A year after the answer."),
        Erased.DELETED,
        job="groups.sweep",
    ),
    Kept(
        "callers",
        _l("The telephone number of someone without an account for whom staff entered something"),
        _l("so that the city can call back."),
        _l("As long as what was entered; an unused record, 30 days."),
        Erased.DELETED,
        job="accounts.sweep",
    ),
)


@hooks.personal_data.register
def personal_data(person: Any) -> list[Extract]:
    """Where a person belongs, wished to belong and was invited, and what was noted to call back."""
    of = Group.name.label("group")
    member = sa.select(of, GroupMember.role, GroupMember.joined_at).join(Group, Group.id == GroupMember.group_id)
    asked = sa.select(
        of, GroupRequest.message, GroupRequest.made_at, GroupRequest.answered_at, GroupRequest.accepted,
        GroupRequest.reason,
    ).join(Group, Group.id == GroupRequest.group_id)  # fmt: skip
    invited = sa.select(of, GroupInvitation.expires_at, GroupInvitation.used_at).join(
        Group, Group.id == GroupInvitation.group_id
    )
    return [
        extract("groups", _l("Groups you belong to"), member.where(GroupMember.person_id == person.id)),
        extract("group_requests", _l("Wishes to join a group"), asked.where(GroupRequest.person_id == person.id)),
        extract(
            "group_invitations", _l("Invitations to your address"), invited.where(GroupInvitation.email == person.email)
        ),
        extract(
            "callers", _l("Your telephone number, as staff noted it"),
            sa.select(Caller.phone).where(Caller.person_id == person.id),
        ),
    ]  # fmt: skip


@hooks.erasure_obstacles.register
def obstacles(person: Any) -> list[Obstacle]:
    """The groups that would be left without anyone who speaks for them."""
    return [
        Obstacle(
            _l("You speak for {group}. Make another member its contact, or close it.").filled(group=one.group.title),
            url_for("groups.members", group_id=one.group_id),
        )
        for one in queries.groups_of(person)
        if one.role is Role.CONTACT and one.group.is_open
    ]
