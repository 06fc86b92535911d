import pytest

from marketplace.civic.accounts.models import Role
from marketplace.civic.departments import queries, service
from marketplace.civic.departments.errors import CodeTaken
from marketplace.kernel.errors import Forbidden
from tests import factories


def test_two_departments_have_two_codes():
    admin = factories.person(roles=[Role.ADMINISTRATOR])
    service.add(admin, "CUL", "Culture", "문화과")
    parks = service.add(admin, "PRK", "Parks", "공원과")
    with pytest.raises(CodeTaken):
        service.add(admin, "CUL", "Cultivation", "재배과")
    with pytest.raises(CodeTaken):
        service.change(admin, parks, "CUL", "Parks", "공원과")


def test_only_administrators_keep_the_list():
    with pytest.raises(Forbidden):
        service.add(factories.person(roles=[Role.MODERATOR]), "CUL", "Culture", "문화과")


def test_an_administrator_adds_and_renames_on_the_page(browser):
    factories.sign_in(browser, factories.person(roles=[Role.ADMINISTRATOR]))
    browser.send("/staff/departments/", code="CUL", name_en="Culture", name_ko="문화과")
    again = browser.send("/staff/departments/", code="CUL", name_en="Other", name_ko="다른")
    assert again.status_code == 409
    assert b"Another department has this code." in again.data
    [made] = queries.all_departments()
    browser.send(f"/staff/departments/{made.id}", code="CUL", name_en="Culture and sport", name_ko="문화체육과")
    assert b"Culture and sport" in browser.get("/staff/departments/").data
    assert browser.get("/staff/departments/999999").status_code == 404
