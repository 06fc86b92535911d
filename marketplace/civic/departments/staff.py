"""For administrators: the list of departments."""

from flask import Blueprint, redirect, url_for

from marketplace.civic.departments import queries, schemas, service
from marketplace.kernel.words import _
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("departments", __name__, url_prefix="/staff/departments")


@bp.route("/", methods=["GET", "POST"])
@staff("administrator")
def departments():
    """Every department, and a form for one more."""
    with Form(schemas.DepartmentDetails()) as form:
        if form.submitted:
            service.add(current_person(), **form.data)
            tell(_("The department is added."))
            return redirect(url_for(".departments"), 303)
    return form.page("civic/departments/departments.html", departments=queries.all_departments())


@bp.route("/<int:department_id>", methods=["GET", "POST"])
@staff("administrator")
def department(department_id: int):
    """One department's code and names."""
    found = queries.department(department_id)
    now = {"code": found.code, "name_en": found.name_en, "name_ko": found.name_ko}
    with Form(schemas.DepartmentDetails(), **now) as form:
        if form.submitted:
            service.change(current_person(), found, **form.data)
            tell(_("The department is saved."))
            return redirect(url_for(".departments"), 303)
    return form.page("civic/departments/department.html", department=found)
