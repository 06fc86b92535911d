"""Finding records by their words, Korean and English, with the same tokens on SQLite (FTS5) and PostgreSQL (GIN).

Korean joins words and particles without spaces, so a run of Hangul is cut into overlapping pairs of syllables:
도서관 is found by 도서관, 도서 and 서관. The last syllable of a run is also stored alone, so that a query of a single
syllable finds every word that holds it. Everything else is cut into whole words.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from marketplace.kernel import db

LONGEST_TOKEN = 64
MOST_TOKENS_STORED = 20_000
MOST_TOKENS_ASKED = 24
LONGEST_TEXT = 200_000
LONGEST_QUERY = 1_000
SHORTEST_TELLING = 3

_RUN = re.compile(r"(?P<hangul>[가-힣]+)|[^\W_가-힣]+")
_SYLLABLE = re.compile(r"[가-힣]")


class SearchDocument(db.Base):
    """The words of one record, as tokens between spaces."""

    __tablename__ = "search_documents"
    __table_args__ = (sa.UniqueConstraint("kind", "record_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(30))
    record_id: Mapped[int]
    tokens: Mapped[str] = mapped_column(sa.Text)


_VECTOR = "array_to_tsvector(string_to_array(tokens, ' '))"

INDEX_WORDS = {
    "sqlite": (
        # the ascii tokenizer cuts at spaces only, as tokens hold nothing but letters and digits
        "CREATE VIRTUAL TABLE search_words USING fts5("
        "tokens, content='search_documents', content_rowid='id', tokenize='ascii', detail='none')",
        # what is forgotten leaves the index at once, and not when its parts happen to be merged
        "INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1)",
        "CREATE TRIGGER search_documents_added AFTER INSERT ON search_documents"
        " BEGIN INSERT INTO search_words (rowid, tokens) VALUES (NEW.id, NEW.tokens); END",
        "CREATE TRIGGER search_documents_removed AFTER DELETE ON search_documents"
        " BEGIN INSERT INTO search_words (search_words, rowid, tokens) VALUES ('delete', OLD.id, OLD.tokens); END",
        "CREATE TRIGGER search_documents_changed AFTER UPDATE ON search_documents"
        " BEGIN INSERT INTO search_words (search_words, rowid, tokens) VALUES ('delete', OLD.id, OLD.tokens);"
        " INSERT INTO search_words (rowid, tokens) VALUES (NEW.id, NEW.tokens); END",
    ),
    "postgresql": (
        # without fastupdate, whose list of new entries makes the planner read the whole table after an import
        f"CREATE INDEX ix_search_documents_words ON search_documents USING gin ({_VECTOR}) WITH (fastupdate = off)",
    ),
}
"""What makes the tokens searchable, by dialect: run after the table is created."""

BEFORE_DROP = {"sqlite": ("DROP TABLE IF EXISTS search_words",), "postgresql": ()}
"""What to remove before the table is dropped, by dialect."""

for _moment, _statements in (("after_create", INDEX_WORDS), ("before_drop", BEFORE_DROP)):
    for _dialect, _ddl in _statements.items():
        for _statement in _ddl:
            event.listen(SearchDocument.__table__, _moment, sa.DDL(_statement).execute_if(dialect=_dialect))


# --- tokens ---


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """The words of a text in one spelling (width, case and composition do not count), and whether each is Hangul."""
    spelled = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    for run in _RUN.finditer(spelled):
        yield run[0], run["hangul"] is not None


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(max(len(run) - 1, 1))]


def tokens(text: str) -> list[str]:
    """A text as words: Hangul in overlapping pairs of syllables, everything else whole."""
    return [token for run, hangul in _runs(text) for token in (_pairs(run) if hangul else [run[:LONGEST_TOKEN]])]


def _stored(text: str) -> str:
    text = text[:LONGEST_TEXT]
    last_syllables = (run[-1] for run, hangul in _runs(text) if hangul)
    distinct = dict.fromkeys((*tokens(text), *last_syllables))
    return " ".join(islice(distinct, MOST_TOKENS_STORED))


# --- keeping ---

_STORE = sa.text(
    "INSERT INTO search_documents (kind, record_id, tokens) VALUES (:kind, :record_id, :tokens)"
    " ON CONFLICT (kind, record_id) DO UPDATE SET tokens = excluded.tokens"
    " WHERE search_documents.tokens <> excluded.tokens"
)


def index(kind: str, record_id: int, text: str) -> None:
    """Have a record of this kind found by these words, and no longer by earlier ones."""
    index_many(kind, [(record_id, text)])


def index_many(kind: str, texts: Iterable[tuple[int, str]]) -> None:
    """Have many records of this kind found by their words."""
    rows = [{"kind": kind, "record_id": record_id, "tokens": _stored(text)} for record_id, text in texts]
    if rows:
        db.session.execute(_STORE, rows)


def forget(kind: str, record_id: int) -> None:
    """Have a record no longer found."""
    own = sa.delete(SearchDocument).where(SearchDocument.kind == kind, SearchDocument.record_id == record_id)
    db.session.execute(own, execution_options={"synchronize_session": False})


# --- finding ---


def matching(kind: str, words: str) -> sa.Select[int]:
    """The ids of the records of this kind that hold all of these words, the last one perhaps only begun.

    Any text is a safe query; one without a letter or digit asks for nothing in particular and finds everything.
    """
    found = sa.select(SearchDocument.record_id).where(SearchDocument.kind == kind)
    asked = _asked(words)
    return found.where(_holds(asked)) if asked else found


def holding_any(kind: str, words: str) -> sa.Select[int]:
    """The ids of the records of this kind that hold at least one of these words, or a word that begins with one.

    Words of one or two letters that are not Hangul say nothing; without any other there is nothing to find.
    """
    telling = (one for one in tokens(words[:LONGEST_QUERY]) if len(one) >= SHORTEST_TELLING or _SYLLABLE.match(one))
    asked = dict.fromkeys(islice(telling, MOST_TOKENS_ASKED), True)
    found = sa.select(SearchDocument.record_id).where(SearchDocument.kind == kind)
    return found.where(_holds(asked, every=False) if asked else sa.false())


def among(column: InstrumentedAttribute[int], found: sa.Select[int]) -> sa.ColumnElement[bool]:
    """That a column is one of the ids found, which are looked up one by one.

    PostgreSQL, asked for what is IN them, would rather go through a whole table for a tenth of its rows.
    """
    if db.is_sqlite():
        return column.in_(found)
    return column == sa.any_(sa.func.array(found.scalar_subquery()))


def _asked(words: str) -> dict[str, bool]:
    """Each token of a query, and whether it may be only the beginning of a word: the last, and a single syllable."""
    asked = tokens(words[:LONGEST_QUERY])
    begun = {token: token == asked[-1] or bool(_SYLLABLE.fullmatch(token)) for token in asked}
    return dict(islice(begun.items(), MOST_TOKENS_ASKED))


def _holds(asked: dict[str, bool], *, every: bool = True) -> sa.ColumnElement[bool]:
    if db.is_sqlite():
        return _in_fts5(asked, " AND " if every else " OR ")
    return _in_tsvector(asked, " & " if every else " | ")


def _in_fts5(asked: dict[str, bool], joined: str) -> sa.ColumnElement[bool]:
    query = joined.join(f'"{token}"{" *" if begun else ""}' for token, begun in asked.items())
    hits = sa.text("SELECT rowid FROM search_words WHERE search_words MATCH :query").bindparams(query=query)
    return SearchDocument.id.in_(hits.columns(sa.column("rowid", sa.Integer)))


def _in_tsvector(asked: dict[str, bool], joined: str) -> sa.ColumnElement[bool]:
    query = joined.join(f"'{token}'{':*' if begun else ''}" for token, begun in asked.items())
    return sa.literal_column(_VECTOR).op("@@", return_type=sa.Boolean())(sa.cast(sa.literal(query, sa.Text), TSQUERY))


class Holding:
    """The words of a few records, held in memory to ask many queries of them; one statement."""

    def __init__(self, kind: str, record_ids: list[int]) -> None:
        few = sa.select(SearchDocument.record_id, SearchDocument.tokens).where(
            SearchDocument.kind == kind, SearchDocument.record_id.in_(record_ids)
        )
        self._all = set(record_ids)
        self._by_token: dict[str, set[int]] = {}
        for record_id, stored in db.rows(few):
            for token in stored.split():
                self._by_token.setdefault(token, set()).add(record_id)

    def matching(self, words: str) -> set[int]:
        """The ids of those that `matching` finds."""
        found = self._all
        for token, begun in _asked(words).items():
            if begun:
                holders = (ids for known, ids in self._by_token.items() if known.startswith(token))
                found = found & set().union(*holders)
            else:
                found = found & self._by_token.get(token, set())
        return found
