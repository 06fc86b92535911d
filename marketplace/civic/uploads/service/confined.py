"""Programs that read files of strangers: each alone in a process that may not take long, or much."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from marketplace.civic.uploads.errors import Unreadable

MEGABYTE = 1024 * 1024
MEMORY = 2048 * MEGABYTE
WRITTEN = 128 * MEGABYTE
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
"""All that such a program learns of us: no key, no address of a database."""


def run(*program: str | Path, seconds: int) -> bytes:
    """What the program says. Raises Unreadable if it fails, dies, or goes beyond time, memory or disk."""

    def confine() -> None:
        for what, most in (
            (resource.RLIMIT_AS, MEMORY),
            (resource.RLIMIT_FSIZE, WRITTEN),
            (resource.RLIMIT_CPU, seconds * 2),  # of two threads
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (most, most))

    try:
        done = subprocess.run(
            program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
            timeout=seconds, preexec_fn=confine, check=True,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
        raise Unreadable from failure
    return done.stdout


def script(name: str, *arguments: str | Path, seconds: int) -> bytes:
    """What a program of this folder says. It is run by its path, -I: it imports nothing of ours."""
    return run(sys.executable, "-I", Path(__file__).parent / name, *arguments, seconds=seconds)
