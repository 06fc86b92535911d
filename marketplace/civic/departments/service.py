"""Adding and renaming departments."""

from typing import Any

import sqlalchemy as sa

from marketplace.civic.departments import policy
from marketplace.civic.departments.errors import CodeTaken
from marketplace.civic.departments.models import Department
from marketplace.kernel import audit, db
from marketplace.kernel.access import permit


def add(administrator: Any, code: str, name_en: str, name_ko: str) -> Department:
    """Add a department. Raises CodeTaken."""
    permit(policy.may_look_after_departments, administrator)
    return _save(administrator, Department(), "added", code, name_en, name_ko)


def change(administrator: Any, department: Department, code: str, name_en: str, name_ko: str) -> Department:
    """Give a department other names or another code. Raises CodeTaken."""
    permit(policy.may_look_after_departments, administrator)
    return _save(administrator, department, "changed", code, name_en, name_ko)


def _save(administrator: Any, department: Department, what: str, code: str, name_en: str, name_ko: str) -> Department:
    try:
        with db.session.begin_nested():
            department.code, department.name_en, department.name_ko = code, name_en, name_ko
            db.session.add(department)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise CodeTaken(field="code") from clash
    names = {"code": code, "name_en": name_en, "name_ko": name_ko}
    audit.record(administrator.id, f"departments.{what}", f"department:{department.id}", **names)
    return department
