"""The way to the mail server: a connection that a worker keeps from letter to letter while there is work."""

import smtplib
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from urllib.parse import unquote, urlsplit

from marketplace.kernel import hooks, jobs

LETTERS = 100
"""So many letters go over one connection: servers count, and those behind a balancer want their share."""

SECONDS = 30
"""No connection gets older: servers close those that stay silent, mostly after minutes."""

PATIENCE = 20  # seconds for each of the server's answers


@dataclass(slots=True)
class _Line:
    """An open connection, and how often and until when it may be used again."""

    smtp_url: str
    connection: smtplib.SMTP
    until: float
    letters: int


class _Own(threading.local):
    """What each thread has for itself."""

    line: _Line | None = None


_own = _Own()


def hand_over(letter: EmailMessage, smtp_url: str) -> None:
    """Hand a letter to the mail server and return once it is taken.

    Raises OSError or SMTPException. After a refusal of the recipient the connection is as good as before; after
    anything else that went wrong it is not used again. Outside a job it is closed at once.
    """
    try:
        _line_to(smtp_url).connection.send_message(letter)
    except smtplib.SMTPRecipientsRefused:
        raise
    except BaseException:
        hang_up()
        raise
    finally:
        if jobs.present.get() is None:
            hang_up()


@hooks.idle.register
def hang_up() -> None:
    """Close this thread's connection, if there is one."""
    line, _own.line = _own.line, None
    if line:
        with suppress(smtplib.SMTPException, OSError):
            line.connection.quit()
        line.connection.close()


def _line_to(smtp_url: str) -> _Line:
    """The connection kept from the letter before if it still serves, or else a new one."""
    line = _own.line
    if line is None or line.smtp_url != smtp_url or not _serves(line):
        hang_up()
        line = _own.line = _Line(smtp_url, _connect(smtp_url), time.monotonic() + SECONDS, LETTERS)
    line.letters -= 1
    return line


def _serves(line: _Line) -> bool:
    """Whether a kept connection may take another letter, and the server is still there and remembers no other."""
    if not line.letters or time.monotonic() > line.until:
        return False
    try:
        return line.connection.rset()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _connect(smtp_url: str) -> smtplib.SMTP:
    server = urlsplit(smtp_url)
    host, paths, secure = server.hostname or "localhost", ssl.get_default_verify_paths(), server.scheme == "smtps"
    connection = (
        smtplib.SMTP_SSL(host, server.port or 465, timeout=PATIENCE, context=_trust(paths))
        if secure
        else smtplib.SMTP(host, server.port or 25, timeout=PATIENCE)
    )
    try:
        if server.username:
            if not secure:
                connection.starttls(context=_trust(paths))
            connection.login(unquote(server.username), unquote(server.password or ""))
    except BaseException:
        connection.close()
        raise
    return connection


@cache
def _trust(_paths: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """Whom we believe that a mail server is the one it says; read once, there are hundreds."""
    return ssl.create_default_context()
