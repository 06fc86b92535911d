"""The refusals of home share, each with its own sentence."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.kernel.words import _l


class NoRoomLeft(Conflict):
    """The room was promised to someone else in the same instant."""

    message = _l("The room is kept for someone else by now.")


# --- runs and what is decided by hand ---


class NotReleasedAnyMore(Conflict):
    """Someone else released or dropped it, or a newer run came after."""

    message = _l("This run can no longer be released: it was released or dropped already, or a newer one was made.")


class RunTooOld(Conflict):
    """Too much may have changed since."""

    message = _l("This run is older than a day. Make a new preview, so that it counts what is known today.")


class NoSuchApplication(Invalid):
    """Nothing has this reference, or it is of the other side."""

    message = _l("No such application takes part on this side. Check the reference.")


class NeverSetAside(Invalid):
    """Rules that protect people."""

    message = _l("These two fail a rule that protects people, and nobody may set it aside: {rules}.")


class DecidedBefore(Conflict):
    """One decision of two at a time."""

    message = _l("Something was decided by hand about these two already. Take it back first.")


class AnotherHasToAgree(Forbidden):
    """Two pairs of eyes."""

    message = _l("Another coordinator than the one who proposed it has to agree.")


class NothingToAgreeTo(Conflict):
    """It was agreed to, or taken back, in the meantime."""

    message = _l("There is nothing to agree to any more.")


# --- applications ---


class DayIsOver(Invalid):
    """A day that has passed."""

    message = _l("That day is over. Enter today or a later day.")


class EndsBeforeItBegins(Invalid):
    """The last day before the first."""

    message = _l("The last day is before the first.")


class TooShort(Invalid):
    """A stay shorter than the least that was asked for."""

    message = _l("From {starts} to {ends} is less than the {least} days of your shortest stay. Change one of them.")


class NeededBeforeWanted(Invalid):
    """A room is needed before the first day on which one could move in."""

    message = _l("You must have a room by {needed}, but say that you could move in on {wanted} at the earliest.")


class HelpWithoutKinds(Invalid):
    """Hours of help, and no kind of it."""

    message = _l("Choose at least one kind of help, or enter 0 hours.")


class KindsWithoutHours(Invalid):
    """Kinds of help, and no hours."""

    message = _l("You chose kinds of help. Enter for how many hours a week, or untick them.")


class LikedButNotOffered(Invalid):
    """What someone would like to do is not among what they would do."""

    message = _l("You would like to do something that is not ticked above. Tick it there as well, or untick it here.")


class FriendWithoutName(Invalid):
    """Two come, and nobody knows who the second is."""

    message = _l("Enter the name of the friend who comes with you.")


class LeastAboveMost(Invalid):
    """Red lines that leave nothing between them."""

    message = _l("The least you could live with is more than the most. Change one of the two.")


class WishOutsideLimits(Invalid):
    """What someone likes best lies beyond their own red lines."""

    message = _l("What you would like best is not between the least and the most. Change one of the three.")


class NoSuchCampus(Invalid):
    """A place of study that the programme does not know."""

    message = _l("Choose one of the places of study.")


class NoPlaceOfHome(Invalid):
    """A home without a place."""

    message = _l("Say where your home is: name a public building near it, or use where you are.")


class NotReadyToSend(Invalid):
    """Something is missing yet, or no longer right."""

    message = _l("Some parts are not done yet. They are marked below; answer them, then send it.")


class FewReferences(Invalid):
    """Too few people speak for someone, or only family."""

    message = _l("Name at least {least} people who know you, at least one of them not of your family.")


class NoLongerPossible(Conflict):
    """The application does not stand where this could be done."""

    message = _l("That cannot be done any more: the application is {state}.")


class StillMatched(Conflict):
    """Someone is proposed, or lives there."""

    message = _l("Somebody is proposed to you or lives with you. End that first, on its own page.")


class PromisedAlready(Conflict):
    """How many come, or how many rooms there are, is what a match stands on."""

    message = _l("Somebody is proposed to you or lives with you, so this cannot be changed now. Ask a coordinator.")


class ManyReferences(Conflict):
    """More people than are asked."""

    message = _l("You have named {most} people. Remove one first.")


class UnreachableReference(Invalid):
    """Nobody can be asked who cannot be reached."""

    message = _l("Enter an e-mail address or a telephone number.")


class ReferenceAnswered(Conflict):
    """What was said stays."""

    message = _l("This person has answered already.")


class LinkOver(Conflict):
    """A link that nobody was sent, that was used, or that is no longer wanted."""

    title = _l("This link no longer works")
    message = _l("It was used already, or is no longer needed. If you think that is wrong, call the coordinators.")


# --- checks and appointments ---


class OwnCase(Conflict):
    """Nobody checks themselves."""

    message = _l("This is your own application. Another coordinator has to look after it.")


class NotNeeded(Conflict):
    """A check that this application does not need."""

    message = _l("This is not checked for this application.")


class TooLateToHold(Invalid):
    """A check that would be over already."""

    message = _l("A check that was passed holds until today at least. Enter a later day, or that it was not passed.")


class NotYetChecked(Invalid):
    """A check of a day to come."""

    message = _l("That day is still to come. Enter the day on which it was checked.")


class BusyThen(Conflict):
    """A coordinator cannot be in two places."""

    message = _l("The coordinator has another appointment at that time: {when}.")


class NoTimeLeft(Invalid):
    """An appointment in the past, or that ends before it begins."""

    message = _l("Enter a time that is still to come, and an end after it.")


# --- supporters ---


class ManySupporters(Conflict):
    """More people than one needs."""

    message = _l("At most {most} people may stand by you. Remove one first.")


class SupportsThemselves(Invalid):
    """An invitation to oneself."""

    message = _l("That is your own address. Enter that of the person who stands by you.")


class ForgottenByNow(Conflict):
    """The facts a run was made of are kept for 90 days."""

    message = _l("The answers that this run was made of are forgotten by now, so it cannot say why any more.")


class TookNoPart(Invalid):
    """Someone who was not open then, or whose rooms were all kept."""

    message = _l("This application took no part in this run.")


# --- matches ---


class MatchWentOn(Conflict):
    """The match does not stand where this could be done."""

    message = _l("That is no longer possible: {state}.")


class TooLateToAnswer(Conflict):
    """The deadline has passed."""

    message = _l("The time to answer was over on {moment}. Your place in line is kept.")


class AnsweredAlready(Conflict):
    """A yes is not taken back into a question, and nobody asks twice."""

    message = _l("You have answered already. A coordinator helps you on the telephone or at the desk.")


class NoNeedsReason(Invalid):
    """A no without a reason."""

    message = _l("Choose a reason. The other side does not read it.")


class OwnMatch(Conflict):
    """Nobody tends their own match."""

    message = _l("You take part in this yourself. Another coordinator has to look after it.")


class NotMetYet(Conflict):
    """What comes of a meeting is said after it."""

    message = _l("They have not met yet. Agree on a meeting, and note afterwards what came of it.")


class MeetsInThePast(Invalid):
    """A meeting that would be over."""

    message = _l("Enter a time that is still to come.")


class AgreementChanged(Conflict):
    """Signed was what no longer stands."""

    message = _l("The agreement has been changed meanwhile. Read the new text below, then sign it.")


class SignedByBoth(Conflict):
    """What both signed stands."""

    message = _l("Both have signed. What is agreed stays; for another agreement both begin anew.")


class RentOutOfBounds(Invalid):
    """More or less rent than the programme allows."""

    message = _l("The rent has to be between {least} and {most}.")


class MovesInThePast(Invalid):
    """A day of moving in that has passed."""

    message = _l("The day of moving in is over. Enter today or a later day.")


class NothingToAnswer(Conflict):
    """No check-in is due."""

    message = _l("There is nothing to answer now. We ask you again in time.")


class NoticeGiven(Conflict):
    """Notice is given once."""

    message = _l("Notice was given already: the last day is {day}.")


class SettledAlready(Conflict):
    """Another coordinator was faster."""

    message = _l("Somebody has settled this already. Read below what came of it.")


class AskedForAlready(Conflict):
    """A conversation that was asked for and has not taken place."""

    message = _l("A conversation is asked for already. A coordinator gets in touch with both of you.")


class TrialGoesOn(Conflict):
    """Whether to go on is asked in the last days of the trial."""

    message = _l("The trial goes on. In its last week we ask you both whether to go on.")


# --- grants ---


class AskedAlready(Conflict):
    """One request after the other."""

    message = _l("A grant for your home waits to be decided already.")


class GrantTooLarge(Invalid):
    """More than the city pays for a room."""

    message = _l("For this room {left} can still be granted.")


class GrantWentOn(Conflict):
    """Someone else decided or paid meanwhile."""

    message = _l("This grant is: {state}. That can no longer be done.")


class PaidBySamePerson(Conflict):
    """Whoever grants a sum does not pay it."""

    message = _l("You granted this yourself. Someone else has to book the payment.")
