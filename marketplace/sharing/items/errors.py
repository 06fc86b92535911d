"""Why a thing cannot be listed, borrowed or handed over, each "no" in one sentence that names the rule."""

from marketplace.kernel.errors import Conflict, Forbidden, Invalid
from marketplace.kernel.words import _l

# --- rules of a thing, in the order in which they are asked ---


class NotOffered(Conflict):
    """The owner has paused it or lends it no more, or moderators hide it."""

    message = _l("This is not lent at present.")


class OwnThing(Conflict):
    """Nobody borrows from themselves."""

    message = _l("This is yours already.")


class NotVerified(Forbidden):
    """Lending is among people known to live in the city."""

    message = _l("Only verified residents borrow things. Show at a counter of the city that you live here.")


class OtherDistrict(Forbidden):
    """Lent to the district alone."""

    message = _l("The owner lends this to residents of the same district only.")


class NotAMember(Forbidden):
    """Lent to a group alone."""

    message = _l("The owner lends this to members of a group only.")


class InThePast(Invalid):
    """The first day is over."""

    message = _l("The first day is in the past. Choose a later one.")


class TooSoon(Invalid):
    """Less notice than the owner needs."""

    message = _l("The owner needs more notice: the first day possible is {earliest}.")


class TooFar(Invalid):
    """Beyond the horizon."""

    message = _l("This is lent at most {days} days ahead. The last day possible is {latest}.")


class TooLong(Invalid):
    """Above the longest loan."""

    message = _l("This is lent for at most {days} days at a time.")


class NotHandedOver(Invalid):
    """A first or last day on which nobody is there."""

    message = _l("Nobody is there on one of these two days to hand it over or take it back.")


class NotHandedOverUntil(NotHandedOver):
    """The next days of that length are known."""

    message = _l(
        "Nobody is there on one of these two days to hand it over or take it back. "
        "For as many days, you can begin on {earliest}."
    )


class TooMany(Invalid):
    """More than there are."""

    message = _l("There are only {most} of these.")


# --- asking and answering ---


class AlreadyPromised(Conflict):
    """Someone else has been promised it on one of the days."""

    message = _l("It is promised to someone else on one of these days.")


class PromisedUntil(AlreadyPromised):
    """The same; when it is free for as long is known."""

    message = _l("It is promised to someone else on one of these days. For as many days, it is free from {earliest}.")


class AskedAlready(Conflict):
    """The same request twice."""

    message = _l("You have already asked for this from that day on. You find your request under My loans.")


class TooManyRequests(Conflict):
    """One person asks for half the city's things."""

    message = _l("You have {most} requests that wait for an answer, which is the most. Withdraw one, or wait.")


class DepositMissing(Conflict):
    """Too few time credits."""

    message = _l("The deposit is {deposit}; you are {missing} short.")


class CallerDepositMissing(Conflict):
    """The same of someone for whom staff ask, who learn no more of it."""

    message = _l("They do not have enough time credit for the deposit of this thing.")


class NoLongerOpen(Conflict):
    """The loan went on or ended meanwhile."""

    message = _l("This loan is {state}; that can no longer be done.")


class ReasonMissing(Invalid):
    """A no without a reason."""

    message = _l("Say why; the other side reads it.")


class TooLateToCancel(Conflict):
    """The first day is over."""

    message = _l("This could be cancelled until {until}. Write to the owner.")


class CallerSuspended(Conflict):
    """Whoever came or called is suspended: until when and why is nobody's business but theirs."""

    message = _l("This person cannot borrow at present. They read why when they sign in.")


# --- handing over ---


class NotYetHandedOver(Conflict):
    """A return before the hand-over."""

    message = _l("It has not been handed over yet, so it cannot be brought back.")


class TooEarly(Conflict):
    """Before the first day."""

    message = _l("It is agreed from {first} on. It is handed over then.")


class StillOut(Conflict):
    """A piece that is not back from someone else."""

    message = _l("One of these is not back yet from someone else.")


class NoCode(Conflict):
    """Nobody says at present that they hand it over."""

    message = _l("There is no code to enter yet. Whoever hands it over opens the page of the loan and makes one.")


class WrongCode(Invalid):
    """Other digits than those shown."""

    message = _l("That is not the code. You may try {left} more times.")


class CodeUsedUp(Conflict):
    """Too many wrong tries."""

    message = _l("The code was mistyped too often and no longer works. Ask the other side to make a new one.")


class RemarkMissing(Invalid):
    """Something is different, but what?"""

    message = _l("Say what is different from what you were told.")


# --- keeping it longer, waiting for it ---


class NotLonger(Invalid):
    """A later day that is not later."""

    message = _l("Choose a day after {last}.")


class TooMuchLonger(Invalid):
    """Beyond what anybody lends."""

    message = _l("A loan lasts at most {days} days.")


class FreeNow(Conflict):
    """Nothing to wait for."""

    message = _l("Nobody has it: it is free from {earliest}. Just ask for it.")


class InLineAlready(Conflict):
    """One place in each line."""

    message = _l("You are already in line for this.")


class TooManyLines(Conflict):
    """One person waits for everything."""

    message = _l("You wait for {most} things, which is the most. Leave a line you no longer need.")


# --- something went wrong ---


class NothingToReport(Conflict):
    """Before it is back or days late, or more than a day after."""

    message = _l(
        "A problem can be reported within 24 hours of the return, or from 3 days late on if it was not brought back."
    )


class ReportedAlready(Conflict):
    """One open problem of a loan at a time."""

    message = _l("A problem of this loan is being settled already. Say what you have to say there.")


class ProblemWentOn(Conflict):
    """The problem was settled or decided meanwhile."""

    message = _l("This problem is {state}; that can no longer be done.")


class OfferGone(Conflict):
    """The other side said something else since."""

    message = _l("The other side has proposed something else since. Read it, then accept that or propose again.")


class SumMissing(Invalid):
    """A sum of nothing."""

    message = _l("Enter how much, or choose that nothing is due.")


class SumTooLarge(Invalid):
    """More than the thing is worth, or than was put down."""

    message = _l("At most {most} can be due: the deposit, or what the owner said a new one costs.")


class MoreThanDeposit(Invalid):
    """More is kept than was put down."""

    message = _l("The deposit is {most}; no more than that can be kept of it.")


class NoFund(Invalid):
    """Only mediators decide that the fund pays, and only where there is one."""

    message = _l("The insurance fund cannot be chosen here.")


class AppealOver(Conflict):
    """After the week."""

    message = _l("This could be appealed until {until}. The decision is final.")


# --- how it went ---


class ReviewTooSoon(Conflict):
    """Before the return there is nothing to tell."""

    message = _l("How it went can be told once it was brought back.")


class ReviewOver(Conflict):
    """After a week nobody writes any more, so that nobody answers what they have read."""

    message = _l("How it went could be told within 7 days of the return, until {until}.")


class ReviewOpen(Conflict):
    """What others may have read stays as it is."""

    message = _l("Both of you have written, so both can be read and no longer changed.")


class ReviewedAlready(Conflict):
    """One of each side, changed by whoever wrote it."""

    message = _l("Someone else has written for your side already.")


class NothingSaid(Invalid):
    """Neither well nor badly."""

    message = _l("Fill in at least one of the two: what went well, or what did not.")


class StillSealed(Conflict):
    """Nobody replies to what nobody may read yet."""

    message = _l("This can be answered once it is open.")


class RepliedAlready(Conflict):
    """One reply of the other side."""

    message = _l("Your side has replied already.")


# --- listing ---


class NoPlaceYet(Invalid):
    """Nobody can fetch a thing from nowhere."""

    message = _l("Say where people fetch your things: name a public building near you, or use where you are.")


class StillListed(Conflict):
    """Without a place nothing can be fetched."""

    message = _l("You still lend things that are fetched there. Withdraw them first.")


class ListedAlready(Conflict):
    """Two things of much the same name: a slip, or meant."""

    message = _l("You already list {titles}. If this is another thing, send it once more.")


class NoDistrict(Invalid):
    """Nobody lives in the same district as a place that is in none."""

    message = _l("Your pick-up place is in no district. Lend to all verified residents, or to a group.")


class TooManyItems(Conflict):
    """One person's things would fill every search."""

    message = _l("You list {most} things, which is the most. Withdraw one that you no longer lend.")


class TooManyListedToday(Conflict):
    """Things listed and withdrawn again count too."""

    message = _l("You have listed {most} things today, which is the most for a day. List more tomorrow.")


class NotYourGroup(Invalid):
    """A group that the owner does not belong to."""

    message = _l("Choose a group that you belong to.")


class ChangedMeanwhile(Conflict):
    """Two people edit one thing: the second sees both versions."""

    message = _l("Someone changed this while you were editing. Compare, then save again to keep yours.")


class PiecesPromised(Conflict):
    """Someone counts on a piece that is to go."""

    message = _l("{count} pieces are promised to someone, the last one until {until}. Keep at least that many.")


class LoansGoOn(Conflict):
    """A thing that someone has, waits for or asked for."""

    message = _l("There are loans to finish or answer first: {loans}.")


class NoLongerListed(Conflict):
    """The owner withdrew it."""

    message = _l("This thing is withdrawn; that can no longer be done.")


# --- libraries of things ---


class NoSuchBuilding(Invalid):
    """A name that no public building has, or that several have."""

    message = _l("Enter the name of one public building, as it is written on its page.")


class NoSuchGroup(Invalid):
    """A name that no group has, or that several have."""

    message = _l("Enter the name of one group, as it is written on its page, or leave this empty.")


class LibraryChanged(Conflict):
    """Two people edit one library: the second sees both versions."""

    message = _l("Someone else changed this library while you were editing. Compare, then save again to keep yours.")


class AlreadyMember(Conflict):
    """Someone joins twice."""

    message = _l("This person is already a member. Find them in the list of members.")


class CardTaken(Conflict):
    """Two members with one card."""

    message = _l("Another member of this library has this card. Scan or type another one.")


class UntilPast(Invalid):
    """A membership that is over before it begins."""

    message = _l("The last day has passed. Choose a later one, or leave it empty.")


class NoPoint(Conflict):
    """Things need a place on the map."""

    message = _l("The building of this library is not on the map yet. An administrator adds its place first.")


class TooLarge(Invalid):
    """A file that no catalogue needs."""

    message = _l("The file is larger than {most} MB. Split it and send the parts.")


class NotReady(Conflict):
    """A piece that cannot be lent."""

    message = _l("This piece is not fit to be lent: {state}.")


class PiecePromised(Conflict):
    """This very piece is set aside for someone else."""

    message = _l("This piece is set aside for someone else on one of these days. Take another, or lend it shorter.")


class InRepair(Conflict):
    """One repair at a time."""

    message = _l("This piece is in repair already.")


class OnLoan(Conflict):
    """Nobody repairs what is not there."""

    message = _l("Someone has this piece. Take it back first.")


class RepairOver(Conflict):
    """A repair that is closed."""

    message = _l("This repair is closed. Open a new one if something is wrong again.")


class CountGoesOn(Conflict):
    """One count at a time."""

    message = _l("A count is going on already. Open it and scan along.")


class CountOver(Conflict):
    """A count that is finished."""

    message = _l("This count is finished. Start a new one.")


# --- the wanted board ---


class NotVerifiedToPost(Forbidden):
    """Lending is among people known to live in the city, and so is looking for things."""

    message = _l("Only verified residents post here. Show at a counter of the city that you live here.")


class NoPlaceToAskFrom(Invalid):
    """Nobody is near nowhere."""

    message = _l("Say where you are: name a public building near you, or use where your device is.")


class TooManyWanted(Conflict):
    """One person's wishes would fill the board."""

    message = _l("You look for {most} things already, which is the most. End one that you no longer need.")


class TooManyWantedToday(Conflict):
    """What was posted and withdrawn again counts too, as owners were asked for it."""

    message = _l("You have posted {most} times today, which is the most for a day. Post more tomorrow.")


class WantedNoMore(Conflict):
    """It was found, withdrawn or hidden, or its days are over."""

    message = _l("Nobody looks for this any more.")


class OwnWish(Conflict):
    """Nobody offers something to themselves."""

    message = _l("You look for this yourself.")


class OfferedAlready(Conflict):
    """One offer of each thing."""

    message = _l("You have offered this already.")


# --- saved searches ---


class NothingToSave(Invalid):
    """Everything new would match."""

    message = _l("Say what you look for: words, a category, a district or a distance.")


class TooManySearches(Conflict):
    """One person's searches."""

    message = _l("You have saved {most} searches, which is the most. Delete one that you no longer need.")
