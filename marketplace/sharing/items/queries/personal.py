"""What things and loans say about one person."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import cells, db
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.items.models.lending import Handover, InLine, Loan
from marketplace.sharing.items.models.listing import Accessory, Item, PickUpPlace
from marketplace.sharing.items.models.problems import Offer, Problem
from marketplace.sharing.items.queries import listings


def own_things(person: Person) -> list[Extract]:
    """What a person lends, with its accessories, and where it is fetched."""
    said = (Item.title, Item.description, Item.category, Item.condition, Item.rules, Item.pick_up_note)
    costs = (Item.value, Item.fee, Item.deposit, Item.deposit_unit)
    terms = (*costs, Item.longest_days, Item.notice_days, Item.audience, Item.trusts)
    when = (Item.listed_at, Item.paused_at, Item.hidden_at, Item.withdrawn_at)
    own = Item.owner_id == person.id
    parts = sa.select(Item.title.label("thing"), Accessory.name, Accessory.count).join(
        Item, Item.id == Accessory.item_id
    )
    return [
        extract("things", _l("Things you lend"), sa.select(*said, *terms, *when).where(own).order_by(Item.id)),
        extract("accessories", _l("What goes along with them"), parts.where(own).order_by(Item.id, Accessory.position)),
        Extract("pick_up_place", _l("Where your things are fetched"), _place(person)),
    ]


def own_loans(person: Person) -> list[Extract]:
    """What a person borrowed, what others borrowed of them, what they said when things changed hands, and waits for."""
    when = (Loan.reference, Item.title.label("thing"), Loan.first_day, Loan.last_day, Loan.quantity, Loan.state)
    told = (Loan.message, Loan.refusal, Loan.reason, Loan.fee, Loan.deposit, Loan.deposit_unit)
    moments = (Loan.asked_at, Loan.accepted_at, Loan.out_at, Loan.returned_at, Loan.ended_at)
    loans = sa.select(*when, *told, *moments).join(Item, Item.id == Loan.item_id).order_by(Loan.id)
    changing = sa.select(Loan.reference, Handover.way, Handover.condition).join(Loan, Loan.id == Handover.loan_id)
    given = changing.add_columns(Handover.note, Handover.made_at).where(Handover.given_by_id == person.id)
    taken = changing.add_columns(Handover.agreed, Handover.remark, Handover.taken_at)
    lines = sa.select(Item.title.label("thing"), InLine.days, InLine.joined_at, InLine.offered_until, InLine.left_at)
    lines = lines.join(Item, Item.id == InLine.item_id).where(InLine.person_id == person.id)
    return [
        extract("borrowed", _l("What you borrowed"), loans.where(Loan.borrower_id == person.id)),
        extract("lent", _l("What others borrowed of you"), loans.where(Item.owner_id == person.id)),
        extract("answered", _l("Loans that you answered"), loans.where(Loan.decided_by_id == person.id)),
        extract("handed_over", _l("What you handed over"), given.order_by(Handover.id)),
        extract("taken", _l("What you took"), taken.where(Handover.taken_by_id == person.id).order_by(Handover.id)),
        extract("lines", _l("Things you wait for"), lines.order_by(InLine.id)),
    ]


def own_problems(person: Person) -> list[Extract]:
    """What went wrong with a person's loans, what they said and proposed, and what was decided."""
    of_loan = (Loan.reference, Item.title.label("thing"))
    decided = (Problem.remedy, Problem.amount, Problem.minutes, Problem.reason, Problem.decided_at)
    final = (Problem.last_remedy, Problem.last_amount, Problem.last_minutes, Problem.last_reason)
    last = (*final, Problem.closed_at, Problem.paid_at)
    told = (Problem.trouble, Problem.state, Problem.opened_at, Problem.words, Problem.answer, Problem.appeal)
    problems = sa.select(*of_loan, *told, *decided, *last).select_from(Problem).join(Loan, Loan.id == Problem.loan_id)
    problems = problems.join(Item, Item.id == Loan.item_id).order_by(Problem.id)
    sides = (Problem.borrower_id, Problem.owner_id, Problem.by_id, Problem.answer_by_id, Problem.appealed_by_id)
    proposed = (Offer.remedy, Offer.amount, Offer.minutes, Offer.words, Offer.made_at, Offer.accepted_at)
    offers = sa.select(Loan.reference, *proposed)
    offers = offers.join(Problem, Problem.id == Offer.problem_id).join(Loan, Loan.id == Problem.loan_id)
    own = sa.or_(Offer.by_id == person.id, Offer.accepted_by_id == person.id)
    judged = sa.or_(Problem.mediator_id == person.id, Problem.second_id == person.id)
    judging = sa.select(Loan.reference, Problem.state, Problem.decided_at).join(Loan, Loan.id == Problem.loan_id)
    mine = sa.or_(*(side == person.id for side in sides))
    return [
        extract("problems", _l("Problems of your loans"), problems.where(mine)),
        extract("problem_offers", _l("What you proposed to settle them"), offers.where(own).order_by(Offer.id)),
        extract("mediated", _l("Problems that you decided"), judging.where(judged).order_by(Problem.id)),
    ]


def _place(person: Person) -> Iterator[Mapping[str, object]]:
    query = sa.select(PickUpPlace, District.name_en).outerjoin(District).where(PickUpPlace.person_id == person.id)
    for place, district in db.session.execute(query):
        middle = cells.centre(place.cell)
        yield {
            "address": listings.address_of(place),
            "district": district,
            "area_latitude": round(middle.latitude, 4),
            "area_longitude": round(middle.longitude, 4),
            "changed_at": place.changed_at,
        }
