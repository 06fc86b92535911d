"""A program of its own: document.py ORIGINAL NEW, run within limits. It imports nothing of ours.

Writes a PDF anew, without what it tells of its makers. Refuses one that does something when it is opened, holds other
files, or is not open to all. Says {} or {"refusal": code}.
"""

import json
import sys
from typing import Any

import pikepdf

ACTIONS = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR", "/Rendition", "/Movie", "/Sound"}
ACTIVE = {"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/RichMediaSettings"}
TELLING = ("/Metadata", "/PieceInfo", "/LastModified", "/SpiderInfo")
DEEPEST = 50


def main(original: str, new: str) -> dict[str, object]:
    """Make the new one."""
    try:
        with pikepdf.open(original, attempt_recovery=False, suppress_warnings=True) as document:
            if document.is_encrypted:
                return {"refusal": "protected_document"}
            if not len(document.pages):
                return {"refusal": "unreadable"}
            if any(is_active(thing) for thing in (*document.objects, document.trailer)):
                return {"refusal": "active_document"}
            for thing in document.objects:
                forget(thing)
            if "/Info" in document.trailer:
                del document.trailer["/Info"]
            document.save(new, fix_metadata_version=False, deterministic_id=True)
    except pikepdf.PasswordError:
        return {"refusal": "protected_document"}
    except pikepdf.PdfError:
        return {"refusal": "unreadable"}
    return {}


def is_active(thing: Any, depth: int = 0) -> bool:
    """Whether something in it acts, or is a file of its own; what other objects hold is asked of those."""
    if depth > DEEPEST:
        return True
    if isinstance(thing, pikepdf.Array):
        return any(is_active(one, depth + 1) for one in thing if not one_of_its_own(one))
    if not isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        return False
    names = set(thing.keys())
    if names & ACTIVE or str(thing.get("/S", "")) in ACTIONS or str(thing.get("/Type", "")) == "/EmbeddedFile":
        return True
    return any(is_active(thing[name], depth + 1) for name in names if not one_of_its_own(thing[name]))


def one_of_its_own(thing: Any) -> bool:
    """Whether it is an object that is asked for itself."""
    return isinstance(thing, pikepdf.Object) and thing.is_indirect


def forget(thing: Any) -> None:
    """Take out what tells of people and programs."""
    if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        for name in TELLING:
            if name in thing:
                del thing[name]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
