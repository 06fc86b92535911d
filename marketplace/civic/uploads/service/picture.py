"""A program of its own: picture.py ORIGINAL SMALL LARGE WIDTH WIDTH MOST_PIXELS, run within limits.

It imports nothing of ours. Turns the picture as its camera was held, pastes it into a new one, so that nothing but what
is seen stays, and writes it as WebP. Says {"width": …, "height": …, "look": …} of the large one, or {"refusal": code}.
"""

import io
import json
import sys

import pillow_heif
from PIL import Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")


def main(original: str, small: str, large: str, *numbers: str) -> dict[str, object]:
    """Make the two of the one."""
    small_width, large_width, most_pixels = map(int, numbers)
    Image.MAX_IMAGE_PIXELS = None  # counted here
    pillow_heif.register_heif_opener()
    with Image.open(original, formats=FORMATS) as opened:
        if opened.width * opened.height > most_pixels:
            return {"refusal": "too_many_pixels"}
        opened.draft("RGB", (large_width, large_width))
        picture = clean(ImageOps.exif_transpose(opened), large_width)
    picture.save(large, "WEBP", quality=82)
    clean(picture, small_width).save(small, "WEBP", quality=78)
    return {"width": picture.width, "height": picture.height, "look": look(picture)}


def look(picture: Image.Image) -> int | None:
    """What it looks like in 64 bits: where its brightness falls from left to right (difference hash, Krawetz 2013).

    Sizes, formats and small changes leave most bits as they are. Nothing for a picture that is all alike.
    """
    grey = picture.convert("L").resize((9, 8)).tobytes()
    falls = [grey[row + at] > grey[row + at + 1] for row in range(0, 72, 9) for at in range(8)]
    if sum(falls) in (0, len(falls)):
        return None
    return int.from_bytes(sum(bit << at for at, bit in enumerate(falls)).to_bytes(8, "big"), "big", signed=True)


def clean(picture: Image.Image, width: int) -> Image.Image:
    """What is seen of a picture, in a new one of at most this width."""
    profile = picture.info.get("icc_profile")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    shown = picture.convert(mode)
    shown.thumbnail((width, 2 * width))
    if profile:
        shown = in_usual_colours(shown, profile)
    new = Image.new(mode, shown.size)
    new.paste(shown)
    return new


def in_usual_colours(picture: Image.Image, profile: bytes) -> Image.Image:
    """The same colours without the profile that the camera wrote; as they are if it makes no sense."""
    try:
        usual = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), usual) or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
