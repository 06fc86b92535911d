"""The 29 columns of the layout, and how a cell is cleaned and kept from being a formula."""

import re
import unicodedata

FACILITY, PLACE, KIND, CLOSED = "개방시설명", "개방장소명", "개방시설유형구분", "휴관일"
WEEKDAY_OPENS, WEEKDAY_CLOSES = "평일운영시작시각", "평일운영종료시각"
WEEKEND_OPENS, WEEKEND_CLOSES = "주말운영시작시각", "주말운영종료시각"
PAID, BASE_HOURS, FEE, EXTRA_HOURS, EXTRA_FEE = (
    "유료사용여부",
    "사용기준시간",
    "사용료",
    "초과사용단위시간",
    "초과사용료",
)
CAPACITY, AREA, EQUIPMENT, APPLY, PICTURE = "수용가능인원수", "면적", "부대시설정보", "신청방법구분", "시설사진정보"
ROAD_ADDRESS, LOT_ADDRESS, OPERATOR, DEPARTMENT = "소재지도로명주소", "소재지지번주소", "관리기관명", "담당부서명"
PHONE, HOMEPAGE, LATITUDE, LONGITUDE = "사용안내전화번호", "홈페이지주소", "위도", "경도"
REFERENCE_DATE, PROVIDER_CODE, PROVIDER_NAME = "데이터기준일자", "제공기관코드", "제공기관명"

HOURS = (WEEKDAY_OPENS, WEEKDAY_CLOSES, WEEKEND_OPENS, WEEKEND_CLOSES)
FEES = (PAID, BASE_HOURS, FEE, EXTRA_HOURS, EXTRA_FEE)
COLUMNS = (
    *(FACILITY, PLACE, KIND, CLOSED, *HOURS, *FEES, CAPACITY, AREA, EQUIPMENT, APPLY, PICTURE),
    *(ROAD_ADDRESS, LOT_ADDRESS, OPERATOR, DEPARTMENT, PHONE, HOMEPAGE, LATITUDE, LONGITUDE),
    *(REFERENCE_DATE, PROVIDER_CODE, PROVIDER_NAME),
)
REQUIRED = (FACILITY, PLACE, KIND, CLOSED, *HOURS, PAID, FEE, CAPACITY, ROAD_ADDRESS, PROVIDER_CODE)

MAX_CELL = 5_000
MAX_NAME = 200
LIMITS = {
    **dict.fromkeys(COLUMNS, MAX_CELL),
    FACILITY: MAX_NAME,
    PLACE: MAX_NAME,
    KIND: 100,
    ROAD_ADDRESS: 300,
    LOT_ADDRESS: 300,
    PHONE: 60,
    HOMEPAGE: 490,
}
"""How many characters a cell may have."""

_GUARDED = re.compile(r"'*[=+\-@\t\r＝＋－＠]")  # some spreadsheets read the wide signs like the others
_NUMBER_LIKE = re.compile(r"[+-]?\d[\d\s().-]*")
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))


def clean(cell: str) -> str:
    """A cell as it is meant: composed, without control characters, outer spaces and the guard against formulas."""
    cell = cell.strip()
    if cell.startswith("'") and _GUARDED.match(cell):
        cell = cell[1:].strip()
    return unicodedata.normalize("NFC", cell.replace("\r\n", "\n").replace("\r", "\n")).translate(_CONTROLS).strip()


def guard(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and phone numbers stay as they are."""
    return f"'{cell}" if _GUARDED.match(cell) and not _NUMBER_LIKE.fullmatch(cell) else cell
