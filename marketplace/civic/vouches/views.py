"""For residents: which buildings vouch for one, agreeing to it, and taking it back at any time."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.vouches import policy, queries, schemas, service
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import hooks
from marketplace.kernel.access import reveal
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("vouches", __name__, url_prefix="/vouches")


@bp.get("/")
@residents
def mine() -> Response:
    """The buildings that vouch for one, or would."""
    person = current_person()
    return Form(schemas.Nothing()).page(
        "civic/vouches/mine.html", vouches=queries.vouches_for(person), ended=queries.ended_for(person)
    )


@bp.post("/<int:vouch_id>/agree")
@residents
def agree(vouch_id: int) -> ResponseReturnValue:
    """Let others see that a building vouches for one."""
    service.agree(current_person(), _own(vouch_id))
    tell(_("Good. Neighbours you lend to or borrow from see it now."))
    return redirect(url_for(".mine"), 303)


@bp.post("/<int:vouch_id>/end")
@residents
def end(vouch_id: int) -> ResponseReturnValue:
    """Say no, or take it back."""
    service.end(current_person(), _own(vouch_id))
    tell(_("Good. Nobody sees it."))
    return redirect(url_for(".mine"), 303)


def _own(vouch_id: int) -> Vouch:
    found = queries.get_vouch(vouch_id)
    reveal(policy.may_agree, current_person(), found)
    return found


# --- what other floors ask ---


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """Buildings that would vouch for a person who has not answered."""
    href = url_for("vouches.mine")
    waiting = [
        Waiting(_("{building} says that it knows you: do you agree?", building=one.building.title), href)
        for one in queries.waiting_for(person)
    ]
    return Queue(_l("Who vouches for you"), href, len(waiting), waiting) if waiting else None


@hooks.account_links.register
def account_links(person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The pages above, for my page; for managers, theirs too."""
    links = [(_("Buildings that vouch for me"), url_for("vouches.mine"))]
    if policy.may_vouch_at_all(person):
        links.append((_("Vouch for someone"), url_for("vouches_staff.vouches")))
    return _l("Who vouches for you"), links
