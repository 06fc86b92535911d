"""How programs are recognised: by a bearer token that a person made, never by a cookie."""

from typing import Any

import sqlalchemy as sa
from flask import Request

from marketplace.civic.accounts import queries
from marketplace.civic.accounts.models import ApiToken, Person
from marketplace.civic.accounts.service import TOKEN_PREFIX
from marketplace.kernel import clock, db
from marketplace.web import access, security


@access.login.request_loader
def by_bearer_token(request: Request) -> Person | None:
    """Whose token the program sent; None for a wrong one."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not request.path.startswith("/api/") or kind.lower() != "bearer" or not secret.startswith(TOKEN_PREFIX):
        return None
    if not db.session().in_transaction():
        db.begin(read_only=True)  # a page that is not there still shows who is signed in
    token = queries.api_token(secret.strip())
    if token is None:
        return None
    if token.last_used_on != (today := clock.today()):
        used: Any = sa.update(ApiToken).where(ApiToken.id == token.id).values(last_used_on=today)
        security.afterwards(lambda: db.session.execute(used))
    return access.recognised(token.person)
