"""Letters, handed to real mail servers that take them, refuse them, or are away."""

import asyncio
import socket
import ssl
import subprocess
import threading
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from marketplace.kernel import clock, db, jobs
from marketplace.web import letters, post

KOREAN = "회의실이 예약되었습니다: 6월 4일 금요일 14:00–16:00, 하늘시 마을도서관 3층 큰 회의실"
TO = "jiwoo@example.org"
USER, PASSWORD = "city@example.org", "p@ss/word: x"


class Office:
    """A mail server's counter: keeps what it is given, and answers as told."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.logins: list[tuple[str, str]] = []
        self.secret = False
        self.refusals: list[str] = []
        self.lines: list[asyncio.StreamWriter] = []
        self.visits = 0

    async def handle_EHLO(self, server, session, _envelope, hostname, responses):
        session.host_name = hostname
        self.visits += 1
        self.loop = asyncio.get_running_loop()
        self.lines.append(server._writer)
        return responses

    async def handle_QUIT(self, server, _session, _envelope):
        self.lines.remove(server._writer)
        return "221 Bye"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.recipients += envelope.rcpt_tos
        self.secret = session.ssl is not None
        return self.answers.pop(0) if self.answers else "250 OK"

    def admit(self, _server, _session, _envelope, _mechanism, given):
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=self.logins[-1] == (USER, PASSWORD))

    def hang_up(self) -> None:
        """Close every connection without a word, and return when the other side can know."""
        for line in self.lines:
            asyncio.run_coroutine_threadsafe(self._close(line), self.loop).result(10)
        self.lines.clear()

    async def _close(self, line: asyncio.StreamWriter) -> None:
        line.close()
        await line.wait_closed()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def office():
    return Office()


@pytest.fixture
def open_office(office):
    """Open the mail server at a port; closed again at the end."""
    opened = []

    def start(port: int, **options):
        controller = Controller(office, "127.0.0.1", port, **options)
        controller.start()
        opened.append(controller)

    yield start
    for controller in opened:
        controller.stop()


@pytest.fixture
def posting(staged, settings, monkeypatch):
    """Have letters go to this mail server."""

    def post(url, sender="하늘시 <maeul@city.example.org>"):
        monkeypatch.setitem(staged.extensions, "settings", replace(settings, smtp_url=url, mail_from=sender))
        monkeypatch.setattr(jobs, "_surroundings", lambda: staged.test_request_context())

    return post


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost that nobody trusts yet."""
    key, file = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context


def send(staged, subject=KOREAN, body="안녕하세요,\n지우 님", to=TO, language="ko", **more):
    with staged.test_request_context():
        letters.send(to, language, "try/letter", subject=subject, body=body, **more)


@jobs.task("try.letter", outside=True)
def letter_of_a_job(subject: str) -> None:
    letters.send(TO, "ko", "try/letter", subject=subject, body="안녕하세요")


def test_korean_arrives_as_it_was_written(staged, office, open_office, posting):
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")

    send(staged, attachments={"예약.ics": ("BEGIN:VCALENDAR 회의".encode(), "text/calendar")})

    letter = office.letters[0]
    body, enclosed = letter.get_body(("plain",)), next(iter(letter.iter_attachments()))
    assert letter["Subject"] == KOREAN
    assert body is not None
    assert body.get_content().splitlines() == ["안녕하세요,", "지우 님"]
    assert letter["From"].addresses[0].display_name == "하늘시"
    assert (letter["To"], office.recipients) == (TO, [TO])
    assert (letter["Content-Language"], letter["Auto-Submitted"]) == ("ko", "auto-generated")
    assert letter["Date"].datetime == clock.now()
    assert letter["Message-ID"].endswith("@city.example.org>")
    assert (enclosed.get_filename(), enclosed.get_content_type()) == ("예약.ics", "text/calendar")
    assert "회의" in enclosed.get_payload(decode=True).decode()
    assert not office.secret


def test_a_letter_is_written_in_its_readers_language(staged, office, open_office, posting):
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")
    with staged.test_request_context():
        for language in ("ko", "en"):
            letters.send(TO, language, "letters/accounts/password", name="<Jiwoo> & co", forgot="https://x.kr/?a&b")

    subjects = [letter["Subject"] for letter in office.letters]
    assert subjects[1] == "Your password was changed"
    assert any("가" <= sign <= "힣" for sign in subjects[0])
    text = office.letters[1].get_body(("plain",))
    assert "<Jiwoo> & co" in text.get_content()  # a letter is no page: nothing is escaped


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x0b", "\u2028", "\r\n\r\n"])
def test_no_name_adds_a_header_or_a_reader(staged, office, open_office, posting, break_):
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")

    send(staged, subject=f"Hello 지우{break_}Bcc: everyone@example.org", body="text")

    letter = office.letters[0]
    assert letter["Bcc"] is None
    assert office.recipients == [TO]
    assert letter["Subject"].startswith("Hello 지우")


@pytest.mark.parametrize("to", [f"{TO}\r\nBcc: x@example.org", f"{TO}\nX: y"])
def test_an_address_that_is_none_is_refused(staged, office, open_office, posting, to):
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")

    with pytest.raises(ValueError, match="linefeed"):
        send(staged, to=to)
    assert office.letters == []


def test_signing_in_is_done_behind_a_trusted_certificate(
    staged, office, open_office, posting, certificate, monkeypatch
):
    file, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    open_office(port := free_port(), tls_context=context, authenticator=office.admit, auth_required=True)
    posting(f"smtp://city%40example.org:p%40ss%2Fword%3A%20x@localhost:{port}")

    send(staged)

    assert office.logins == [(USER, PASSWORD)]
    assert office.secret
    assert office.letters[0]["Subject"] == KOREAN


def test_no_password_is_told_to_a_server_nobody_vouches_for(staged, office, open_office, posting, certificate):
    open_office(port := free_port(), tls_context=certificate[1], authenticator=office.admit)
    posting(f"smtp://city:secret@localhost:{port}")

    with pytest.raises(ssl.SSLCertVerificationError):
        send(staged)
    assert (office.logins, office.letters) == ([], [])


def test_no_password_is_told_in_the_open(staged, office, open_office, posting):
    open_office(port := free_port(), authenticator=office.admit, auth_require_tls=False)
    posting(f"smtp://city:secret@localhost:{port}")

    with pytest.raises(Exception, match="STARTTLS"):
        send(staged)
    assert office.logins == []


def waiting() -> tuple[int, str | None]:
    """How often the one job was tried and what went wrong last."""
    job = db.session.query(jobs.Job).one()
    return job.attempts, job.last_error


def test_a_letter_refused_is_sent_again_later_and_known_to_be_the_same(office, open_office, posting, monday):
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")
    office.answers = ["451 come back later"]
    jobs.enqueue("try.letter", subject=KOREAN)
    jobs.run_pending()

    attempts, error = waiting()
    assert attempts == 1
    assert "come back later" in str(error)
    jobs.run_pending()
    assert len(office.letters) == 1  # not before its time
    monday(clock.now() + timedelta(minutes=1))
    jobs.run_pending()
    jobs.run_pending()

    assert [letter["Subject"] for letter in office.letters] == [KOREAN, KOREAN]
    assert office.letters[0]["Message-ID"] == office.letters[1]["Message-ID"]
    assert db.session.query(jobs.Job).count() == 0


def test_a_letter_waits_for_a_server_that_is_away(office, open_office, posting, monday):
    port = free_port()
    posting(f"smtp://127.0.0.1:{port}")
    jobs.enqueue("try.letter", subject=KOREAN)
    jobs.run_pending()
    assert waiting()[0] == 1
    open_office(port)
    monday(clock.now() + timedelta(minutes=1))
    jobs.run_pending()

    assert [letter["Subject"] for letter in office.letters] == [KOREAN]


def test_two_letters_are_two(office, open_office, posting, monday):
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")
    for _turn in range(2):
        jobs.enqueue("try.letter", subject=KOREAN)
        jobs.run_pending()
        monday(clock.now() + timedelta(seconds=1))

    assert len({letter["Message-ID"] for letter in office.letters}) == 2


def test_without_a_server_letters_stay_in_the_mailbox_in_order(staged, settings):
    folder = letters.mailbox(settings)
    before = set(folder.glob("*")) if folder.exists() else set()
    for subject in ("first", "second", "third"):
        send(staged, subject=subject, language="en")
    files = sorted(set(folder.glob("*")) - before)

    read = [message_from_bytes(file.read_bytes(), policy=policy.default)["Subject"] for file in files]
    assert read == ["first", "second", "third"]
    assert {file.suffix for file in files} == {".eml"}


def test_a_new_letter_never_takes_the_place_of_a_kept_one(tmp_path):
    def keep(subject):
        letter = EmailMessage()
        letter["Subject"] = subject
        letters._keep(letter, tmp_path)
        return max(tmp_path.iterdir())

    forgotten, kept = keep("forgotten"), keep("kept")
    forgotten.unlink()
    new = keep("new")

    assert sorted(tmp_path.iterdir()) == [kept, new]
    assert kept != new


# --- the connection from letter to letter ---


@jobs.task("try.between", outside=True)
def something_between() -> None:
    """What a test has happen between two letters; see `between`."""


@pytest.fixture
def between(office, monkeypatch):
    """Have the server close its connections in this job."""
    monkeypatch.setitem(jobs._tasks, "try.between", jobs.Task(office.hang_up, outside=True))


def post_letters(*subjects: str) -> None:
    for subject in subjects:
        if subject == "between":
            jobs.enqueue("try.between")
        else:
            jobs.enqueue("try.letter", subject=subject)
    jobs.run_pending()


def arrived(office) -> list[str]:
    return [str(letter["Subject"]) for letter in office.letters]


@pytest.fixture
def at_work(office, open_office, posting) -> Office:
    open_office(port := free_port())
    posting(f"smtp://127.0.0.1:{port}")
    return office


def test_the_letters_of_one_run_go_over_one_connection_closed_at_its_end(at_work):
    post_letters("first", "second", "third")

    assert arrived(at_work) == ["first", "second", "third"]
    assert (at_work.visits, at_work.lines) == (1, [])


def test_a_letter_outside_a_job_leaves_no_connection_open(staged, at_work):
    send(staged)
    assert (at_work.visits, at_work.lines) == (1, [])


def test_a_worker_with_nothing_more_to_do_hangs_up(at_work, monkeypatch):
    monkeypatch.setattr(jobs, "_rhythms", {})
    for subject in ("first", "second"):
        jobs.enqueue("try.letter", subject=subject)
    db.session.commit()
    open_lines: list[int] = []

    def stop() -> bool:
        open_lines.append(len(at_work.lines))
        return len(open_lines) == 4

    jobs.work(stop, "worker", idle=0)

    assert arrived(at_work) == ["first", "second"]
    assert open_lines == [0, 1, 1, 0]


def test_a_worker_told_to_stop_hangs_up(at_work, monkeypatch):
    monkeypatch.setattr(jobs, "_rhythms", {})
    jobs.enqueue("try.letter", subject="first")
    db.session.commit()
    jobs.work(lambda: bool(at_work.letters), "worker")
    assert (at_work.visits, at_work.lines) == (1, [])


def test_a_connection_that_the_server_closed_between_two_letters_loses_nothing(at_work, between):
    post_letters("first", "between", "second", "third")

    assert arrived(at_work) == ["first", "second", "third"]
    assert at_work.visits == 2
    assert db.session.query(jobs.Job).count() == 0


def test_a_connection_lost_amid_a_letter_has_that_one_sent_again_and_the_next_at_once(at_work, monday):
    at_work.answers = ["250 OK", "421 4.3.2 shutting down"]
    post_letters("first", "second", "third")

    assert arrived(at_work) == ["first", "second", "third"]  # the second was read, but not taken
    assert waiting()[0] == 1
    monday(clock.now() + timedelta(minutes=1))
    jobs.run_pending()

    assert arrived(at_work) == ["first", "second", "third", "second"]
    assert at_work.letters[1]["Message-ID"] == at_work.letters[3]["Message-ID"]
    assert db.session.query(jobs.Job).count() == 0


@pytest.mark.parametrize("refusal", ["550 5.1.1 no such user", "451 4.7.1 come back later"])
def test_a_refused_recipient_does_not_spoil_the_next_letter_on_the_same_connection(at_work, refusal):
    at_work.refusals = [refusal]
    post_letters("first", "second")

    assert arrived(at_work) == ["second"]
    assert at_work.visits == 1
    assert db.session.query(jobs.Job).count() == (1 if refusal.startswith("4") else 0)


def test_no_connection_carries_more_letters_than_it_may(at_work, monkeypatch):
    monkeypatch.setattr(post, "LETTERS", 2)
    post_letters(*"12345")

    assert arrived(at_work) == list("12345")
    assert at_work.visits == 3


def test_no_connection_gets_older_than_it_may(at_work, monkeypatch):
    monkeypatch.setattr(post, "SECONDS", 0)
    post_letters("first", "second")

    assert arrived(at_work) == ["first", "second"]
    assert at_work.visits == 2


def test_who_signed_in_stays_so_for_the_next_letter(office, open_office, posting, certificate, monkeypatch):
    file, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    open_office(port := free_port(), tls_context=context, authenticator=office.admit, auth_required=True)
    posting(f"smtp://city%40example.org:p%40ss%2Fword%3A%20x@localhost:{port}")

    post_letters("first", "second")

    assert arrived(office) == ["first", "second"]
    assert office.logins == [(USER, PASSWORD)]
    assert office.secret


def test_threads_do_not_share_a_connection(at_work, staged):
    meet = threading.Barrier(2)

    def work() -> None:
        jobs.present.set("a job")
        for _ in range(3):
            meet.wait(10)
            send(staged)
        meet.wait(10)
        post.hang_up()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(at_work.letters) == 6
    assert (at_work.visits, at_work.lines) == (2, [])
