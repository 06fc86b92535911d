"""Telephone, account and card numbers are found however they are written; dates, prices and references are not."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.kernel.contacts import Contact, find
from tests.conftest import MONDAY

pytestmark = pytest.mark.no_database

GAPS = ["", " ", "-", ".", " - ", "–", "·", "\u00a0", "\u200b", "/"]
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
SPOKEN = str.maketrans("0123456789", "공일이삼사오육칠팔구")

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail."""


def kinds(text):
    return [found.kind for found in find(text)]


@pytest.mark.parametrize("number", [
    "010-1234-5678", "01012345678", "010 1234 5678", "010.1234.5678", "(010) 1234-5678", "010)1234-5678",
    "0 1 0 1 2 3 4 5 6 7 8", "0-1-0-1-2-3-4-5-6-7-8", "010 12 34 56 78", "０１０－１２３４－５６７８", "010–1234–5678",
    "공일공-일이삼사-오육칠팔", "공일공 1234 5678", "공일공일이삼사오육칠팔",
    "영일영 일이삼사 오육칠팔", "O1O-1234-5678",
    "010\u200b1234\u200b5678", "011-234-5678", "+82 10 1234 5678", "+82-10-1234-5678", "+821012345678",
    "82 (0)10 1234 5678", "0082 10-1234-5678", "02-123-4567", "031 123 4567", "02) 1234-5678", "070-1234-5678",
    "0507-1234-5678", "+82 2 123 4567",
])  # fmt: skip
def test_a_telephone_number_is_found(number):
    assert kinds(number) == [Contact.PHONE]
    assert kinds(f"제 번호는 {number}입니다. Call me!") == [Contact.PHONE]


@pytest.mark.parametrize("number", [
    "국민은행 123456-12-123456", "신한 110-123-456789", "카카오뱅크 3333-01-1234567", "토스뱅크 1000-1234-5678",
    "계좌번호: 12345678901234", "Woori 1002-123-456789", "110-123-456789 신한", "농협 352-1234-5678-93",
    "352-1234-5678-93", "123456-12-123456", "account 110 123 456789", "우리은행 1002 123 456789",
    "입금은 3333011234567",
    "신한 １１０－１２３－４５６７８９",
])  # fmt: skip
def test_a_bank_account_is_found(number):
    assert kinds(number) == [Contact.ACCOUNT]


@pytest.mark.parametrize(
    "number", ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "3782 822463 10005"]
)
def test_a_card_is_found_by_its_check_digit(number):
    assert kinds(f"My card is {number}.") == [Contact.CARD]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert Contact.CARD not in kinds(f"It is {wrong}.")


@pytest.mark.parametrize("harmless", [
    "2027-03-04", "2027.03.04 14:00-16:00", "2027/03/04", "20270304", "20270304 1400", "202703041400", "2027-03-04-10",
    "2027-03-04 10:00~12:00", "3월 4일 14:00부터 16:00까지", "02.03. 10:00", "12:30:45", "1600-1800", "0900-1800",
    "24/7", "10:00-11:00, 14:00-15:00", "1988-2027", "2027-12-24 2027-12-26", "50,000원", "1,234,567,890원", "50000원",
    "20,000-30,000", "5000 6000 7000", "101동 1203호", "B101-1203", "Room 010", "010호", "Rooms 010, 011, 012",
    "011 012 013 014", "010 011 012 10", "RES-2027-0304-0012", "2027-0304-0012", "7K3M9PQ2", "123-45-67890",
    "978-89-546-1234-5", "04524", "1234 5678", "3.14159265358979", "37.5665, 126.9780", "+1 room", "02-03", "100-200",
    "일이삼사오육칠팔구십", "하나 둘 셋", "구이공일 일이삼", "우리 15명, 국민 여러분", "부산 2027-03-04 14:00",
    "입금 2027-03-04까지 50,000원", "우리 2027-03-04 10:00", "은행 2027 03 04 12", "account 2027-03-04",
    "국민은행 앞 3번 출구에서 2027-03-04 10:00", "",
])  # fmt: skip
def test_what_only_looks_a_little_like_one_is_left_alone(harmless):
    assert find(harmless) == []
    assert find(f"We meet: {harmless}, all right?") == []


@calm
@given(
    st.sampled_from(["010", "011", "016", "017", "018", "019"]),
    st.from_regex(r"[2-9]\d{3}\d{4}", fullmatch=True),
    st.tuples(st.sampled_from(GAPS), st.sampled_from(GAPS)),
    st.sampled_from([{}, FULL_WIDTH, SPOKEN]),
    st.tuples(st.text("가나다라 ,!\n", max_size=20), st.text("가나다라 ,!\n", max_size=20)),
)
def test_every_mobile_number_is_found_in_every_writing_and_nothing_beside_it(prefix, rest, gaps, writing, around):
    number = f"{prefix}{gaps[0]}{rest[:4]}{gaps[1]}{rest[4:]}".translate(writing)
    text = f"{around[0]}{number}{around[1]}"

    assert [(found.kind, found.text) for found in find(text)] == [(Contact.PHONE, number)]


@calm
@given(
    st.datetimes(MONDAY.replace(year=2020, tzinfo=None), MONDAY.replace(year=2039, tzinfo=None)),
    st.sampled_from(
        ["%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y%m%d", "%Y%m%d%H%M", "%m월 %d일 %H시"]
    ),
    st.integers(0, 10_000_000),
    st.integers(1, 400),
)
def test_no_date_and_no_price_is_flagged(moment, writing, price, days):
    text = f"{moment.strftime(writing)} ~ {(moment + timedelta(days)).strftime(writing)} {price:,}원 ({price} won)"

    assert find(text) == []


@calm
@given(st.text(st.sampled_from("0123456789-. +()/은행공일이O\u200b０４a"), max_size=80) | st.text())
def test_whatever_is_written_every_find_stands_where_it_says_and_none_overlap(text):
    found = find(text)

    for one in found:
        assert text[one.start : one.end] == one.text != ""
    assert all(first.end <= second.start for first, second in pairwise(found))


def test_several_are_found_in_order():
    assert kinds("Call 010-1234-5678 or pay to 신한 110-123-456789.") == [Contact.PHONE, Contact.ACCOUNT]
    assert kinds("신한 110-123-456789, 4111 1111 1111 1111") == [Contact.ACCOUNT, Contact.CARD]
