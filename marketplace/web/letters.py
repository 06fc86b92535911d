"""Letters: one template a letter, in the reader's language, as text and as HTML, sent by the worker."""

import re
import secrets
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path

from flask import current_app, render_template

from marketplace.kernel import clock, credentials, hooks, jobs, words
from marketplace.settings import Settings
from marketplace.web import post

FACT = re.compile(r"([^:：\n]{1,40})[:：] +(\S.*)")
NOT_THE_ADDRESS = re.compile(r"\b5\.(?:[3-9]\.|2\.[2-9])")
"""What mail servers say for good (RFC 3463) of themselves, of us or of the letter, but not of the address."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """How a letter may be the last of its kind: an address to post to, without signing in, and what then ends."""

    url: str
    what: object


Pieces = list[tuple[str, bool]]
"""A line cut up, and whether each piece is an address to follow."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a letter between two empty lines: facts (name and value) if every line is one, else lines."""

    lines: list[Pieces]
    facts: list[tuple[str, Pieces]]


def send(
    to: str,
    language: str,
    template: str,
    *,
    attachments: Mapping[str, tuple[bytes, str]] | None = None,
    unsubscribe: Unsubscribe | None = None,
    **context: object,
) -> None:
    """Write the letter in `templates/<template>.txt` and send it.

    The template's first line is the subject; the HTML part is the same text, laid out. In development the letter goes
    to the mailbox folder instead, to be read at /dev/mailbox. An address that the mail server refuses for good is told
    to hooks.letter_returned. Raises OSError or SMTPException if the letter is not taken for another reason; the job is
    then tried again.
    """
    settings: Settings = current_app.extensions["settings"]
    letter = EmailMessage()
    with words.speaking(language):
        spoken = {"_": words._, "ngettext": words.ngettext}  # a letter is plain text: nothing is escaped in it
        subject, _, body = render_template(f"{template}.txt", **spoken, **context).strip().partition("\n")
        subject, body = " ".join(subject.split()), body.strip()
        if unsubscribe:
            body += "\n\n" + render_template("letters/_unsubscribe.txt", **spoken, unsubscribe=unsubscribe)
            letter["List-Unsubscribe"] = f"<{unsubscribe.url}>"
            letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        html = render_template("letters/letter.html", subject=subject, blocks=blocks(body))
    letter["Subject"] = subject
    letter["From"] = settings.mail_from
    letter["To"] = to
    letter["Date"] = format_datetime(clock.now())
    letter["Message-ID"] = _message_id(parseaddr(settings.mail_from)[1].rpartition("@")[2], to, template)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body + "\n")
    letter.add_alternative(html, subtype="html")
    for name, (content, kind) in (attachments or {}).items():
        maintype, _, subtype = kind.partition("/")
        charset = {"charset": "utf-8"} if maintype == "text" else None
        letter.add_attachment(content, maintype=maintype, subtype=subtype, filename=name, params=charset)
    letter["Content-Language"] = language  # after the content, which clears such headers
    if settings.smtp_url:
        _deliver(letter, settings.smtp_url)
    else:
        _keep(letter, mailbox(settings))


# --- the HTML part ---


def blocks(text: str) -> list[Block]:
    """A letter's text in the stretches that its layout knows."""
    return [_block([line.strip() for line in part.split("\n")]) for part in re.split(r"\n\s*\n", text.strip())]


def _block(lines: list[str]) -> Block:
    found = [FACT.fullmatch(line) for line in lines]
    facts = [(match[1], _linked(match[2])) for match in found if match] if all(found) and len(found) > 1 else []
    return Block([_linked(line) for line in lines], facts)


def _linked(line: str) -> Pieces:
    """The line with what leads to our own site made to follow, and nothing else: people may have written it."""
    ours = re.escape(current_app.extensions["settings"].base_url.rstrip("/"))
    return [(piece, number % 2 == 1) for number, piece in enumerate(re.split(rf"({ours}/\S*)", line)) if piece]


# --- by what a letter is known ---


def _message_id(domain: str, to: str, template: str) -> str:
    """Of our making, as its seal shows; the same at every attempt of a job.

    So mail programs recognise a letter that was sent twice rather than never.
    """
    job = jobs.present.get()
    word = credentials.seal(job, to, template)[:20] if job else secrets.token_hex(10)
    return f"<{word}.{credentials.seal('letter', word, to)}@{domain}>"


def was_sent_to(message_id: str, to: str) -> bool:
    """Whether a letter of this Message-ID went to this address: nobody can say so who has not got one."""
    word, _, seal = message_id.strip().strip("<>").partition("@")[0].partition(".")
    return credentials.is_seal(seal, "letter", word, to)


def mailbox(settings: Settings) -> Path:
    """Where letters stay when there is no mail server."""
    return settings.data_dir / "mailbox"


def _deliver(letter: EmailMessage, smtp_url: str) -> None:
    try:
        post.hand_over(letter, smtp_url)
    except smtplib.SMTPRecipientsRefused as refusal:
        code, answer = next(iter(refusal.recipients.values()))
        reason = f"{code} {answer.decode(errors='replace') if isinstance(answer, bytes) else answer}"
        if not 500 <= code < 600 or NOT_THE_ADDRESS.search(reason):
            raise
        hooks.letter_returned.ask(letter["To"].addresses[0].addr_spec, reason)


def _keep(letter: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{clock.now():%Y%m%dT%H%M%S%f}"
    last = max((file.name for file in folder.glob(f"{stem}x*")), default=None)
    number = int(last.removeprefix(f"{stem}x")[:3]) + 1 if last else 0
    name = f"{stem}x{number:03}.eml"  # several at the same moment keep their order, though some may be gone again
    unfinished = folder / f"{name}.part"
    unfinished.write_bytes(bytes(letter))
    unfinished.rename(folder / name)
