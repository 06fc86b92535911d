"""Search: whatever was stored is found by its words, whatever is typed does no harm."""

from unicodedata import normalize

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel import db, search

SAME_TRANSACTION = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TEXTS = st.text(max_size=60) | st.text("가나다라 도서관회의실 abcABC 12 ǅßſİ ﬁ㎡ㅎ한-'\"*", max_size=40)


def found(words: str, kind: str = "space") -> list[int]:
    return sorted(db.session.scalars(search.matching(kind, words)))


@pytest.fixture
def rooms() -> None:
    search.index_many(
        "space",
        [
            (1, "마포중앙도서관 세미나실 3층 Seminar Room 3B"),
            (2, "은평구립도서관 시청각실 Auditorium"),
            (3, "한강공원 강당 Hall by the river"),
        ],
    )
    search.index("building", 1, "서울시청 City Hall")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("도서관", ["도서", "서관"]),
        ("방", ["방"]),
        ("Seminar-Room 3B", ["seminar", "room", "3b"]),
        ("3층회의실", ["3", "층회", "회의", "의실"]),
        ("Ｒｏｏｍ　１", ["room", "1"]),
        (normalize("NFD", "도서관"), ["도서", "서관"]),  # as a Mac spells file names
        ("snake_case", ["snake", "case"]),
        ("Straße", ["strasse"]),
        ("…!?\0", []),
        ("", []),
    ],
)
def test_texts_are_cut_into_tokens(text: str, expected: list[str]) -> None:
    assert search.tokens(text) == expected


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("도서관", [1, 2]),
        ("도서", [1, 2]),
        ("중앙도서관", [1]),
        ("도서관 세미나실", [1]),
        ("도서관 강당", []),
        ("seminar", [1]),
        ("SEMINAR room", [1]),
        ("semi", [1]),
        ("semi room", []),  # only the last word may be unfinished
        ("room semi room", []),
        ("room ro", [1]),
        ("ro room ro", [1]),
        ("관", [1, 2]),  # a single syllable is found anywhere in a word
        ("강 river", [3]),
        ("도", [1, 2]),
        ("eminar", []),
        ("hall", [3]),
        ("   ", [1, 2, 3]),
        ("?!", [1, 2, 3]),
    ],
)
@pytest.mark.usefixtures("rooms")
def test_words_find_the_rooms_that_hold_all_of_them(words: str, ids: list[int]) -> None:
    assert found(words) == ids


@pytest.mark.usefixtures("rooms")
def test_kinds_are_searched_apart() -> None:
    assert found("hall", "building") == [1]
    assert found("도서관", "building") == []


@pytest.mark.usefixtures("rooms")
def test_a_record_indexed_anew_is_found_by_its_new_words_only() -> None:
    search.index("space", 2, "체육관 Gym")

    assert found("도서관") == [1]
    assert found("gym") == [2]


@pytest.mark.usefixtures("rooms")
def test_a_forgotten_record_is_not_found() -> None:
    search.forget("space", 1)
    search.forget("space", 99)

    assert found("도서관") == [2]
    assert found("", "building") == [1]


@pytest.mark.usefixtures("rooms")
def test_matches_narrow_another_query() -> None:
    kinds = sa.select(search.SearchDocument.kind).where(
        search.SearchDocument.record_id.in_(search.matching("space", "강당"))
    )
    assert list(db.session.scalars(kinds)) == ["space"]


@pytest.mark.parametrize(
    "hostile",
    [
        '"',
        "'; DROP TABLE search_documents; --",
        "a OR b NOT NEAR(c d)",
        "tokens:x ^y {z}*",
        "a & | ! <-> b:*",
        "\\' \\\\",
        "nul\0nul",
        "\ud800",
        "가" * 100_000,
        "word " * 100_000,
        " ".join(str(n) for n in range(20_000)),
    ],
)
@pytest.mark.usefixtures("rooms")
def test_no_query_and_no_text_does_harm(hostile: str) -> None:
    assert isinstance(found(hostile), list)
    search.index("space", 4, hostile)
    assert found("도서관") == [1, 2]


@SAME_TRANSACTION
@given(text=TEXTS)
def test_a_text_is_found_by_each_of_its_words_and_by_all(text: str) -> None:
    search.index("any", 1, text)

    assert found(text, "any") == [1]
    for word in text.split():
        assert found(word, "any") == [1]
    for token in search.tokens(text):
        assert found(token, "any") == [1]


@SAME_TRANSACTION
@given(text=TEXTS, query=TEXTS)
def test_both_databases_find_what_the_definition_says(text: str, query: str) -> None:
    search.index("any", 1, text)
    stored, asked = search._stored(text).split(" "), search._asked(query)

    holds = all(any(s.startswith(t) if begun else s == t for s in stored) for t, begun in asked.items())
    assert found(query, "any") == ([1] if holds else [])


def test_searching_reads_an_index() -> None:
    search.index_many("space", [(n, f"room number{n} 회의실") for n in range(1, 3000)])
    db.session.execute(sa.text("ANALYZE search_documents"))
    query = search.matching("space", "number77").compile(db.session.get_bind(), compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if db.is_sqlite() else "EXPLAIN"
    plan = str(db.session.execute(sa.text(f"{explain} {query}".replace(":", "\\:"))).all())

    assert ("search_words VIRTUAL TABLE INDEX" if db.is_sqlite() else "ix_search_documents_words") in plan, plan


@pytest.mark.usefixtures("live_database")
def test_what_is_forgotten_leaves_the_index_once_that_is_settled():
    search.index_many("thing", [(1, "grandfather"), (2, "neighbour")])
    db.session.commit()
    search.forget("thing", 1)
    search.index("thing", 2, "zucchini")
    db.session.commit()
    where = "SELECT block FROM search_words_data" if db.is_sqlite() else "SELECT tokens::bytea FROM search_documents"
    kept = b"".join(bytes(block) for (block,) in db.session.execute(sa.text(where.replace(":", "\\:"))))
    assert b"zucchini" in kept
    assert b"grandfather" not in kept
    assert b"neighbour" not in kept
