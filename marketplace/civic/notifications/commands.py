"""Letters that come back, read from a pipe."""

import json
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import parseaddr

import click
from flask.cli import AppGroup

from marketplace.civic.accounts.queries import one_spelling
from marketplace.civic.notifications import service
from marketplace.kernel import db
from marketplace.web import letters

notifications = AppGroup("notifications", help="Letters to people.")
LARGEST = 2 * 1024 * 1024


@notifications.command("bounce")
def bounce() -> None:
    """Read a delivery report (RFC 3464) from standard input and write no more to addresses that are gone.

    Only what was ours counts: the report has to bring along the Message-ID of a letter that we sent to the address.
    """
    report = message_from_bytes(sys.stdin.buffer.read(LARGEST), EmailMessage, policy=policy.default)
    message_id = _message_id(report)
    returned = {email: reason for email, reason in _failures(report).items() if letters.was_sent_to(message_id, email)}
    with db.transaction():
        for email, reason in returned.items():
            service.mark_returned(db.session(), email, reason)
    click.echo(json.dumps({"returned": len(returned)}))


def _failures(report: EmailMessage) -> dict[str, str]:
    """The addresses that will never get the letter, and why."""
    found = {}
    for fields in _parts(report, "message/delivery-status"):
        if _is_final(fields):
            recipient = fields["Original-Recipient"] or fields["Final-Recipient"]
            email = one_spelling(parseaddr(str(recipient).partition(";")[2])[1])
            found[email] = str(fields["Diagnostic-Code"] or fields["Status"])
    return found


def _parts(report: EmailMessage, kind: str) -> Iterator[Message]:
    """The messages within every part of a kind; none if it cannot be read."""
    for part in report.walk():
        within = part.get_payload()
        if part.get_content_type() == kind and isinstance(within, list):
            yield from (one for one in within if isinstance(one, Message))


def _is_final(fields: Message) -> bool:
    """Whether these fields say that an address failed for good, and because of the address."""
    status = str(fields["Status"]).strip()
    failed = str(fields["Action"]).strip().lower() == "failed" and status.startswith("5.")
    return failed and not letters.NOT_THE_ADDRESS.match(status)


def _message_id(report: EmailMessage) -> str:
    """Of the letter that came back, which the report brings along whole or with its head only."""
    heads = [message_from_bytes(bytes(part.get_payload(decode=True) or b"")) for part in report.walk()
             if part.get_content_type() == "text/rfc822-headers"]  # fmt: skip
    letter = next(iter([*_parts(report, "message/rfc822"), *heads]), None)
    return str(letter["Message-ID"] or "") if letter else ""
