"""Nobody forgets a table about people: what it is for and how long it is kept is registered, and it ends by itself."""

import re

import pytest

from marketplace.kernel import db, jobs, retention, words
from tests.civic.privacy.canaries import is_about_people

pytestmark = pytest.mark.usefixtures("app")

NOT_ABOUT_THEM: dict[str, str] = {}
"""Tables that point to people and yet say nothing about them, each with the reason."""


def test_every_table_about_people_is_registered():
    kept = {one.table for one in retention.all_kept()}
    about_people = {table.name for table in db.Base.metadata.sorted_tables if is_about_people(table)}

    assert about_people - kept - NOT_ABOUT_THEM.keys() == set(), (
        "Register it with kernel/retention.py in the feature's tasks.py: what it holds, why, how long, what erases it."
    )
    assert NOT_ABOUT_THEM.keys() <= about_people
    assert kept <= {table.name for table in db.Base.metadata.sorted_tables}, "a table that is gone is registered"


def test_what_is_kept_for_a_time_is_thinned_by_a_job_that_comes_round():
    ending = {one.job for one in retention.all_kept() if one.job}

    assert ending <= set(jobs.timed_names())


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_period_is_said_in_words(language):
    with words.speaking(language):
        for one in retention.all_kept():
            for said in (one.what, one.why, one.period, one.erased.words):
                assert re.search(r"\w{2,}", str(said)), one.table
