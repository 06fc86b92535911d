"""Finding departments."""

import sqlalchemy as sa

from marketplace.civic.departments.models import Department
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound


def all_departments() -> list[Department]:
    """Every department, by code."""
    return list(db.session.scalars(sa.select(Department).order_by(Department.code)))


def department(department_id: int) -> Department:
    """One department. Raises NotFound."""
    found = db.session.get(Department, department_id)
    if found is None:
        raise NotFound
    return found
