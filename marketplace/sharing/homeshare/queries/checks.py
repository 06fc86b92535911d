"""Finding checks, and what is still missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare.models.applications import Application
from marketplace.sharing.homeshare.models.checks import REFERENCES, Check, CheckKind, good_until, holding, needed


def checks_of(application: Application) -> list[Check]:
    """Every check of an application with who made it, in the order they were made."""
    own = sa.select(Check).where(Check.application_id == application.id).order_by(Check.id)
    return list(db.session.scalars(own.options(joinedload(Check.by))))


def checks_of_all(applications: Sequence[Application]) -> dict[int, list[Check]]:
    """The checks of many applications by the application's id, in one statement."""
    found: dict[int, list[Check]] = {one.id: [] for one in applications}
    for check in db.session.scalars(sa.select(Check).where(Check.application_id.in_(found)).order_by(Check.id)):
        found[check.application_id].append(check)
    return found


def get_check(check_id: int) -> Check:
    """A check with its application. Raises NotFound."""
    found = db.session.scalar(sa.select(Check).where(Check.id == check_id).options(joinedload(Check.application)))
    if found is None:
        raise NotFound
    return found


def holds(application: Application, checks: Sequence[Check]) -> bool:
    """Whether all that is needed holds today."""
    last = good_until(application, checks)
    return last is not None and last >= clock.today()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one kind of check stands for one who comes: how many hold, of how many, and until when."""

    kind: CheckKind
    of_second: bool
    counting: Sequence[Check]
    latest: Check | None

    @property
    def wanted(self) -> int:
        """How many are needed."""
        return REFERENCES if self.kind is CheckKind.REFERENCE else 1

    @property
    def until(self) -> date | None:
        """The last day on which it holds; None if it does not."""
        if len(self.counting) < self.wanted:
            return None
        last = self.counting[self.wanted - 1].good_until
        return last if last is not None and last >= clock.today() else None


def standings(application: Application, checks: Sequence[Check]) -> list[Standing]:
    """How each check that is needed stands."""
    found: list[Standing] = []
    for of_second in (False, True)[: application.people]:
        for kind in needed(application.side):
            mine = [one for one in checks if one.kind is kind and one.of_second == of_second and not one.withdrawn_at]
            counting = holding(mine, kind, of_second=of_second)
            found.append(Standing(kind, of_second, counting, mine[-1] if mine else None))
    return found
