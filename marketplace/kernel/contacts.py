"""Telephone, account and card numbers in what people write, as Koreans write them and as they disguise them.

A hint, not proof: who is warned decides. Prices, dates, times, room numbers and references are left alone.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from marketplace.kernel.words import Text, _l


class Contact(StrEnum):
    """A way around the city's own pages."""

    PHONE = "phone"
    ACCOUNT = "account"
    CARD = "card"

    @property
    def words(self) -> Text:
        """The kind as people read it."""
        return {
            "phone": _l("a telephone number"),
            "account": _l("a bank account number"),
            "card": _l("a card number"),
        }[self.value]


@dataclass(frozen=True, slots=True)
class Found:
    """What looks like a contact, and where in the text it stands."""

    kind: Contact
    start: int
    end: int
    text: str


def find(text: str) -> list[Found]:
    """What looks like a contact, in order of place; nothing is found twice. Linear in the length of the text."""
    plain, places = _plain(text)
    taken: list[Found] = []
    for kind, start, end in _candidates(plain):
        first, last = places[start], places[end - 1] + 1
        if all(last <= one.start or one.end <= first for one in taken):
            taken.append(Found(kind, first, last, text[first:last]))
    return sorted(taken, key=lambda one: one.start)


# --- one way of writing ---

_SPOKEN = str.maketrans("공영일이삼사오육륙칠팔구oOlI", "0012345667890011")
"""Digits said as words, and letters that look like digits."""


def _plain(text: str) -> tuple[str, list[int]]:
    """The text with ASCII digits, hyphens and spaces and without invisible signs, and where each character stood."""
    letters, places = [], []
    for place, letter in enumerate(text):
        category = unicodedata.category(letter)
        if category == "Cf":  # zero width
            continue
        if category == "Nd":
            letter = str(unicodedata.decimal(letter))
        elif category == "Pd" or letter in "−ー":
            letter = "-"
        elif category == "Zs":
            letter = " "
        elif letter in "（）．＋·":
            letter = "().+."["（）．＋·".index(letter)]
        letters.append(letter)
        places.append(place)
    return "".join(letters), places


# --- telephone ---

_ALONE = r"(?<!\d)(?<!\d[-./:])"  # not the middle of a longer number or of a date
_GAP, _BREAK = r"[ \-._*~/()]{0,3}", r"[ \-._*~/()]{1,3}"
_REST = (
    rf"(?:\d{{3,4}}{_GAP}\d{{4}}|\d{{2}}(?:{_BREAK}\d{{2}}){{3}}|\d{{4}}(?:{_BREAK}\d{{2}}){{2}}"
    rf"|\d(?:{_BREAK}\d){{6,7}})(?!\d)"
)
_ABROAD = rf"(?:\+|\b00)?82{_GAP}(?:0{_GAP})?"
_MOBILE = re.compile(rf"{_ALONE}(?:{_ABROAD}|0(?:{_BREAK})?)1(?:{_BREAK})?[016789]{_GAP}{_REST}")
_LANDLINE = re.compile(
    rf"{_ALONE}(?:{_ABROAD}|0)(?:2|[3-6][1-5]|70|80|50[2-8]){_GAP}\d{{3,4}}[ \-.]{{1,2}}\d{{4}}(?!\d|-\d)"
)

# --- card ---

_CARD = re.compile(r"(?<!\d)(?<!\d-)(?:[2-69]\d{3}([ .-]?)\d{4}\1\d{4}\1\d{4}|3[47]\d\d([ .-]?)\d{6}\2\d{5})(?!-?\d)")

# --- account ---

_NUMBER = re.compile(r"(?<![\d.,:/\-])(?:\d{3,6}(?: \d{2,6}){2,3}|\d+(?:-\d+){0,4})(?![,:/-]?\d)")
_BANK = re.compile(
    "계좌|통장|입금|송금|이체|은행|뱅크|국민|신한|우리|하나|농협|기업|카카오|카뱅|토스|새마을|우체국|신협|수협|제일|씨티"
    r"|\b(?:kb|nh|ibk|sc|bank|account|acct|kookmin|shinhan|woori|hana|nonghyup|kakao|toss)",
    re.IGNORECASE,
)
_BEFORE, _AFTER = 20, 10
"""How near to a number the name of a bank has to stand."""

_DATE = re.compile(r"(?:19|20)\d\d[- ]?(?:0?[1-9]|1[0-2])(?:[- ]?(?:0?[1-9]|[12]\d|3[01]))?(?:[- ]|$|\d{2,6}$)")
_ISBN = re.compile(r"97[89]-")


def _candidates(plain: str) -> Iterator[tuple[Contact, int, int]]:
    """What might be a contact, the surest first."""
    for match in _CARD.finditer(plain):
        if _adds_up(re.sub(r"\D", "", match[0])) and not _DATE.match(match[0]):
            yield Contact.CARD, *match.span()
    for spelling in (plain, plain.translate(_SPOKEN)):
        for match in _MOBILE.finditer(spelling):
            yield Contact.PHONE, *match.span()
    for match in _LANDLINE.finditer(plain):
        yield Contact.PHONE, *match.span()
    for match in _NUMBER.finditer(plain):
        if _is_account(match, plain):
            yield Contact.ACCOUNT, *match.span()


def _adds_up(digits: str) -> bool:
    """Whether the check digit of a card fits the others (Luhn)."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(two // 10 + two % 10 for two in doubled)) % 10 == 0


def _is_account(number: re.Match[str], plain: str) -> bool:
    """Ten to fourteen digits beside the name of a bank; without one, only in the groups that banks print."""
    groups = re.split("[- ]", number[0])
    digits = sum(map(len, groups))
    if not 10 <= digits <= 14 or _DATE.match(number[0]) or _ISBN.match(number[0]):
        return False
    near = plain[max(0, number.start() - _BEFORE) : number.start()] + "|" + plain[number.end() :][:_AFTER]
    if _BANK.search(near):
        return True
    printed = len(groups) in (3, 4) and len(groups[0]) >= 3 and digits >= 11
    return printed and "-" in number[0] and all(len(group) <= 7 for group in groups)
