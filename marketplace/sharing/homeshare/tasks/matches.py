"""What happens to matches by itself, what both sides are told, and what is kept of living together."""

from datetime import timedelta

from flask import url_for

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import models as notices
from marketplace.civic.notifications.models import Facts, News
from marketplace.kernel import hooks, ical, jobs, things
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import Text, _, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.checkins import Matter
from marketplace.sharing.homeshare.models.matches import TOGETHER, Match, MatchState
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.queries import personal_matches as personal
from marketplace.sharing.homeshare.schemas.matches import calendar_entry
from marketplace.sharing.homeshare.service import checkins, forgetting_matches, living, matches
from marketplace.sharing.homeshare.tasks.applications import HOME_SHARE
from marketplace.web.pages import whole_address


def _link(match: Match) -> str:
    return url_for("homeshare_matches.match", reference=match.reference)


things.register(
    things.Kind(
        name="homeshare_match",
        label=_l("Match of home share"),
        find=queries.by_ids,
        title=lambda one: _("Home share, {reference}", reference=one.reference),
        link=_link,
        may_see=lambda person, one: policy.takes_part(person, one) or policy.may_coordinate(person),
        author_id=lambda _one: None,
    )
)


def _stays(_matter: Matter, _hidden: bool) -> None:
    """Nobody but coordinators reads it: there is nothing to hide, and yet a concern may be raised about it."""


things.register(
    things.Kind(
        name="homeshare_matter",
        label=_l("Home share: something brought up"),
        find=queries.matters_by_ids,
        title=lambda one: _("Home share, {reference}", reference=one.match.reference),
        link=lambda one: url_for("homeshare_tending.tend", reference=one.match.reference),
        may_see=lambda person, one: (person is not None and person.id == one.by_id) or (
            person is not None and policy.may_tend(person, one.match)
        ),
        author_id=lambda _one: None,
        hide=_stays,
    )
)  # fmt: skip


def _entry(thing: things.Thing, person: Person, _facts: Facts) -> dict[str, tuple[bytes, str]]:
    match = thing.record
    if match.meeting is None:
        return {}
    entry = calendar_entry(match, whole_address(thing.link))
    return {f"{match.reference}.ics": (ical.calendar([entry]), "text/calendar")}


def _told(name: str, title: Text, text: Text, *, calendar: bool = False) -> None:
    """Register something that the two of a match are told; the letter names nobody and no place."""
    notices.register(
        News(
            f"homeshare.{name}",
            HOME_SHARE,
            lambda _thing, _facts: title,
            letter="letters/homeshare/match",
            context=lambda thing, _person, _facts: {"match": thing.record, "text": text},
            attachments=_entry if calendar else None,
        )
    )


_told(
    "proposed", _l("Home share: somebody is proposed to you"),
    _l("somebody who may suit you is proposed to you. Read why, and say yes or no, or ask a person."),
)  # fmt: skip
_told(
    "answer_soon", _l("Home share: please answer by tomorrow"),
    _l("tomorrow the time is over in which you can answer. Say yes or no, or ask a person."),
)  # fmt: skip
_told(
    "both_yes", _l("Home share: both of you said yes"),
    _l("the next step is a meeting. A coordinator agrees with both of you on when and where."),
)  # fmt: skip
_told(
    "came_to_nothing", _l("Home share: it did not come about"),
    _l("this time it did not come about. It is nobody's fault; your place in line is kept."),
)  # fmt: skip
_told(
    "not_answered", _l("Home share: not answered in time"),
    _l("not both of you answered in time, so it did not come about. Your place in line is kept."),
)  # fmt: skip
_told(
    "meeting", _l("Home share: when you meet"),
    _l("a coordinator has set when and where you meet. The page of your match says it."), calendar=True,
)  # fmt: skip
_told(
    "agreeing", _l("Home share: your agreement"),
    _l("your agreement is made of what both of you said. Read it, and sign it if it is right."),
)  # fmt: skip
_told(
    "agreement_changed", _l("Home share: the agreement was changed"),
    _l("the coordinator has changed the agreement. Read the new text; what was signed before no longer counts."),
)  # fmt: skip
_told(
    "signed", _l("Home share: both of you have signed"),
    _l("both of you have signed. On the day agreed the trial begins."),
)  # fmt: skip
_told(
    "moved_in", _l("Home share: your trial begins"),
    _l("welcome home. We ask each of you alone, after three days, two weeks and a month, how it goes."),
)  # fmt: skip
_told(
    "check_in", _l("Home share: how does it go?"), _l("please answer four short questions. Only coordinators read it.")
)
_told(
    "trial_ends", _l("Home share: do you go on?"),
    _l("in a week the trial is over. Say on the page of your match whether you want to go on."),
)  # fmt: skip
_told("living", _l("Home share: you go on living together"), _l("both of you want to go on. We wish you a good time."))
_told(
    "mediation", _l("Home share: a conversation of all three"),
    _l("a conversation with a coordinator is asked for. The coordinator gets in touch with both of you."),
)  # fmt: skip
_told("settled", _l("Home share: a coordinator has answered"), _l("read on the page of your match what came of it."))
_told(
    "ends", _l("Home share: the last day"),
    _l("your living together ends; the page of your match says when. It is nobody's fault, and we help both of you."),
)  # fmt: skip
_told(
    "ended", _l("Home share: it has ended"),
    _l("your living together has ended. You take part again, with your old place in line, unless you pause or end."),
)  # fmt: skip


@hooks.calendar_entries.register
def calendar_entries(person: Person) -> list[ical.Entry]:
    """Meetings of a person, for the calendar feed."""
    mine = queries.of_person(person, MatchState.MEETING, MatchState.AGREEING, MatchState.WITHDRAWN)
    return [calendar_entry(one, whole_address(_link(one))) for one in mine if one.meeting is not None]


@hooks.erasure_obstacles.register
def obstacles(person: Person) -> list[hooks.Obstacle]:
    """Where a person still lives together with someone."""
    sentence = _l("You live together with someone in home share. Give notice first, and wait for the last day.")
    return [hooks.Obstacle(sentence, _link(one)) for one in queries.of_person(person, *TOGETHER)]


@jobs.timed("homeshare.run_out_matches", every=timedelta(minutes=5))
def run_out() -> None:
    """End what was not answered in time."""
    matches.run_out()
    matches.remind()


@jobs.timed("homeshare.go_on", every=timedelta(days=1), after=timedelta(hours=6))
def go_on() -> None:
    """Begin and end trials, ask how it goes, and tell coordinators of what nobody answers."""
    living.run_out()
    checkins.run_out()
    living.ask_whether_to_go_on()


# --- what is kept ---

hooks.personal_data.register(personal.own_matches)
hooks.leaving.register(forgetting_matches.give_up)
hooks.erasing.register(forgetting_matches.erase)
jobs.timed("homeshare.thin_matches", every=timedelta(days=1), after=timedelta(hours=5))(forgetting_matches.thin)

SIX_YEARS = _l("Six years after the end, as long as claims from living together may be made.")

register(
    Kept(
        "homeshare_matches",
        _l("Who was proposed to you, the reasons, what you answered and why; what became of it"),
        _l("so that nobody is proposed twice, and it can be told why somebody was."),
        SIX_YEARS,
        Erased.NAMELESS,
        job="homeshare.thin_matches",
    ),
    Kept(
        "homeshare_meetings",
        _l("When and, locked, where you first met, and which coordinator set it"),
        _l("so that both come."),
        _l("A year after the match has ended."),
        Erased.DELETED,
        job="homeshare.thin_matches",
    ),
    Kept(
        "homeshare_agreements",
        _l("What you agreed on: terms and text, which names nobody"),
        _l("so that both can rely on it."),
        SIX_YEARS,
        Erased.KEPT,
        job="homeshare.thin_matches",
        stays=frozenset({"terms", "text", "digest"}),
    ),
    Kept(
        "homeshare_signatures",
        _l("That you signed an agreement, and when"),
        _l("so that both can rely on it."),
        SIX_YEARS,
        Erased.NAMELESS,
        job="homeshare.thin_matches",
        stays=frozenset({"digest"}),
    ),
    Kept(
        "homeshare_checkins",
        _l("How you said that living together goes; your words locked"),
        _l("so that coordinators notice in time when help is needed."),
        _l("Words a year, the rest six years after the end."),
        Erased.NAMELESS,
        job="homeshare.thin_matches",
    ),
    Kept(
        "homeshare_matters",
        _l("What was brought up about living together, and what came of it: all words locked"),
        _l("so that coordinators can help, and it can be told what was done."),
        SIX_YEARS,
        Erased.NAMELESS,
        job="homeshare.thin_matches",
    ),
)
