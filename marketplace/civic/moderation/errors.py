"""What moderation refuses, and why."""

from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l


class AlreadyReported(Conflict):
    """Once a person and thing."""

    title = _l("You have reported this already")
    message = _l("You have reported this already; your reference is {reference}. We tell you what becomes of it.")


class OwnThing(Conflict):
    """Whoever wrote it may change it."""

    message = _l("This is your own. You need not report it: change it or take it back yourself.")


class SomeoneAtIt(Conflict):
    """Claimed by another moderator."""

    message = _l("{name} is at this case until {until}. Take another one.")


class NoLongerWaiting(Conflict):
    """Decided, undone or appealed meanwhile."""

    message = _l("This case no longer waits for that: it is {state}.")


class NoAuthor(Invalid):
    """Nobody to warn or suspend."""

    message = _l("Nobody in particular wrote this, so nobody can be warned or suspended. Choose something else.")


class OnlyHidden(Invalid):
    """Nothing that could be deleted: a room is there whatever its page says."""

    message = _l("This cannot be removed. Keep it, or hide it until it is put right.")


class ReasonMissing(Invalid):
    """An act without a reason."""

    message = _l("Choose the reason that its author is told.")


class DaysMissing(Invalid):
    """A suspension without an end."""

    message = _l("Choose for how many days.")


class UndoOver(Conflict):
    """People were told."""

    message = _l("The ten minutes are over and people have been told. Its author can appeal.")


class AppealOver(Conflict):
    """Too late, or once already."""

    message = _l("This can no longer be appealed: an appeal is possible once, within 30 days of our letter.")


class ChangedMeanwhile(Conflict):
    """Two moderators, two edits."""

    message = _l("Someone else changed these words meanwhile. What you typed is still here: compare, then save again.")


class ConcernClosed(Conflict):
    """Nothing more is added to a closed concern."""

    message = _l("This concern is closed.")


class NotYours(Conflict):
    """Another officer looks after it."""

    message = _l("{name} looks after this concern. Take it over first.")
