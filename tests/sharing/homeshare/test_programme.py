"""A city's own pack of rules and weights takes the place of Seoul's."""

import pytest

from marketplace.sharing.homeshare.models import programme
from matching.candidates.packs import SEOUL, PackError

pytestmark = pytest.mark.no_database


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(programme, "_programmes", list(programme._programmes))


def test_a_citys_pack_is_read_from_its_file(tmp_path):
    own = SEOUL.read_text("utf-8").replace("most = 300_000", "most = 350_000")
    (file := tmp_path / "own.toml").write_text(own, "utf-8")

    programme.set_pack(file)

    assert programme.programme().pack.most_rent == 350_000


def test_a_pack_that_cannot_be_right_is_refused_by_the_name_of_its_key(tmp_path):
    (file := tmp_path / "own.toml").write_text(SEOUL.read_text("utf-8").replace("way = 300", "way = 301"), "utf-8")

    with pytest.raises(PackError, match=r"weights\.student"):
        programme.set_pack(file)
    assert programme.programme().pack.most_rent == 300_000
