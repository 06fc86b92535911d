"""Where news may go: to the public internet over https, and nowhere else."""

import datetime as dates
import socket
import ssl
import time
from threading import Thread
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from marketplace.civic.webhooks import errors, service
from marketplace.civic.webhooks.models import Trouble
from marketplace.kernel import outward
from tests.civic.webhooks.conftest import CONFIRMED


@pytest.fixture
def names(monkeypatch):
    """What names lead to; every look-up of a name is noted."""
    real = socket.getaddrinfo
    known: dict[str, list[list[str]]] = {}
    asked: list[str] = []

    def look_up(host, port, *args, **options):
        asked.append(host)
        answers = known.get(host)
        if answers is None:
            return real(host, port, *args, **options)
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [answer for one in found for answer in real(one, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return SimpleNamespace(known=known, asked=asked)


INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "192.88.99.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "203.0.113.7", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1", "2001:db8::1", "3fff::1",
]  # fmt: skip


@pytest.mark.no_database
@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_on_the_public_internet_is_not_asked(address):
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(outward.Inside):
        outward.find(f"https://{host}/")


@pytest.mark.no_database
@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111"])
def test_an_address_on_the_public_internet_may_be_asked(address):
    host = f"[{address}]" if ":" in address else address
    assert outward.find(f"https://{host}/x?y=1") == outward.Target(True, address, 443, "/x?y=1", (address,))


@pytest.mark.no_database
@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost"])
def test_another_way_of_writing_this_machine_does_not_help(host):
    with pytest.raises((outward.Inside, outward.Unknown, outward.Unwritable)):
        outward.find(f"https://{host}/")


@pytest.mark.no_database
@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https:///path", "example.org", "https://a b.org/",
        "https://user@example.org/", "https://user:secret@example.org/", "https://example.org/#part",
        "https://example.org:99999/", "https://example.org/\r\nHost: evil", "https://example.org/방",
        "https://[::1", "javascript:alert(1)", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_what_is_not_a_plain_https_address_is_refused(url):
    with pytest.raises(outward.Unwritable):
        outward.find(url)


@pytest.mark.no_database
def test_one_private_address_among_public_ones_is_enough_to_refuse(names):
    names.known["mixed.example.org"] = [["8.8.8.8", "10.0.0.1"]]
    with pytest.raises(outward.Inside):
        outward.find("https://mixed.example.org/")


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("https://10.0.0.1/", errors.AddressInside),
        ("http://example.org/", errors.AddressUnwritable),
        ("https://no-such-name.invalid/", errors.HostUnknown),
    ],
)
def test_registering_refuses_with_a_sentence_of_its_own(admin, url, refusal):
    with pytest.raises(refusal) as refused:
        service.register(admin, url, "Doors", [CONFIRMED])
    assert refused.value.details == {"field": "url"}


def test_a_name_that_leads_inside_later_is_not_asked(admin, names, receiver):
    """DNS rebinding: judged when registering, judged again for each message."""
    port = receiver.url.split(":")[2].partition("/")[0]
    names.known["rebinds.example.org"] = [["8.8.8.8"], ["127.0.0.1"]]
    service.register(admin, f"https://rebinds.example.org:{port}/", "Doors", [CONFIRMED])
    outcome = service.send(service.Message(f"https://rebinds.example.org:{port}/", b"{}", {}))
    assert outcome == service.Outcome(trouble=Trouble.INSIDE)
    assert receiver.received == []


def test_the_connection_goes_to_the_very_address_that_was_judged(anywhere, names, receiver):
    """The name is looked up once; whatever it would lead to a moment later is never asked."""
    port = receiver.url.split(":")[2].partition("/")[0]
    names.known["once.example.org"] = [["127.0.0.1"], ["192.0.2.1"]]
    outcome = service.send(service.Message(f"http://once.example.org:{port}/", b"{}", {}))
    assert outcome == service.Outcome(204)
    assert names.asked.count("once.example.org") == 1
    assert receiver.received[0][0]["host"] == f"once.example.org:{port}"


def test_a_redirect_is_not_followed(anywhere, receiver):
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    assert service.send(service.Message(receiver.url, b"{}", {})) == service.Outcome(302, Trouble.REFUSED)
    assert len(receiver.received) == 1


def test_of_a_long_answer_only_the_beginning_is_read(anywhere, receiver):
    receiver.status, receiver.body = 200, b"a\x00b\n" + b"x" * 50_000_000
    begun = time.monotonic()
    outcome = service.send(service.Message(receiver.url, b"{}", {}))
    assert outcome.answer == ("a b " + "x" * 500)[:500]
    assert time.monotonic() - begun < 5


def test_a_receiver_that_drips_its_answer_is_cut_off(anywhere, monkeypatch):
    monkeypatch.setattr(outward, "WHOLE_SECONDS", 0.6)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(65536)
            for letter in "HTTP/1.1 200 OK" * 4:
                try:
                    line.sendall(letter.encode())
                except OSError:
                    return
                time.sleep(0.1)

    thread = Thread(target=drip)
    thread.start()
    begun = time.monotonic()
    outcome = service.send(service.Message(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {}))
    assert outcome == service.Outcome(trouble=Trouble.SILENT)
    assert time.monotonic() - begun < 3
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    "answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 9999999999 x\r\n\r\n", b"\x16\x03\x01" * 50]
)
def test_nonsense_for_an_answer_is_no_answer(anywhere, answer):
    listener = socket.create_server(("127.0.0.1", 0))

    def speak() -> None:
        line, _ = listener.accept()
        with line:
            line.recv(65536)
            line.sendall(answer)

    thread = Thread(target=speak)
    thread.start()
    outcome = service.send(service.Message(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {}))
    assert outcome.trouble is Trouble.SILENT
    thread.join()
    listener.close()


# --- https ---


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """A TLS server on this machine with a certificate of our own authority for `localhost` alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dates.datetime(2020, 1, 1))  # noqa: DTZ001 - the builder takes UTC
        .not_valid_after(dates.datetime(2100, 1, 1))  # noqa: DTZ001
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "own.pem").write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        line, _ = listener.accept()
        try:
            with context.wrap_socket(line, server_side=True) as secure:
                while b"{}" not in secure.recv(65536):
                    pass
                secure.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            line.close()

    thread = Thread(target=answer)
    thread.start()
    yield listener.getsockname()[1]
    thread.join()
    listener.close()


def test_https_is_checked_against_the_name_though_the_address_was_dialled(anywhere, certified):
    assert service.send(service.Message(f"https://localhost:{certified}/", b"{}", {})) == service.Outcome(
        202, answer="ok"
    )


def test_a_certificate_for_another_name_is_not_believed(anywhere, certified):
    outcome = service.send(service.Message(f"https://127.0.0.1:{certified}/", b"{}", {}))
    assert outcome == service.Outcome(trouble=Trouble.SILENT)
