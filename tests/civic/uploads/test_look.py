"""What pictures look like, in bits: the same one again is known by them, another one is not."""

from io import BytesIO

from PIL import Image, ImageEnhance

from marketplace.civic.uploads.service.picture import look


def picture(turn: int = 0) -> Image.Image:
    """Something with light and dark parts."""
    made = Image.radial_gradient("L").convert("RGB").resize((640, 480))
    made.paste((200, 40, 40), (60, 300, 420, 420))
    made.paste((20, 20, 60), (450, 40, 600, 200))
    return made.rotate(turn)


def bits(made: Image.Image) -> int:
    """What it looks like."""
    seen = look(made)
    assert seen is not None
    return seen


def differing(one: Image.Image, other: Image.Image) -> int:
    """In how many of 64 bits their looks differ."""
    return ((bits(one) ^ bits(other)) & (1 << 64) - 1).bit_count()


def again(made: Image.Image, quality: int) -> Image.Image:
    """The same saved as a JPEG and read again."""
    sent = BytesIO()
    made.save(sent, "JPEG", quality=quality)
    return Image.open(sent)


def test_the_same_picture_smaller_darker_or_in_another_format_looks_the_same():
    made = picture()
    assert differing(made, again(made, 30)) <= 6
    assert differing(made, made.resize((160, 120))) <= 6
    assert differing(made, ImageEnhance.Brightness(made).enhance(0.8)) <= 6


def test_another_picture_looks_different():
    assert differing(picture(), picture(90)) > 6


def test_a_picture_that_is_all_alike_looks_like_nothing():
    assert look(Image.new("RGB", (40, 30), "teal")) is None


def test_the_bits_fit_a_column_of_64():
    assert all(-(1 << 63) <= bits(picture(turn)) < 1 << 63 for turn in range(0, 360, 45))
