"""Files for visitors: names in any script."""

from urllib.parse import unquote

import pytest

from marketplace.web import downloads

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize("name", ["report.csv", "공공시설 2027.csv", 'a"b;c.csv'])
def test_a_file_may_have_any_name(name):
    header = downloads.attachment("x", name, "text/csv").headers["Content-Disposition"]

    assert header.startswith("attachment; filename")
    header.encode("latin-1")
    assert name in unquote(header).replace("\\", "")


def test_a_name_cannot_add_a_header():
    with pytest.raises(ValueError, match="newline"):
        downloads.attachment("x", "a\r\nSet-Cookie: x=1", "text/csv")


def test_a_calendar_is_a_file_of_its_kind():
    response = downloads.calendar(b"BEGIN:VCALENDAR", "R-1.ics")

    assert response.content_type == "text/calendar; charset=utf-8"
    assert response.headers["Content-Disposition"] == "attachment; filename=R-1.ics"
