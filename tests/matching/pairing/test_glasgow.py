"""Instances as files: read as they are meant, or refused with the line where they go wrong; and the command."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matching.pairing import glasgow
from matching.pairing.__main__ import main

pytestmark = pytest.mark.no_database

PLAIN = "0\n3\n2\n1: 1 (2)\n2: (1 2)\n3: 1\n1: (1 3) 2\n2: (2) 1\n"
WITH_ROOMS = "0\n3\n2\n1: 1 (2)\n2: (1 2)\n3: 1\n1: 2: (1 3) 2\n2: 1: 2 1\n"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "instance.txt"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("colons", [True, False])
@pytest.mark.parametrize(("text", "rooms"), [(PLAIN, {"1": 1, "2": 1}), (WITH_ROOMS, {"1": 2, "2": 1})])
def test_lists_ties_and_capacities(file, text: str, rooms: dict[str, int], colons: bool) -> None:
    found = glasgow.read(file(text if colons else text.replace(":", "")))

    assert found.left == {"1": {"1": 0, "2": 1}, "2": {"1": 0, "2": 0}, "3": {"1": 0}}
    assert found.right == {"1": {"1": 0, "3": 0, "2": 1}, "2": {"2": 0, "1": 1}}
    assert found.rooms == rooms


def test_a_number_before_the_list_is_the_best_entry_if_it_can_be(file) -> None:
    text = "0\n2\n2\n1 1 2\n2 2 1\n1 1 (2)\n2 2 (1)\n"
    assert glasgow.read(file(text)).rooms == {"1": 1, "2": 1}
    assert glasgow.read(file(text), capacities=True).rooms == {"1": 1, "2": 2}


@pytest.mark.parametrize(
    "right",
    [
        "1 1 1 2\n2 2 1\n",  # 1 stands in the list once more
        "1 5 1\n2 2 1\n",  # nobody on the left is called 5
        "1 2 1\n2 1 2\n",  # 2 lists only 2 and 1 lists only 1
    ],
)
def test_a_number_that_cannot_be_the_best_entry_is_a_capacity(file, right: str) -> None:
    found = glasgow.read(file(f"0\n2\n2\n1 1\n2 2\n{right}"))
    assert list(found.rooms.values()) == [int(line.split()[1]) for line in right.splitlines()]


def test_empty_lists_blank_lines_and_one_sided_entries(file) -> None:
    found = glasgow.read(file("\ufeff0\n2\n1\n\n1: 1\n2:\n\n1: (1 2)\n\n"))
    assert found.left == {"1": {"1": 0}, "2": {}}
    assert len(glasgow.problem(found, 0).seeker) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "ends before its three header lines"),
        ("0\n1\n", "ends before its three header lines"),
        ("1\n1\n1\n1: 1\n1: 1\n", "Line 1: a zero is expected"),
        ("0\nx\n1\n1: 1\n1: 1\n", "Line 2: a whole number is expected, not 'x'"),
        ("0\n-1\n1\n1: 1\n", "Line 2: a whole number is expected"),
        ("0\n2\n1\n1: 1\n1: 1\n", r"2 \+ 1 agents are announced, and 2 lines follow"),
        ("0\n1\n1\n1: 1\n1: 1\n2: 1\n", r"1 \+ 1 agents are announced, and 3 lines follow"),
        ("0\n1\n1\n1: 2\n1: 1\n", "Line 4: there is no 2 on the other side"),
        ("0\n1\n1\n1: 1 1\n1: 1\n", "Line 4: 1 is listed twice"),
        ("0\n1\n1\n2: 1\n1: 1\n", "Line 4: there is no agent 2"),
        ("0\n2\n1\n1: 1\n1: 1\n1: 1\n", "Line 5: there is no agent 1, or it stands there twice"),
        ("0\n1\n1\n1: (1\n1: 1\n", "Line 4: a parenthesis is not closed"),
        ("0\n1\n1\n1: 1)\n1: 1\n", r"Line 4: '\)' does not belong here"),
        ("0\n1\n1\n1: ((1))\n1: 1\n", r"Line 4: '\(' does not belong here"),
        ("0\n1\n1\n1: ()\n1: 1\n", r"Line 4: '\)' does not belong here"),
        ("0\n1\n1\n1: 1,\n1: 1\n", "Line 4: ',' does not belong here"),
        ("0\n1\n1\n1: 99999999999\n1: 1\n", "Line 4: '99999999999' does not belong here"),
        ("0\n1\n1\n1: 1: 1\n1: 1\n", "Line 4: too many colons"),
        ("0\n1\n1\na: 1\n1: 1\n", "Line 4: a number is expected, not 'a'"),
        ("0\n1\n1\n1: 1\n1: x: 1\n", "Line 5: a number is expected, not 'x'"),
        ("0\n1\n1\n1: 1\n1: 0: 1\n", "Line 5: it can take nobody"),
        ("0\n1\n2\n1: 1\n1: 1: 1\n2: 1\n", "Line 6: how many it can take is missing"),
        ("{", "not JSON"),
        ("{}", "males_pref and females_pref are expected"),
        ('{"males_pref": {"m": {"w": 0}}, "females_pref": {}}', "m ranks w, who does not exist"),
        ('{"males_pref": {"m": {"w": 0.5}}, "females_pref": {"w": {}}}', "m ranks w by 0.5, not by a whole number"),
    ],
)
def test_what_is_malformed_is_named_in_one_line(file, capsys, text: str, sentence: str) -> None:
    path = file(text)
    with pytest.raises(glasgow.Malformed, match=sentence):
        glasgow.read(path)

    assert main([str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1


def test_a_file_without_capacities_where_they_are_asked_for(file) -> None:
    with pytest.raises(glasgow.Malformed, match="Line 7: how many it can take is missing"):
        glasgow.read(file(PLAIN.replace(":", "")), capacities=True)


def test_bytes_that_are_no_text_and_a_file_that_is_not_there(tmp_path: Path, capsys) -> None:
    path = tmp_path / "instance.txt"
    path.write_bytes(b"\xff\xfe0")
    assert main([str(path)]) == 2
    assert main([str(tmp_path / "none.txt")]) == 2
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 3


def test_the_command_answers_in_json(file, capsys) -> None:
    assert main([str(file(WITH_ROOMS)), "--exact", "--time-limit", "10", "--seed", "3"]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer.pop("seconds") >= 0
    assert answer == {
        "pairs": [[1, 1], [2, 2], [3, 1]], "size": 3, "bound": 3, "proven": True, "blocking_pairs": 0,
        "solver": "bound",
    }  # fmt: skip


def test_names_of_the_json_form_stay(file, capsys) -> None:
    ranks = {"males_pref": {"M0": {"W0": 0}, "M1": {"W0": 0}}, "females_pref": {"W0": {"M1": 0, "M0": 1}}}
    assert main([str(file(json.dumps(ranks)))]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == [["M1", "W0"]]


def test_the_module_is_a_command(file) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "matching.pairing", file(PLAIN)], capture_output=True, check=True, text=True
    )
    assert json.loads(done.stdout)["size"] == 2


@pytest.mark.parametrize("options", [["--seed", "-1"], ["--time-limit", "0"], ["--time-limit", "nan"], ["--seed", "x"]])
def test_options_out_of_range_are_refused(file, options: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(file(PLAIN)), *options])
