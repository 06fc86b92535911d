"""What people say of themselves so that it can be seen whether all are treated alike, and for nothing else.

It is never an input: an import contract keeps this module from all that proposes, decides or shows a single person.
"""

import enum
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l


class Income(enum.Enum):
    """What the household has, against the median of all households."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "low": _l("Less than half of the median income"),
            "middle": _l("Half to one and a half of the median income"),
            "high": _l("More than one and a half of the median income"),
        }[self.value]


class Age(enum.Enum):
    """How old someone is."""

    TO_24 = "to24"
    TO_34 = "to34"
    TO_59 = "to59"
    TO_74 = "to74"
    OLDER = "older"

    @property
    def words(self) -> Text:
        """The same as people read it."""
        return {
            "to24": _l("24 or younger"),
            "to34": _l("25 to 34"),
            "to59": _l("35 to 59"),
            "to74": _l("60 to 74"),
            "older": _l("75 or older"),
        }[self.value]


class AuditFacts(db.Base):
    """What someone says of themselves beside an application, all of it voluntary: None is not said."""

    __tablename__ = "homeshare_audits"

    application_id: Mapped[int] = mapped_column(
        ForeignKey("homeshare_applications.id", ondelete="CASCADE"), primary_key=True
    )
    income: Mapped[Income | None]
    age: Mapped[Age | None]
    first_to_study: Mapped[bool | None]
    """Whether nobody in the family studied before."""
    from_abroad: Mapped[bool | None]
    step_free: Mapped[bool | None]
    """Whether they need a way without steps."""
    said_at: Mapped[datetime] = mapped_column(default=clock.now)
