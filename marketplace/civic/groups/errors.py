"""What groups refuse, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class FoundedMany(Conflict):
    """One person would fill the list of groups."""

    message = _l("You founded {most} groups within a year, which is the most. Ask a member of staff if you need more.")


class IsClosed(Conflict):
    """The group no longer goes on."""

    message = _l("This group is closed. It takes no members and makes no plans any more.")


class ChangedMeanwhile(Conflict):
    """Two officers edit one group: the second sees both versions."""

    message = _l("Someone else changed this group while you were editing. Compare, then save again to keep yours.")


class InvitationOver(Conflict):
    """An invitation that was used, taken back, is too old, or never was."""

    title = _l("This invitation no longer works")
    message = _l("It was used already, taken back, or is older than {days} days. Ask the group to invite you again.")


class InvitedMany(Conflict):
    """Letters to half the city."""

    message = _l("{most} invitations wait for an answer, which is the most. Take some back, or wait.")


class IsMember(Conflict):
    """Nothing to do."""

    message = _l("You are a member of this group already.")


class AskedAlready(Conflict):
    """One wish at a time."""

    message = _l("You have asked to join already. The group answers soon.")


class AnsweredAlready(Conflict):
    """Another officer was quicker, or the wish was taken back."""

    message = _l("This request was answered already, or taken back.")


class ReasonMissing(Invalid):
    """A refusal without its reason."""

    message = _l("Give the reason; the person reads it.")


class NobodyLeft(Conflict):
    """The group would have nobody who answers for it."""

    message = _l("The group needs someone who speaks for it. Make another member its contact, or close the group.")


class TooManyOfficers(Conflict):
    """Nobody is in charge where everybody is."""

    message = _l("A group has at most {most} officers.")


class NotAMember(Conflict):
    """Left or was removed meanwhile."""

    message = _l("This person is no longer a member of the group.")


class NotYourGroup(Invalid):
    """A group for which the person does not act."""

    message = _l("Choose yourself, or a group that you are an officer of.")


class NotAsked(Conflict):
    """Another member of staff was quicker, or the group took its wish back."""

    message = _l("This group does not wait to be verified any more.")


class DayOver(Invalid):
    """A verification that ends before it begins, or hardly ever."""

    message = _l("Enter a day within the next {years} years.")


class NobodyToReach(Invalid):
    """A caller whom nobody could tell anything."""

    message = _l("Enter an e-mail address or a telephone number, so that the person can be told.")


class ForYourself(Invalid):
    """Staff who call themselves."""

    message = _l("This is your own address. What is yours you enter as yourself, without the counter.")
