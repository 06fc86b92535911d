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


@pytest.mark.parametrize("cell", ["=1+1", "'=1", "''-x", "'quoted'", "-5", "plain", "a\r\nb", "＝1"])
def test_a_cell_is_read_as_it_was_meant(cell):
    [_head, row] = tables.csv_rows(tables.csv_text(["head"], [[cell]]).encode())
    assert row == (2, [cell.replace("\r\n", "\n")])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_are_read_whatever_spreadsheet_saved_them(encoding, delimiter):
    data = f'이름{delimiter}"설명\n둘째 줄"\r\n\r\n드릴{delimiter}좋음'.encode(encoding)
    assert list(tables.csv_rows(data)) == [(1, ["이름", "설명\n둘째 줄"]), (4, ["드릴", "좋음"])]


def test_a_row_of_broken_quotes_costs_only_itself():
    assert list(tables.csv_rows(b'a,b\n"c,d\ne,f\n')) == [(1, ["a", "b"]), (2, None), (3, ["e", "f"])]


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"PK\x03\x04", tables.Workbook),
        (b"\xd0\xcf\x11\xe0", tables.Workbook),
        (b"a\x00b", tables.NoTable),
        (b"\x80\x81", tables.NoTable),
        (b'"x\n' * 150, tables.NoTable),
    ],
)
def test_what_is_no_table_is_refused(data, refusal):
    with pytest.raises(refusal):
        list(tables.csv_rows(data))
