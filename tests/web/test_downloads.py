"""Files for visitors: tables that no spreadsheet runs, names in any script."""

import csv
import io
from urllib.parse import unquote

import pytest

from marketplace.web import downloads

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+82 2 123", "'+82 2 123"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (-5, "-5"),
        ("-5.25", "-5.25"),
        ("+5", "+5"),
        (None, ""),
        (0, "0"),
        ("회의실 A", "회의실 A"),
        ("a=b", "a=b"),
    ],
)
def test_no_cell_is_a_formula(cell, written):
    assert downloads.harmless(cell) == written


def test_a_table_can_be_read_back_and_is_known_as_utf_8():
    rows = [["강당, 1층", 'a "b"\nc', None, 3]]
    text = downloads.csv_text(["이름", "설명", "x", "n"], rows)

    assert text.startswith("\ufeff")
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert read == [["이름", "설명", "x", "n"], ["강당, 1층", 'a "b"\nc', "", "3"]]


@pytest.mark.parametrize("name", ["report.csv", "공공시설 2027.csv", 'a"b;c.csv'])
def test_a_file_may_have_any_name(name):
    header = downloads.attachment("x", name, "text/csv").headers["Content-Disposition"]

    assert header.startswith("attachment; filename")
    header.encode("latin-1")
    assert name in unquote(header).replace("\\", "")


def test_a_name_cannot_add_a_header():
    with pytest.raises(ValueError, match="newline"):
        downloads.attachment("x", "a\r\nSet-Cookie: x=1", "text/csv")


def test_a_calendar_is_a_file_of_its_kind():
    response = downloads.calendar(b"BEGIN:VCALENDAR", "R-1.ics")

    assert response.content_type == "text/calendar; charset=utf-8"
    assert response.headers["Content-Disposition"] == "attachment; filename=R-1.ics"
