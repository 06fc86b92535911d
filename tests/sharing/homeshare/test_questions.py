"""What is asked, and what never is."""

import re

import pytest

from marketplace.kernel import words
from marketplace.sharing.homeshare.models import questions
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.programme import programme
from matching.candidates.people import Home, Student

NEVER = re.compile(
    "nation|origin|ethnic|race|religio|church|health|illness|disab|diagnos|medic|sex|gender|orientation|income|salary"
    "|wealth|benefit|marital|married|family|child|birth|_age|^age|name_of|polit|union|genetic|deposit"
)
WORKED_OUT = {"id", "place", "checked_until", "enrolled_until", "zone", "deposit"}
"""What rules and scores read and nobody is asked: it follows from campus, cell and checks, or is none."""


def names(side):
    return [one.name for page in questions.pages(side) for one in page.questions]


@pytest.mark.parametrize("side", list(Side))
def test_no_protected_attribute_is_asked(side):
    assert [name for name in names(side) if NEVER.search(name)] == []


@pytest.mark.parametrize(("side", "read"), [(Side.STUDENT, Student), (Side.HOST, Home)])
def test_all_that_rules_and_scores_read_is_asked(side, read):
    assert set(read.__dataclass_fields__) - WORKED_OUT <= set(names(side))


@pytest.mark.parametrize("side", list(Side))
def test_each_question_is_asked_once_and_each_page_has_a_section(side):
    assert len(names(side)) == len(set(names(side)))
    assert {page.section for page in questions.pages(side)} <= questions.SECTIONS.keys()


@pytest.mark.parametrize("kind", questions.OF_THE_PACK)
def test_every_word_of_the_pack_has_a_name_in_both_languages(kind):
    for word in getattr(programme().pack.words, kind):
        named = questions.OF_THE_PACK[kind][word]
        with words.speaking("ko"):
            assert str(named) != named.message
