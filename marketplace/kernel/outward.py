"""Requests to addresses that people type in: only ever to the public internet, never to a machine of our own network.

A name is looked up once, what it leads to is judged, and the connection is made to that very address: a name that
leads elsewhere a moment later leads nowhere. Redirects are not followed, and neither a slow nor a long answer holds up.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Timer
from urllib.parse import urlsplit

LOOKUP_SECONDS = 5
CONNECT_SECONDS = 5
WHOLE_SECONDS = 15
"""How long a request may take in all, from the connection to the end of the answer."""

READ_BYTES = 4096

UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is routed; outside of it lie loopback, private, link-local, mapped and translated addresses."""

NOT_PUBLIC = (
    IPv4Network("168.63.129.16"),  # Azure's metadata
    IPv4Network("192.0.0.0/24"),  # special uses, among them another cloud's metadata
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("2002::/16"),  # 6to4 holds any IPv4 address
    IPv6Network("2001::/23"),  # Teredo and others
    IPv6Network("3fff::/20"),  # documentation
)

_anywhere = False
_lookups = ThreadPoolExecutor(4, thread_name_prefix="lookup")


class Unwritable(ValueError):
    """Not an address that could be asked."""


class Unknown(Exception):
    """Nobody has that name."""


class Inside(Exception):
    """The name leads to an address that is not on the public internet."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: by this name, to one of these addresses."""

    https: bool
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and no more of it than anyone reads."""

    status: int
    text: str


def set_anywhere(anywhere: bool) -> None:
    """Allow http and addresses of one's own network: to try things out, never where people rely on it."""
    global _anywhere
    _anywhere = anywhere


def is_public(address: str) -> bool:
    """Whether an address may be asked: on the public internet, and not another way of writing one that is not."""
    found = ip_address(address)
    if any(found in network for network in NOT_PUBLIC if network.version == found.version):
        return False
    if isinstance(found, IPv6Address):
        return found in UNICAST and found.is_global
    return found.is_global and not found.is_multicast


def find(url: str) -> Target:
    """Look up where an address leads. Raises Unwritable, Unknown or Inside."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError as failure:
        raise Unwritable from failure
    schemes = ("https", "http") if _anywhere else ("https",)
    if not url.isascii() or not url.isprintable() or " " in url or parts.scheme not in schemes or not host:
        raise Unwritable
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Unwritable
    https = parts.scheme == "https"
    port = port or (443 if https else 80)
    addresses = _addresses(host, port)
    if not _anywhere and not all(map(is_public, addresses)):
        raise Inside
    return Target(https, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), addresses)


def _addresses(host: str, port: int) -> tuple[str, ...]:
    lookup = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        return tuple(dict.fromkeys(str(found[4][0]) for found in lookup.result(LOOKUP_SECONDS)))
    except (OSError, UnicodeError, TimeoutError) as failure:
        raise Unknown from failure


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Send a request and read the beginning of the answer, whatever its status.

    Raises what find raises, and OSError or HTTPException if no answer can be had.
    """
    target = find(url)
    with _connected(target) as line:
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = line
        connection.request("POST", target.path, body, headers | {"Host": _host_header(target), "Connection": "close"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(READ_BYTES).decode("utf-8", "replace"))


def _host_header(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == (443 if target.https else 80) else f"{host}:{target.port}"


@contextmanager
def _connected(target: Target) -> Iterator[socket.socket]:
    """A connection to the addresses found, checked against the name, cut off when its time is up."""
    line = _dialled(target)
    if target.https:
        line = ssl.create_default_context().wrap_socket(
            line, server_hostname=target.host, do_handshake_on_connect=False
        )
    end = Timer(WHOLE_SECONDS, _cut, (line,))
    end.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        yield line
    finally:
        end.cancel()
        line.close()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # below TLS, which has state of its own


def _dialled(target: Target) -> socket.socket:
    failure: OSError = OSError("no address")
    for address in target.addresses:
        try:
            return socket.create_connection((address, target.port), CONNECT_SECONDS)
        except OSError as refused:
            failure = refused
    raise failure
