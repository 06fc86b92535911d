"""Where files lie: a directory of this machine, or a bucket that speaks S3. A file is there whole or not at all."""

import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import parse_qs, urlsplit

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
"""What a file may be called: nothing that leads out of the directory."""


class Missing(Exception):
    """There is no file of that name."""


class Store(Protocol):
    """A place for files."""

    def put(self, name: str, source: BinaryIO) -> None:
        """Keep what the source still holds; once this returns, it outlives a power cut."""

    def open(self, name: str) -> BinaryIO:
        """The file, to be read from any point. Raises Missing."""

    def delete(self, name: str) -> None:
        """Forget the file; one that is not there is forgotten already."""

    def written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Every file whose name begins so, and when it was written."""


class Directory:
    """Files in a directory of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, source: BinaryIO) -> None:
        """Written beside its place, then moved there."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", suffix=".part", delete=False) as new:
            try:
                shutil.copyfileobj(source, new, 1 << 20)
                new.flush()
                os.fsync(new.fileno())
                Path(new.name).replace(path)
            except BaseException:
                Path(new.name).unlink(missing_ok=True)
                raise
        for folder in (path.parent, path.parent.parent):
            _sync(folder)

    def open(self, name: str) -> BinaryIO:
        """The file itself."""
        try:
            return self._path(name).open("rb")
        except FileNotFoundError:
            raise Missing(name) from None

    def delete(self, name: str) -> None:
        """Its directory stays: another file may be about to come."""
        self._path(name).unlink(missing_ok=True)

    def written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """In order of name; unfinished files of a process that was killed too."""
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if name.startswith(prefix) and path.is_file():
                with suppress(FileNotFoundError):
                    yield name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ValueError("this is no name for a file")
        return self.folder / name


def _sync(folder: Path) -> None:
    """Have the entries of a directory outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket:
    """Files in a bucket that speaks S3; who may is settled by the usual variables, such as AWS_ACCESS_KEY_ID."""

    def __init__(self, bucket: str, endpoint: str | None = None, region: str | None = None) -> None:
        import boto3  # noqa: PLC0415 - takes a tenth of every start, and most cities keep a directory
        from botocore.config import Config  # noqa: PLC0415

        patience = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 3, "mode": "standard"},
            request_checksum_calculation="when_required",  # not every service that speaks S3 knows the newer ones
            response_checksum_validation="when_required",
        )
        self.bucket = bucket
        self.client: Any = boto3.client("s3", endpoint_url=endpoint, region_name=region, config=patience)

    def put(self, name: str, source: BinaryIO) -> None:
        """One request: the service keeps all of it or nothing."""
        self.client.put_object(Bucket=self.bucket, Key=name, Body=source)

    def open(self, name: str) -> BinaryIO:
        """Read from the service as it is asked for."""
        try:
            size = self.client.head_object(Bucket=self.bucket, Key=name)["ContentLength"]
        except self.client.exceptions.ClientError as failure:
            if failure.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise Missing(name) from None
            raise
        return cast("BinaryIO", io.BufferedReader(_Remote(self, name, size), 1 << 16))

    def delete(self, name: str) -> None:
        """S3 says nothing if there was none."""
        self.client.delete_object(Bucket=self.bucket, Key=name)

    def written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """A thousand names a request."""
        for part in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for one in part.get("Contents", ()):
                yield one["Key"], one["LastModified"]


class _Remote(io.RawIOBase):
    """A file in a bucket: one request for as long as it is read on from where it was, another after each leap."""

    def __init__(self, bucket: Bucket, name: str, size: int) -> None:
        self._bucket, self._name, self._size = bucket, name, size
        self._at = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        to = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if to != self._at:
            self._hang_up()
            self._at = to
        return to

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        if self._body is None:
            asked = {"Bucket": self._bucket.bucket, "Key": self._name, "Range": f"bytes={self._at}-"}
            self._body = self._bucket.client.get_object(**asked)["Body"]
        got: bytes = self._body.read(len(buffer))
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


_store: Store = Directory(Path("data/files"))


def at(url: str, folder: Path) -> Store:
    """The store that a setting names: s3://bucket?endpoint=https://…&region=…, or without one the directory."""
    if not url:
        return Directory(folder)
    address = urlsplit(url)
    more = {name: values[0] for name, values in parse_qs(address.query).items()}
    return Bucket(address.netloc, more.get("endpoint"), more.get("region"))


def use(store: Store) -> None:
    """Keep the files of this process there."""
    global _store
    _store = store


def store() -> Store:
    """Where the files of this process lie."""
    return _store
