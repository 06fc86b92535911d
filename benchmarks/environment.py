"""Environments of their own for peers, whose requirements are not the project's."""

import os
import subprocess
import sys
import venv
from pathlib import Path


def python(*packages: str) -> Path:
    """The Python that has some packages, in the user's cache; made on first use. The first package names it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "maeul-benchmarks" / packages[0].replace("==", "-")
    program = home / "bin" / "python"
    if not (home / "ready").exists():
        print(f"Installing {' and '.join(packages)} into {home} …", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([program, "-m", "pip", "install", "--quiet", *packages], check=True)
        (home / "ready").touch()
    return program
