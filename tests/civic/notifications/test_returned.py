"""Letters that come back: from real mail servers' answers, and from delivery reports on a pipe."""

import json
import socket
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import EmailToken
from marketplace.civic.notifications import queries, service
from marketplace.civic.notifications.models import ReturnedAddress
from marketplace.kernel import clock, db, hooks, jobs
from marketplace.kernel.jobs import Job
from tests import factories

JIWOO = "jiwoo@example.org"


class Office:
    """A mail server's counter: answers for each recipient as told, and keeps what it takes."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.asked: list[str] = []
        self.taken: list[str] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        self.asked.append(address)
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server, _session, envelope):
        self.taken += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def office(app, settings, monkeypatch):
    """A mail server that the city's letters go to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    opened = Office()
    controller = Controller(opened, "127.0.0.1", port)
    controller.start()
    posting = replace(settings, smtp_url=f"smtp://127.0.0.1:{port}", mail_from="Maeul <maeul@city.example.org>")
    monkeypatch.setitem(app.extensions, "settings", posting)
    monkeypatch.setattr(jobs, "_surroundings", lambda: app.test_request_context(base_url="http://localhost"))
    yield opened
    controller.stop()


def write_to(person, choir) -> None:
    service.tell(person.id, choir, f"account:{person.id}")
    jobs.run_pending()


def queued() -> list[Job]:
    return list(db.session.scalars(sa.select(Job)))


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "550 no mailbox here", "551 5.1.6 moved away"])
def test_an_address_refused_for_good_gets_no_more_letters(office, choir, jiwoo, answer):
    office.answers = [answer]
    write_to(jiwoo, choir)
    write_to(jiwoo, choir)

    assert office.asked == [jiwoo.email]
    assert office.taken == []
    assert queued() == []
    returned = queries.returned(jiwoo)
    assert returned is not None
    assert returned.reason == answer
    assert queries.count_unread(jiwoo) == 2


@pytest.mark.parametrize(
    "answer",
    ["450 4.2.1 come back later", "451 greylisted", "550 5.7.1 your network is on a list", "552 5.2.2 mailbox full"],
)
def test_what_is_not_the_address_s_fault_is_tried_again(office, choir, jiwoo, answer, monday):
    office.answers = [answer]
    write_to(jiwoo, choir)
    assert queries.returned(jiwoo) is None
    assert [job.attempts for job in queued()] == [1]

    monday(clock.now() + timedelta(minutes=1))
    jobs.run_pending()

    assert office.taken == [jiwoo.email]
    assert queued() == []


def test_one_bad_address_keeps_nobody_else_s_letter_back(office, choir, jiwoo):
    minsu = factories.person()
    office.answers = ["550 5.1.1 no such user"]
    service.tell([jiwoo.id, minsu.id], choir, f"account:{jiwoo.id}")
    jobs.run_pending()

    assert office.taken == [minsu.email]


def test_the_inbox_says_that_letters_come_back_until_the_address_is_confirmed_again(office, browser, choir, jiwoo):
    office.answers = ["550 5.1.1 no such user"]
    write_to(jiwoo, choir)
    factories.sign_in(browser, jiwoo)
    for page in ("/inbox", "/inbox/settings"):
        assert f"Letters to {jiwoo.email} come back" in browser.get(page).text
    with browser.application.test_request_context():
        assert [queue.href for queue in hooks.waits_for_me.ask(people.person(jiwoo.id))] == ["/account/email"]

    answer = browser.send("/account/email", email=jiwoo.email, password=factories.PASSWORD)
    assert answer.status_code == 303
    jobs.run_pending()
    accounts.confirm(link_sent_to(office, jiwoo))

    assert queries.returned(jiwoo) is None
    assert "come back" not in browser.get("/inbox").text


def link_sent_to(office, person) -> str:
    """What the link in the one letter ends with."""
    assert office.taken == [person.email]
    token = db.session.scalars(sa.select(EmailToken).order_by(EmailToken.id.desc())).one()
    return people.link_of(token)


def test_a_new_address_is_written_to_although_the_old_one_came_back(office, choir, jiwoo):
    service.mark_returned(db.session(), jiwoo.email, "550")
    jiwoo.email = "new@example.org"
    write_to(jiwoo, choir)

    assert office.taken == ["new@example.org"]


def test_an_address_that_is_nobody_s_is_forgotten(jiwoo):
    service.mark_returned(db.session(), jiwoo.email, "550")
    service.mark_returned(db.session(), "nobody@example.org", "550")
    service.sweep()

    assert [one.email for one in db.session.scalars(sa.select(ReturnedAddress))] == [jiwoo.email]


# --- delivery reports (RFC 3464) ---


@pytest.fixture
def sent(choir, jiwoo, mail) -> EmailMessage:
    """A letter that went to Jiwoo."""
    service.tell(jiwoo.id, choir, f"account:{jiwoo.id}")
    return mail()[-1].message


def report(letter: EmailMessage, to: str, *, action="failed", status="5.1.1", whole=False, original="") -> bytes:
    """What a mail server writes back."""
    head = f"Message-ID: {letter['Message-ID']}\r\nSubject: x\r\n"
    back = f"Content-Type: message/rfc822\r\n\r\n{head}\r\nHello\r\n" if whole else (
        f"Content-Type: text/rfc822-headers\r\n\r\n{head}"
    )  # fmt: skip
    return (
        "From: MAILER-DAEMON@mx.example.org\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\n{original}Action: {action}\r\nStatus: {status}\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--b\r\n{back}\r\n--b--\r\n"
    ).encode()


@pytest.fixture
def pipe(app):
    """Hand a report to the command, as a mail server does."""

    def run(raw: bytes) -> int:
        db.session.commit()
        done = app.test_cli_runner().invoke(args=["notifications", "bounce"], input=raw)
        assert done.exit_code == 0, done.output
        return int(json.loads(done.output)["returned"])

    return run


@pytest.mark.parametrize("whole", [True, False])
def test_a_delivery_report_marks_the_address(sent, pipe, whole):
    assert pipe(report(sent, "Jiwoo@Example.org", whole=whole)) == 1
    assert pipe(report(sent, JIWOO, whole=whole)) == 1  # again, as mail servers do

    (found,) = db.session.scalars(sa.select(ReturnedAddress))
    assert (found.email, found.reason) == (JIWOO, "smtp; 550 5.1.1 no such user")


def test_the_address_that_was_written_to_counts_and_not_where_it_was_forwarded(sent, pipe):
    original = f"Original-Recipient: rfc822; {JIWOO}\r\n"
    assert pipe(report(sent, "elsewhere@example.net", original=original)) == 1


@pytest.mark.parametrize(
    "fields",
    [{"action": "delayed"}, {"action": "delivered", "status": "2.0.0"}, {"status": "4.2.2"}, {"status": "5.7.1"}],
)
def test_a_report_that_is_not_the_end_of_an_address_marks_none(sent, pipe, fields):
    assert pipe(report(sent, JIWOO, **fields)) == 0


def test_nobody_stops_another_s_letters_by_a_made_up_report(sent, pipe):
    victim = factories.person().email
    assert pipe(report(sent, victim)) == 0
    forged = EmailMessage()
    forged["Message-ID"] = f"<0123456789abcdef0123.{'0' * 40}@city.example.org>"
    assert pipe(report(forged, victim)) == 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ReturnedAddress)) == 0


JUNK = [
    b"",
    b"\xff\xfe\x00",
    b"Subject: Hello\r\n\r\nI am on holiday.",
    b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.1.1",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: text/rfc822-headers; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\n=",
    b"x" * 100_000,
]


@pytest.mark.parametrize("junk", JUNK)
def test_any_other_message_is_passed_over(pipe, junk):
    assert pipe(junk) == 0
