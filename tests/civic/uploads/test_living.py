"""A server, a storage server and many processes: what only the real thing shows."""

import io
import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import boto3
import pytest
import sqlalchemy as sa
from itsdangerous import URLSafeTimedSerializer
from moto.server import ThreadedMotoServer

from marketplace.civic.accounts.models import Person, PersonSession
from marketplace.civic.uploads import errors, service
from marketplace.civic.uploads.models import Upload, UploadDay
from marketplace.kernel import clock, credentials, db, jobs, storage
from marketplace.kernel.occupancy import Expired
from marketplace.web import security
from tests.civic.uploads.conftest import image, names, picture, stored
from tests.conftest import MONDAY
from tests.factories import person, sign_in
from tests.kernel.test_occupancy_race import disconnect, race

ROOT = Path(__file__).parents[3]
SECRET = "for the server of this test only " * 2
BOUNDARY = "x-boundary"


# --- the last place of a day, by many at the same instant ---


def test_files_added_at_the_same_instant_are_counted_too(live_database, monkeypatch):
    monkeypatch.setattr(service, "MOST_FILES_A_DAY", 5)
    with clock.frozen(MONDAY):
        greedy = person().id
        db.session.commit()
        disconnect()

        def attempt(_number: int, _turn: int) -> None:
            try:
                service.receive(db.session.get_one(Person, greedy), io.BytesIO(picture()), "a.jpg")
            except errors.DayFull as refusal:
                raise Expired from refusal  # one of the refusals that a race knows

        outcomes = race(live_database, attempt, processes=8, rounds=1)[0]

        assert sorted(outcomes.values()) == ["done"] * 5 + ["expired"] * 3
        assert db.session.scalar(sa.select(UploadDay.files)) == 5
        assert len(db.session.scalars(sa.select(Upload)).all()) == 5


def test_a_file_goes_to_one_thing_however_many_take_it_at_the_same_instant(live_database):
    with clock.frozen(MONDAY):
        jiwoo = person().id
        wanted = service.receive(db.session.get_one(Person, jiwoo), io.BytesIO(picture()), "a.jpg").id
        db.session.commit()
        disconnect()

        def attempt(number: int, _turn: int) -> None:
            try:
                service.attach(db.session.get_one(Person, jiwoo), [wanted], f"note:{number}")
            except errors.FileGone as refusal:
                raise Expired from refusal

        outcomes = race(live_database, attempt, processes=8, rounds=1)[0]
        assert sorted(outcomes.values()) == ["done"] + ["expired"] * 7


# --- a storage server ---


def test_a_file_goes_all_its_way_through_a_server_that_speaks_s3(app, browser, monkeypatch, recorded):
    for name, value in {"AWS_ACCESS_KEY_ID": "maeul", "AWS_SECRET_ACCESS_KEY": "for tests only"}.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        endpoint = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="city-files")
        storage.use(storage.at(f"s3://city-files?endpoint={endpoint}&region=us-east-1", Path("/nowhere")))
        jiwoo = person()
        seen, played = (service.receive(jiwoo, io.BytesIO(content), "a") for content in (picture(), recorded("webm")))
        db.session.commit()
        jobs.run_pending()
        assert names() == sorted([seen.stored("small"), seen.stored("large"), played.stored("play")])
        assert image(stored(seen, "small")).size == (400, 300)
        content, paths = stored(played, "play"), [f"/uploads/{played.key}/play", f"/uploads/{seen.key}/small"]
        sign_in(browser, jiwoo)
        part = browser.get(paths[0], headers={"Range": "bytes=50-149"}, buffered=True)
        assert (part.status_code, part.data) == (206, content[50:150])
        assert browser.get(paths[1], buffered=True).status_code == 200
        service.erase(db.session.merge(jiwoo))
        db.session.commit()
        jobs.run_pending()
        assert names() == []
    finally:
        server.stop()


# --- fifty megabytes, through the server people reach ---


@pytest.fixture
def served(app, settings, live_database, tmp_path):
    """The site as gunicorn serves it: its port, and the cookie and form token of someone signed in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = credentials.new_token()
    db.session.add(PersonSession(token_hash=credentials.digest(token), person_id=person().id, device="x"))
    db.session.commit()
    disconnect()
    cookie = app.session_interface.get_signing_serializer(app).dumps({"_user_id": token, "csrf_token": "raw"})
    environment = {
        "PATH": os.environ["PATH"], "MAEUL_ENV": "test", "DATABASE_URL": live_database, "DATA_DIR": str(tmp_path),
        "SECRET_KEY": settings.secret_key, "PORT": str(port),
    }  # fmt: skip
    serving = ["-m", "gunicorn", "--worker-class", "gthread", "--threads", "4", "--bind", f"127.0.0.1:{port}"]
    server = subprocess.Popen(
        [sys.executable, *serving, "wsgi:app"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield port, cookie, URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps("raw")
    server.terminate()
    server.wait(20)


def send(served, megabytes: int, path: str = "/uploads/", *, signed_in: bool = True) -> tuple[int, str]:
    """Send a document of so many megabytes as a browser does: all of it, and only then look at the answer."""
    port, cookie, csrf = served
    field = 'Content-Disposition: form-data; name="csrf_token"'
    file = 'Content-Disposition: form-data; name="files"; filename="plan.pdf"\r\nContent-Type: application/pdf'
    head = f"--{BOUNDARY}\r\n{field}\r\n\r\n{csrf}\r\n--{BOUNDARY}\r\n{file}\r\n\r\n%PDF-".encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    part = b"x" * security.MEGABYTE
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", path)
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + megabytes * len(part) + len(tail)))
    if signed_in:
        connection.putheader("Cookie", f"maeul={cookie}")
    connection.endheaders(head)
    for _ in range(megabytes):
        connection.send(part)
    connection.send(tail)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_fifty_megabytes_are_refused_in_a_sentence_that_arrives(served):
    status, text = send(served, 50)
    assert status == 422
    assert "“plan.pdf” is too large: it may have at most 20 MB." in text

    for megabytes, signed_in in ((80, True), (50, False)):
        status, text = send(served, megabytes, signed_in=signed_in)
        assert status == 413
        assert "What was sent is larger than this page accepts. Nothing was saved." in text

    with db.transaction(read_only=True) as session:
        assert session.scalars(sa.select(Upload)).all() == []
