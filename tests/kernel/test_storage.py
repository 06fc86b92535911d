"""Where files lie: the same facts of a directory and of a server that speaks S3."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from moto.server import ThreadedMotoServer

from marketplace.kernel import storage

pytestmark = pytest.mark.no_database

WORDS = b"A river runs through the city." * 10_000


@pytest.fixture(scope="module")
def endpoint():
    """A server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["directory", "bucket"])
def store(request, tmp_path, monkeypatch):
    """Each kind of store, empty."""
    if request.param == "directory":
        return storage.at("", tmp_path / "files")
    for name, value in {"AWS_ACCESS_KEY_ID": "maeul", "AWS_SECRET_ACCESS_KEY": "for tests only"}.items():
        monkeypatch.setenv(name, value)
    endpoint = request.getfixturevalue("endpoint")
    name = f"files-{os.urandom(4).hex()}"
    made = storage.at(f"s3://{name}?endpoint={endpoint}&region=us-east-1", tmp_path)
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=name)
    return made


def names(store, prefix=""):
    return sorted(name for name, _written in store.written(prefix))


def test_what_is_put_is_there_and_read_from_any_point(store):
    store.put("uploads/ab/one.large", io.BytesIO(WORDS))

    with store.open("uploads/ab/one.large") as file:
        assert file.read() == WORDS
        assert file.seek(-30, io.SEEK_END) == len(WORDS) - 30
        assert file.read() == b"A river runs through the city."
        assert file.seek(2) == 2
        assert file.read(5) == b"river"
        assert file.tell() == 7
        assert file.seek(100_000, io.SEEK_CUR) == 100_007
        assert file.read(10) == WORDS[100_007:100_017]


def test_what_is_put_again_takes_the_place_of_what_was(store):
    store.put("one", io.BytesIO(WORDS))
    store.put("one", io.BytesIO(b"new"))

    with store.open("one") as file:
        assert file.read() == b"new"
    assert names(store) == ["one"]


def test_only_what_the_source_still_holds_is_put(store):
    source = io.BytesIO(WORDS)
    source.seek(len(WORDS) - 5)
    store.put("one", source)

    with store.open("one") as file:
        assert file.read() == b"city."


def test_what_is_not_there_is_missing_and_deleting_it_does_no_harm(store):
    store.delete("one")
    with pytest.raises(storage.Missing):
        store.open("one")
    store.put("one", io.BytesIO(b"x"))
    store.delete("one")
    with pytest.raises(storage.Missing):
        store.open("one")


def test_what_was_written_is_listed_with_its_moment(store):
    for name in ("uploads/ab/one", "uploads/cd/two", "exports/three"):
        store.put(name, io.BytesIO(b"x"))

    assert names(store) == ["exports/three", "uploads/ab/one", "uploads/cd/two"]
    assert names(store, "uploads/") == ["uploads/ab/one", "uploads/cd/two"]
    moments = {written for _name, written in store.written("")}

    assert {moment.utcoffset() for moment in moments} == {timedelta(0)}


def test_many_at_once_do_not_mix(store):
    def put_and_read(number):
        body = bytes([number]) * 200_000
        store.put(f"file{number}", io.BytesIO(body))
        with store.open(f"file{number}") as file:
            return file.read() == body

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(put_and_read, range(16)))


class Broken(io.BytesIO):
    """A source that ends in the middle."""

    def read(self, size=-1):
        raise OSError("the line went dead")

    readinto = read


def test_a_directory_keeps_nothing_of_a_file_that_did_not_come_whole(tmp_path):
    store = storage.Directory(tmp_path)
    with pytest.raises(OSError, match="dead"):
        store.put("one", Broken(WORDS))
    assert names(store) == []


@pytest.mark.parametrize("name", ["../one", "/etc/passwd", "a/../../b", "", "a//b", ".hidden", "A", "a\0b", "a/"])
def test_no_name_leads_out_of_a_directory(tmp_path, name):
    store = storage.Directory(tmp_path / "files")
    for act in (store.open, store.delete, lambda name: store.put(name, io.BytesIO(b"x"))):
        with pytest.raises(ValueError, match="no name"):
            act(name)
