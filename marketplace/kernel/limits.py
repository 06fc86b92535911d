"""How often something may be tried: counters in the database, shared by all processes."""

import hashlib
import hmac
import math
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from marketplace.kernel import clock, db, jobs
from marketplace.kernel.errors import TooMany

KEPT = timedelta(days=2)
"""No window may be longer than this."""

_secret = b""


class RateCounter(db.Base):
    """How often a thing was tried since the start of a window of time."""

    __tablename__ = "rate_counters"

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


_SPEND = sa.text(
    "INSERT INTO rate_counters (key, window_start, count) VALUES (:key, :start, 1)"
    " ON CONFLICT (key, window_start) DO UPDATE SET count = rate_counters.count + 1"
    " WHERE rate_counters.count < :allowed RETURNING count"
).bindparams(sa.bindparam("start", type_=db.UtcDateTime))


def set_secret(secret: bytes) -> None:
    """Key the digests of counters, so that the table does not give away addresses that are easily guessed."""
    global _secret
    _secret = secret


def digest(key: str) -> str:
    """What is stored in place of a key, which may hold an e-mail or network address."""
    return hmac.new(_secret, key.encode(), hashlib.sha256).hexdigest()


def spend(session: Session, key: str, allowed: int, per: timedelta) -> int:
    """Count one try of `key`, of which there may be so many in each window of time; says which one it is.

    Give it the session of `db.separate()`, so that the try counts whatever becomes of the request. A refused try is
    not counted. Raises TooMany with the minutes until the next window.
    """
    if allowed < 1 or not timedelta(0) < per <= KEPT:
        raise ValueError("a limit allows at least one try, in a window of at most two days")
    now = clock.now()
    start = now - (now - datetime.fromtimestamp(0, UTC)) % per
    number = session.scalar(_SPEND, {"key": digest(key), "start": start, "allowed": allowed})
    if number is None:
        left = start + per - now
        raise TooMany(minutes=math.ceil(left / timedelta(minutes=1)), retry_after=math.ceil(left.total_seconds()))
    return int(number)


def forget(*keys: str) -> None:
    """Delete what was counted of these keys."""
    db.session.execute(sa.delete(RateCounter).where(RateCounter.key.in_([digest(key) for key in keys])))


@jobs.timed("limits.sweep", every=timedelta(hours=1))
def sweep() -> None:
    """Delete the counters of windows long over."""
    db.session.execute(sa.delete(RateCounter).where(RateCounter.window_start < clock.now() - KEPT))
