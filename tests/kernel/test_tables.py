"""Tables that no spreadsheet runs."""

import csv
import io

import pytest

from marketplace.kernel import tables

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
    assert tables.harmless(cell) == written


def test_a_table_can_be_read_back_and_is_known_as_utf_8():
    rows = [["강당, 1층", 'a "b"\nc', None, 3]]
    text = tables.csv_text(["이름", "설명", "x", "n"], rows)

    assert text.startswith("\ufeff")
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert read == [["이름", "설명", "x", "n"], ["강당, 1층", 'a "b"\nc', "", "3"]]
