"""Sound and video: measured by ffprobe, made anew by ffmpeg. Neither opens anything but the one file it is given."""

import json
import shutil
from pathlib import Path
from typing import Any

from marketplace.civic.uploads.errors import TooLong, TooManyPixels, Unreadable
from marketplace.civic.uploads.service import confined

LONGEST = 180
GRACE = 2
"""A browser that stops after three minutes stops a little late."""

MOST_PIXELS = 4096 * 2304
SECONDS_TO_MEASURE, SECONDS_TO_MAKE = 30, 420
CODECS = {"vp8", "vp9", "av1", "h264", "hevc", "opus", "vorbis", "aac", "mp3", "pcm_s16le"}
"""What browsers and telephones record in; older decoders are where the holes are."""

ONLY_THIS_FILE = ("-protocol_whitelist", "file", "-max_alloc", "500000000")
WITHIN = "scale=w='min(1280,iw)':h='min(1280,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
NAMELESS = (
    "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn",
    "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
)  # fmt: skip
VIDEO = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "27", "-maxrate", "2M", "-bufsize", "4M",
         "-pix_fmt", "yuv420p", "-fpsmax", "30", "-vf", WITHIN)  # fmt: skip
SOUND = ("-c:a", "aac", "-b:a", "96k", "-ac", "2")


def can_be_made() -> bool:
    """Whether ffmpeg is installed."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def make(original: Path, new: Path) -> dict[str, int | None]:
    """Write the recording anew as MP4; its width, height and seconds. Raises TooLong, TooManyPixels, Unreadable."""
    with original.open("rb") as file:
        container = "matroska" if file.read(4) == b"\x1a\x45\xdf\xa3" else "mov"
    told = _measure(original, container)
    if told["seconds"] > LONGEST + GRACE:
        raise TooLong
    confined.run(
        "ffmpeg", "-nostdin", "-v", "error", *ONLY_THIS_FILE, "-f", container, "-i", f"file:{original}",
        "-map", "0:V:0?", "-map", "0:a:0?", *NAMELESS, "-t", str(LONGEST + 2 * GRACE), *VIDEO, *SOUND,
        "-threads", "2", "-movflags", "+faststart", "-f", "mp4", f"file:{new}",
        seconds=SECONDS_TO_MAKE,
    )  # fmt: skip
    made = _measure(new, "mov")
    if made["seconds"] > LONGEST + GRACE:
        raise TooLong
    if not made["seconds"] or told["seconds"] - made["seconds"] > max(1, told["seconds"] * 0.1):
        raise Unreadable
    return {"width": made["width"], "height": made["height"], "seconds": max(1, round(made["seconds"]))}


def _measure(file: Path, container: str) -> dict[str, Any]:
    """How long a recording says it is, and how large its picture: a browser's says nothing of its length."""
    told = json.loads(
        confined.run(
            "ffprobe", "-v", "error", *ONLY_THIS_FILE, "-f", container, "-of", "json", "-show_entries",
            "format=duration:stream=codec_type,codec_name,width,height:stream_disposition=attached_pic",
            f"file:{file}", seconds=SECONDS_TO_MEASURE,
        )
    )  # fmt: skip
    kinds = {"video", "audio"}
    played = [
        one
        for one in told.get("streams", [])
        if one.get("codec_type") in kinds and not one.get("disposition", {}).get("attached_pic")
    ]
    if not played or not {one.get("codec_name") for one in played} <= CODECS:
        raise Unreadable
    picture: dict[str, Any] = next((one for one in played if one["codec_type"] == "video"), {})
    if picture.get("width", 0) * picture.get("height", 0) > MOST_PIXELS:
        raise TooManyPixels
    return {
        "seconds": float(told.get("format", {}).get("duration", 0)),
        "width": picture.get("width"),
        "height": picture.get("height"),
    }
