"""The second step of signing in, proving again who one is, and looking after one's second factors."""

from flask import Blueprint, redirect
from flask_login import login_user

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.schemas import NewPassword
from marketplace.civic.accounts.views import OWN_PASSWORD, next_path
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.security import limited

bp = Blueprint("factors", __name__)


@bp.route("/account/prove", methods=["GET", "POST"])
@residents
@limited(*OWN_PASSWORD)
def prove():
    """Prove again who one is, before a sensitive act, and go on with it."""
    with Form(NewPassword()) as form:
        if form.submitted:
            person = current_person()
            accounts.check_password(person, **form.data)
            accounts.prove(person)
            login_user(person)
            return redirect(next_path(), 303)
    return form.page("civic/factors/prove.html")
