"""Nothing twice: a create that carries a key is done once; sent again, it gets the first answer."""

import hashlib
import os
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from markupsafe import escape
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.kernel.words import _l
from marketplace.web import security
from marketplace.web.access import SAFE_METHODS, current_person
from marketplace.web.errors import wants_json
from marketplace.web.forms import KEY

KEPT_FOR = timedelta(days=2)
LONGEST_KEY = 200


class IdempotencyKey(db.Base):
    """The first answer to a request that may be sent again."""

    __tablename__ = "idempotency_keys"

    key_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int | None]
    location: Mapped[str | None]
    content_type: Mapped[str | None]
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(index=True)


class OtherRequest(Conflict):
    """A key that was used for something else."""

    message = _l("This Idempotency-Key was already used for another request.")


class KeyTooLong(Invalid):
    """A key that is not a key."""

    message = _l("An Idempotency-Key may have at most {most} characters.")


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


def _first_answer(first: IdempotencyKey, request_hash: str) -> Response:
    if first.request_hash != request_hash:
        raise OtherRequest
    response = Response(first.body or b"", first.status, content_type=first.content_type)
    if first.location:
        response.headers["Location"] = first.location
    response.headers["Idempotent-Replay"] = "true"
    return response


def _claim_key() -> ResponseReturnValue | None:
    """Take the key for this request, or answer as the first request with it was answered."""
    if request.method in SAFE_METHODS:
        return None
    key = request.headers.get("Idempotency-Key", "") if wants_json() else request.form.get(KEY, "")
    if not key:
        return None
    if len(key) > LONGEST_KEY:
        raise KeyTooLong(most=LONGEST_KEY)
    person = current_person()
    request_hash = _hash(request.method.encode(), _body())
    scope = [str(person.id if person else 0), request.path, key]
    if not wants_json():
        scope.append(request_hash)  # whoever goes back and changes what they typed means another request
    key_hash = _hash(*(part.encode() for part in scope))
    row = IdempotencyKey(
        key_hash=key_hash,
        request_hash=request_hash,
        created_at=clock.now(),
        person_id=person.id if person else None,
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except sa.exc.IntegrityError:
        first = db.session.get_one(IdempotencyKey, key_hash)
        return _first_answer(first, request_hash)
    g.idempotency_key = row
    return None


def _body() -> bytes:
    if wants_json():
        return request.get_data()
    fields = sorted((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
    files = [(name, file.filename, file.stream.seek(0, os.SEEK_END)) for name, file in request.files.items(multi=True)]
    for file in request.files.values():
        file.stream.seek(0)
    return repr((fields, files) if files else fields).encode()


def _keep_answer(response: Response) -> Response:
    """Keep the answer beside what was done, in the same transaction; a refusal is not kept, it may be tried again."""
    row: IdempotencyKey | None = g.pop("idempotency_key", None)
    if row is not None and response.status_code < 400:
        row.status = response.status_code
        row.location = response.headers.get("Location")
        row.content_type = response.content_type
        row.body = response.get_data()
    elif row is not None and security.is_kept():
        db.session.delete(row)
    return response


def sweep() -> int:
    """Forget keys that nobody sends again; returns how many."""
    old = sa.delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - KEPT_FOR)
    return db.changed(old)


def forget(person: Any) -> None:
    """Forget the answers given to a person, and those given to nobody in particular that show the person's address."""
    own = IdempotencyKey.person_id == person.id
    nobodys = sa.select(IdempotencyKey).where(IdempotencyKey.person_id.is_(None), IdempotencyKey.body.is_not(None))
    shown = str(escape(person.email)).encode()
    rows = db.session.scalars(nobodys.execution_options(yield_per=100))
    telling = [row.key_hash for row in rows if shown in (row.body or b"")]
    db.session.execute(sa.delete(IdempotencyKey).where(sa.or_(own, IdempotencyKey.key_hash.in_(telling))))


def install(app: Flask) -> None:
    """Watch for keys on every unsafe request."""
    app.before_request(_claim_key)
    app.after_request(_keep_answer)
