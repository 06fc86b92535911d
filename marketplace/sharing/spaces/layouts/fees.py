"""Fees, as five cells tell them."""

import re
from dataclasses import dataclass

from marketplace.sharing.spaces.layouts.columns import BASE_HOURS, EXTRA_FEE, EXTRA_HOURS, FEE, PAID
from marketplace.sharing.spaces.layouts.hours import MIDNIGHT


@dataclass(frozen=True, slots=True)
class Fee:
    """What the room costs, in won. No base_fee: free, or one has to ask. No base_minutes: the fee is for one use."""

    free: bool
    base_minutes: int | None = None
    base_fee: int | None = None
    extra_minutes: int | None = None
    extra_fee: int | None = None
    note: str = ""


_WON = re.compile(r"[₩￦]?\s*(\d[\d,]*)(?:\.0+)?\s*원?")
_AMOUNT = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d{3,})(?![\d.,]*\s*(?:\d|시간|분|층|명|㎡|%))")
_DURATION = re.compile(r"(?<!\d)([1-9]\d?)\s*시간(?:\s*(\d{1,2})\s*분)?")
_EXACT_FEE = re.compile(r"(.*?) ?\[(?:(\d+)원|금액미정|무료)\]", re.DOTALL)
_MOST_WON = 1_000_000_000


def _won(text: str) -> int | None:
    found = _WON.fullmatch(text)
    amount = int(found[1].replace(",", "")) if found and len(found[1]) < 14 else -1
    return amount if 0 <= amount <= _MOST_WON else None


def _minutes(text: str) -> int | None:
    """A number of hours (or "50분") as minutes; None if it is empty, zero or not a number."""
    if found := re.fullmatch(r"(\d{1,5})\s*분", text):
        minutes = float(found[1])
    elif found := re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)\s*(?:시간)?", text):
        minutes = float(found[1]) * 60
    else:
        return None
    return int(minutes) if minutes == int(minutes) and 0 < minutes <= 31 * MIDNIGHT else None


def _amounts(text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in _AMOUNT.findall(text) if len(found) < 14]


def _durations(text: str) -> list[int]:
    return [60 * int(hours) + int(minutes or 0) for hours, minutes in _DURATION.findall(text)]


def _prose_fee(prose: str) -> tuple[int | None, int | None, tuple[int, int] | None]:
    """The one clear amount in a fee told in prose, its base minutes and the rate for extra time, where there are."""
    brackets = re.findall(r"\(([^)]*)\)", prose)
    outside = re.sub(r"\([^)]*\)", " ", prose)
    extra = next((text for text in brackets if ("추가" in text or "초과" in text) and "주말" not in text), "")
    amounts, within = _amounts(outside), [amount for text in brackets if text != extra for amount in _amounts(text)]
    if len(amounts) != 1 or not 0 < amounts[0] <= _MOST_WON or max(within, default=0) > amounts[0]:
        return None, None, None
    durations, units, rates = _durations(outside), _durations(extra), _amounts(extra)
    rate = (units[0], rates[0]) if len(rates) == len(units) == 1 else None
    return amounts[0], durations[0] if len(durations) == 1 else None, rate


def read_fee(paid: str, base: str, amount: str, extra_unit: str, extra_fee: str) -> tuple[Fee, list[tuple[str, str]]]:
    """The fee that five cells tell, and (code of a caution, column) for each doubt about it."""
    times = ((BASE_HOURS, base), (EXTRA_HOURS, extra_unit))
    doubts = [("number_unreadable", column) for column, text in times if _odd(text)]
    base_minutes, extra_minutes, note = _minutes(base), _minutes(extra_unit), ""
    rate, won = _won(extra_fee) or None, _won(amount)
    if extra_fee and _won(extra_fee) is None:
        doubts.append(("number_unreadable", EXTRA_FEE))
    exact = _EXACT_FEE.fullmatch(amount)
    if exact:
        note, won = exact[1], int(exact[2]) if exact[2] and len(exact[2]) < 11 else None
    elif amount in ("무료", "없음", "-"):
        won = 0
    elif amount and won is None:
        note, (won, told, told_rate) = amount, _prose_fee(amount)
        if told and base_minutes and told != base_minutes:
            won = None
        elif told:
            base_minutes = told
        if told_rate and won and not rate:
            extra_minutes, rate = told_rate
        doubts.append(("fee_more" if won else "fee_unclear", FEE))
    free = _is_free(paid, amount, won)
    if free is None:
        doubts.append(("paid_unclear", PAID))
    elif paid.upper() in _FREE and won:
        doubts.append(("fee_despite_free", FEE))
    if not free and not won and not note and not exact:
        doubts.append(("fee_unknown", FEE))
    if won and not base_minutes:
        doubts.append(("fee_per_use", BASE_HOURS))
    if rate and not extra_minutes:
        rate = None
        doubts.append(("extra_unstated", EXTRA_HOURS))
    elif won and extra_fee and _won(extra_fee) == 0 and not rate and extra_minutes:
        doubts.append(("extra_unstated", EXTRA_FEE))
    if free:
        return Fee(True, base_minutes, None, extra_minutes, None, note), doubts
    return Fee(False, base_minutes, won or None, extra_minutes, rate, note), doubts


_FREE, _CHARGED = ("N", "무료", "무", "NO"), ("Y", "유료", "유", "YES")


def _is_free(paid: str, amount: str, won: int | None) -> bool | None:
    """Whether the room is free; None if the cells do not say."""
    if won:
        return False
    if paid.upper() in _FREE:
        return True
    if paid.upper() in _CHARGED:
        return False
    return True if won == 0 and amount == "무료" else None


def _odd(text: str) -> bool:
    return bool(text) and _minutes(text) is None and not re.fullmatch(r"0+(\.0+)?(시간|분)?|-", text)


def write_fee(fee: Fee) -> list[str]:
    """The five cells of a fee, with the exact amount in brackets where its prose does not say it."""
    units = _span_of(fee.base_minutes), "", _span_of(fee.extra_minutes)
    cells = ["N" if fee.free else "Y", *units, str(fee.extra_fee or "")]
    sure = "무료" if fee.free else f"{fee.base_fee}원" if fee.base_fee else "금액미정"
    for amount in (fee.note or str(fee.base_fee or ""), f"{fee.note} [{sure}]".strip()):
        cells[2] = amount
        if read_fee(*cells)[0] == fee:
            break
    return cells


def _span_of(minutes: int | None) -> str:
    if not minutes:
        return ""
    return f"{minutes / 60:g}" if minutes % 30 == 0 else f"{minutes}분"
