"""What a file is by its first bytes, whatever it is called; and what can be seen of it without reading it whole."""

import io
import re
import unicodedata
import warnings
from contextlib import AbstractContextManager
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from marketplace.civic.uploads.errors import TooManyPixels, Unreadable
from marketplace.civic.uploads.models import Kind

HEAD = 64
MOST_PIXELS = 64_000_000
MEASURED = ("JPEG", "PNG", "WEBP")
"""Formats whose size stands in their head; HEIC is opened by the confined program only."""

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
MP4_BRANDS = {
    b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4A ", b"M4V ", b"M4VH", b"MSNV",
    b"dash", b"qt  ", b"3gp4", b"3gp5", b"3gp6", b"3g2a",
}  # fmt: skip


def kind_of(head: bytes) -> Kind | None:
    """The kind of a file that begins like this; None if it is not taken."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or brand in HEIC_BRANDS:
        return Kind.PICTURE
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.PICTURE
    if brand in MP4_BRANDS or (head.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in head[:HEAD]):
        return Kind.RECORDING
    return Kind.DOCUMENT if head.startswith(b"%PDF-") else None


def size_of(stream: BinaryIO) -> int:
    """How many bytes a file has; it is read from its beginning next."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size


def check_pixels(stream: BinaryIO) -> None:
    """Refuse a picture whose head promises more than can be decoded. Raises TooManyPixels, or Unreadable."""
    try:
        with _counting_ourselves(), Image.open(stream, formats=MEASURED) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise TooManyPixels
    except Image.DecompressionBombError as bomb:
        raise TooManyPixels from bomb
    except UnidentifiedImageError as failure:
        if not _is_heic(stream):
            raise Unreadable from failure
    except (OSError, ValueError, SyntaxError) as failure:
        raise Unreadable from failure
    finally:
        stream.seek(0)


def _counting_ourselves() -> AbstractContextManager[object]:
    """Pillow warns of what we allow."""
    return warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning)


def _is_heic(stream: BinaryIO) -> bool:
    stream.seek(0)
    return stream.read(12)[4:8] == b"ftyp"


def harmless_name(name: str, longest: int = 120) -> str:
    """What a file is called, without folders, line ends, signs that turn the writing, or more than anyone reads."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    written = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    tidy = " ".join(re.sub(r'[<>:"|?*]', " ", written).split()).strip(". ")
    stem, dot, suffix = tidy.rpartition(".")
    if len(tidy) > longest and dot and len(suffix) < 10:
        return f"{stem[: longest - len(suffix) - 1]}.{suffix}"
    return tidy[:longest] or "file"
