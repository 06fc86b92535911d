"""What programs ask, send and read about loans and the line for a thing."""

from marshmallow import Schema, fields, validate

from marketplace.kernel import money
from marketplace.kernel.records import Moment, NamedRecord
from marketplace.kernel.words import _l
from marketplace.sharing.items.models.lending import LoanState, Refusal
from marketplace.sharing.items.schemas.loans import LoanRequest
from marketplace.sharing.items.schemas.search import AN_ID, LendingLibraryRecord

SIDES = ("borrowed", "lent")


class LoanQuestions(Schema):
    """Which of one's loans."""

    side = fields.String(
        load_default="borrowed",
        validate=validate.OneOf(SIDES),
        metadata={"description": _l("What you borrow, or what is borrowed from you and those you act for.")},
    )
    when = fields.String(
        load_default="current",
        validate=validate.OneOf(("current", "past")),
        metadata={"description": _l("What goes on, or what is over.")},
    )


class LoanWish(LoanRequest):
    """Which thing is asked for, for which days."""

    item = fields.Integer(required=True, validate=AN_ID, metadata={"description": _l("Id of the thing.")})


class YesOrNo(Schema):
    """The answer to whoever wants to keep it longer."""

    yes = fields.Boolean(required=True, metadata={"description": _l("Whether it may be kept until then.")})


class LoanItemRecord(Schema):
    """The thing that a loan is of."""

    id = fields.Integer()
    title = fields.String()
    library = fields.Nested(
        LendingLibraryRecord, allow_none=True, metadata={"description": _l("Nothing where a neighbour lends it.")}
    )


class LoanRecord(Schema):
    """A loan. Sums are in the currency's smallest unit."""

    reference = fields.String()
    item = fields.Nested(LoanItemRecord)
    side = fields.String(metadata={"enum": SIDES, "description": _l("Whether you borrow it or lend it.")})
    state = fields.Enum(LoanState, by_value=fields.String)
    first_day = fields.Date()
    last_day = fields.Date(metadata={"description": _l("The day on which it is brought back.")})
    quantity = fields.Integer()
    message = fields.String(metadata={"description": _l("What the borrower wrote to the owner.")})
    group = fields.Nested(NamedRecord, allow_none=True, metadata={"description": _l("The group for which it is.")})
    borrower = fields.String(attribute="borrower.name")
    lender = fields.Function(
        lambda loan: loan.item.owner.name if loan.item.owner and loan.accepted_at else None,
        metadata={
            "type": ["string", "null"],
            "description": _l("The name of the neighbour who lends it; nothing before it is agreed."),
        },
    )
    other_first = fields.Date(
        allow_none=True, metadata={"description": _l("The first of the days that the owner proposed instead.")}
    )
    other_last = fields.Date(allow_none=True)
    due_at = Moment(
        allow_none=True, metadata={"description": _l("By when the owner answers, or the borrower a proposal.")}
    )
    refusal = fields.Enum(
        Refusal, by_value=fields.String, allow_none=True, metadata={"description": _l("Why it was declined.")}
    )
    reason = fields.String(metadata={"description": _l("What was said to a no, or why it was cancelled.")})
    longer_until = fields.Date(
        allow_none=True, metadata={"description": _l("Until when the borrower asks to keep it; the owner answers.")}
    )
    late = fields.Boolean(attribute="is_late", metadata={"description": _l("Whether it should have been back by now.")})
    fee = fields.Integer()
    deposit = fields.Integer()
    currency = fields.Function(lambda _loan: money.currency(), metadata={"type": "string"})
    asked_at = Moment()
    accepted_at = Moment(allow_none=True)
    out_at = Moment(allow_none=True)
    returned_at = Moment(allow_none=True)
    ended_at = Moment(allow_none=True)
    version = fields.Integer()


class WholeLoanRecord(LoanRecord):
    """A loan by itself: to whoever borrows it, between the agreement and the return, with where it is fetched."""

    address = fields.String(allow_none=True)
    pick_up_note = fields.String(
        allow_none=True, metadata={"description": _l("What the owner says about fetching it, with the address.")}
    )


class PlaceInLineRecord(Schema):
    """A place in the line for a thing."""

    item = fields.Integer(attribute="item_id")
    days = fields.Integer(metadata={"description": _l("For how many days it is wanted.")})
    joined_at = Moment()
    position = fields.Integer(metadata={"description": _l("1 is next.")})
    expected = fields.Date(
        allow_none=True, metadata={"description": _l("From which day it may be free for so long, as known now.")}
    )
    offered_until = Moment(
        allow_none=True, metadata={"description": _l("Until when it is kept for you: ask for it before that.")}
    )
    offered_first = fields.Date(allow_none=True, metadata={"description": _l("The first of the days kept for you.")})
    offered_last = fields.Date(allow_none=True)
