"""Letters: one template a letter, in the reader's language, sent by the worker."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app, render_template

from marketplace.kernel import clock, credentials, jobs, words
from marketplace.settings import Settings


def send(to: str, language: str, template: str, **context: object) -> None:
    """Write the letter in `templates/<template>.txt` and send it.

    The template's first line is the subject. In development the letter goes to the mailbox folder instead, to be read
    at /dev/mailbox. Raises OSError or SMTPException if the mail server does not take it; the job is then tried again.
    """
    settings: Settings = current_app.extensions["settings"]
    with words.speaking(language):
        spoken = {"_": words._, "ngettext": words.ngettext}  # a letter is plain text: nothing is escaped in it
        subject, _, body = render_template(f"{template}.txt", **spoken, **context).strip().partition("\n")
    letter = EmailMessage()
    letter["Subject"] = " ".join(subject.split())
    letter["From"] = settings.mail_from
    letter["To"] = to
    letter["Date"] = format_datetime(clock.now())
    letter["Message-ID"] = _message_id(parseaddr(settings.mail_from)[1].rpartition("@")[2], to, template)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body.strip() + "\n")
    for name, (content, kind) in (context.get("attachments") or {}).items():  # type: ignore[attr-defined]
        maintype, _, subtype = kind.partition("/")
        charset = {"charset": "utf-8"} if maintype == "text" else None
        letter.add_attachment(content, maintype=maintype, subtype=subtype, filename=name, params=charset)
    letter["Content-Language"] = language  # after the content, which clears such headers
    if settings.smtp_url:
        _deliver(letter, settings.smtp_url)
    else:
        _keep(letter, mailbox(settings))


def _message_id(domain: str, to: str, template: str) -> str:
    """The same at every attempt of a job: mail programs recognise a letter that was sent twice rather than never."""
    job = jobs.present.get()
    return f"<{credentials.seal(job, to, template)}@{domain}>" if job else make_msgid(domain=domain)


def mailbox(settings: Settings) -> Path:
    """Where letters stay when there is no mail server."""
    return settings.data_dir / "mailbox"


def _deliver(letter: EmailMessage, smtp_url: str) -> None:
    server = urlsplit(smtp_url)
    host, trust = server.hostname or "localhost", ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, server.port or 465, timeout=20, context=trust)
        if server.scheme == "smtps"
        else smtplib.SMTP(host, server.port or 25, timeout=20)
    ) as connection:
        if server.username:
            if server.scheme != "smtps":
                connection.starttls(context=trust)
            connection.login(unquote(server.username), unquote(server.password or ""))
        connection.send_message(letter)


def _keep(letter: EmailMessage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{clock.now():%Y%m%dT%H%M%S%f}"
    name = f"{stem}x{len(list(folder.glob(f'{stem}*'))):03}.eml"  # several at the same moment keep their order
    unfinished = folder / f"{name}.part"
    unfinished.write_bytes(bytes(letter))
    unfinished.rename(folder / name)
