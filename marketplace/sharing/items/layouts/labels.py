"""Labels for the pieces of a library of things, as a PDF: a QR code of their address, the code to read, what it is."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import segno
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from marketplace.kernel.words import Text, _l

LATIN, LATIN_BOLD, KOREAN = "Helvetica", "Helvetica-Bold", "HYGothic-Medium"
"""What readers of PDF bring along, so that nothing is embedded; the first two every one of them."""

MARGIN = 3 * mm
QUIET = 4
"""Modules left white around a QR code, as its standard asks."""


@dataclass(frozen=True, slots=True)
class Label:
    """What stands on one label."""

    code: str
    title: str
    library: str
    address: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper and how labels lie on it, in millimetres; gaps between them left out of their size."""

    title: Text
    width: float
    height: float
    columns: int
    rows: int
    left: float
    top: float
    label_width: float
    label_height: float
    gap: float = 0

    @property
    def many(self) -> int:
        """How many labels a page holds."""
        return self.columns * self.rows


SHEETS = {
    "a4": Sheet(_l("A4 sheet of 3 × 8 labels (70 × 37 mm)"), 210, 297, 3, 8, 0, 0.5, 70, 37),
    "roll": Sheet(_l("Label printer, 62 × 29 mm each"), 62, 29, 1, 1, 0, 0, 62, 29),
}


def pdf(labels: Sequence[Label], sheet: Sheet, *, skip: int = 0) -> bytes:
    """The labels on as many pages as they need; `skip` places of the first sheet are used already."""
    pdfmetrics.registerFont(UnicodeCIDFont(KOREAN))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(sheet.width * mm, sheet.height * mm), invariant=True)
    canvas.setTitle("Labels")
    skip %= sheet.many
    for number, label in enumerate(labels, skip):
        place = number % sheet.many
        if place == 0 and number > skip:
            canvas.showPage()
        row, column = divmod(place, sheet.columns)
        x = (sheet.left + column * (sheet.label_width + sheet.gap)) * mm
        y = (sheet.height - sheet.top - (row + 1) * sheet.label_height) * mm
        _draw(canvas, label, x, y, sheet.label_width * mm, sheet.label_height * mm)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, label: Label, x: float, y: float, width: float, height: float) -> None:
    side = height - 2 * MARGIN
    _draw_qr(canvas, label.address, x + MARGIN, y + MARGIN, side)
    left, room = x + MARGIN + side + MARGIN, width - side - 3 * MARGIN
    canvas.setFont(LATIN_BOLD, min(15, 15 * room / pdfmetrics.stringWidth(label.code, LATIN_BOLD, 15)))
    canvas.drawString(left, y + height - MARGIN - 13, label.code)
    for number, line in enumerate(_lines(label.title, room, 9, 3)):
        canvas.setFont(_font(line), 9)
        canvas.drawString(left, y + height - MARGIN - 27 - number * 11, line)
    library = _lines(label.library, room, 7, 1)[0]
    canvas.setFont(_font(library), 7)
    canvas.drawString(left, y + MARGIN, library)


def _draw_qr(canvas: Canvas, text: str, x: float, y: float, side: float) -> None:
    """As vector ink, sharp on every printer: one stretch for each run of dark modules."""
    rows = segno.make_qr(text, error="m").matrix
    module = side / (len(rows) + 2 * QUIET)
    path = canvas.beginPath()
    for down, row in enumerate(rows):
        bottom, along = y + side - (down + QUIET + 1) * module, 0
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                path.rect(x + (along + QUIET) * module, bottom, length * module, module)
            along += length
    canvas.drawPath(path, stroke=0, fill=1)


def _font(text: str) -> str:
    return LATIN if text.isascii() else KOREAN


def _lines(text: str, room: float, size: float, most: int) -> list[str]:
    """A text in at most so many lines, cut anywhere, as Korean may be; what does not fit ends with dots."""
    text, font = " ".join(text.split()), _font(text)
    lines = [""]
    for letter in text:
        if pdfmetrics.stringWidth(lines[-1] + letter, font, size) <= room:
            lines[-1] += letter
        elif len(lines) < most:
            lines.append(letter.strip())
        else:
            return [*lines[:-1], lines[-1][:-3] + "..."]
    return lines
