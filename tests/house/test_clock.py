"""There is one clock; lint sees to it, and this sees to lint."""

import json
import subprocess
import sys
from pathlib import Path

import marketplace

PACKAGE = Path(marketplace.__file__).parent
OTHER_CLOCKS = """
import time
from datetime import UTC, date, datetime

datetime.now(UTC)
datetime.today()
datetime.utcnow()
date.today()
time.time()
"""


def refused(code, name):
    """The lines of a module of this name that lint refuses as a second clock."""
    check = [sys.executable, "-m", "ruff", "check", "--output-format=json", f"--stdin-filename={name}", "-"]
    found = subprocess.run(check, cwd=PACKAGE.parent, input=code, capture_output=True, text=True).stdout
    return [finding["location"]["row"] for finding in json.loads(found) if finding["code"] == "TID251"]


def test_lint_refuses_every_other_clock():
    assert refused(OTHER_CLOCKS, "marketplace/sharing/spaces/service.py") == [5, 6, 7, 8, 9]
    assert refused(OTHER_CLOCKS, "marketplace/kernel/clock.py") == []


def test_nobody_is_let_off():
    assert [file.name for file in PACKAGE.rglob("*.py") if "noqa: TID251" in file.read_text("utf-8")] == []
