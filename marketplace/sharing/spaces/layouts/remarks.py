"""What a reader of the file is told: refused rows, cautions, and a file that is none."""

from dataclasses import dataclass

from marketplace.kernel.words import Text, _l

REASONS = {
    "quotes": _l("The quotation marks of this row do not close where they should."),
    "damaged": _l("The row holds bytes that are no text in the file's encoding ({encoding}); save the file again."),
    "cells": _l("The row has {found} cells, the header has {expected}: its values may stand in the wrong columns."),
    "too_long": _l("The text is longer than {limit} characters."),
    "no_name": _l("The row names neither a facility nor a place."),
    "no_provider": _l("The row does not say which institution provides it."),
    "no_address": _l("The row has neither an address nor a usable position, so nobody could find the room."),
    "closed_unreadable": _l("The closed days cannot be understood, so we cannot tell when the room is open."),
    "never_open": _l("No opening hours are left once the closed days are taken out."),
    "duplicate": _l("This is the same room as in line {other}, with the same type, area, people, hours and fee."),
    "other_provider": _l("Another institution lists this same room in line {other}."),
}
CAUTIONS = {
    "one_name": _l("Only one of the two names is given; it is used for the building."),
    "shared_name": _l("Several rows have this name; they are told apart by type, area, people, hours or fee."),
    "hours_unreadable": _l("The hours cannot be read, so the room counts as closed on these days."),
    "hours_empty": _l("The room would close at the minute it opens, so it counts as closed on these days."),
    "hours_backwards": _l("The hours end before they start, so the room counts as closed on these days."),
    "hours_from_midnight": _l(
        "The opening hour seems to be missing (00:00), so the room counts as closed on these days."
    ),
    "no_hours": _l(
        "No hours are given for these days; the room counts as closed, though not all are listed as closed."
    ),
    "closed_despite_hours": _l(
        "Hours are given for days that are all listed as closed; the room stays closed on them."
    ),
    "closed_blank": _l("No closed days are given; the room counts as closed on public holidays."),
    "closed_some_holidays": _l("Only some holidays are named; the room counts as closed on all public holidays."),
    "closed_more": _l("The closed days say more than opening hours can hold; the words are shown to residents."),
    "closed_unclear": _l(
        "A part of the closed days is not understood; the days it names and all public holidays count as closed."
    ),
    "paid_unclear": _l("It is not clear whether the room is free; it counts as charged."),
    "fee_unknown": _l("The room is charged but no amount is given; residents are told to ask."),
    "fee_unclear": _l("The fee has no single clear amount; the words are shown and residents are told to ask."),
    "fee_more": _l("The fee says more than its amount; the words are shown to residents."),
    "fee_despite_free": _l("The room is marked free but has a fee; the fee counts."),
    "fee_per_use": _l("The fee has no base time; it counts for one use, however long."),
    "extra_unstated": _l("The rate for extra time is zero or lacks its unit; it counts as not stated."),
    "number_unreadable": _l("This is not a number that makes sense here; it is left out."),
    "date_unreadable": _l("This is not a date; it is left out."),
    "no_point": _l("The position is missing or not a number; the room is placed by its address only."),
    "outside": _l("The position lies outside the city; the room is placed by its address only."),
    "swapped": _l("Latitude and longitude were swapped and have been put right."),
    "no_address": _l("The row has no address; the room is placed by its position only."),
}


class LayoutError(Exception):
    """The file as a whole is not one in this layout."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is not imported, and why."""

    line: int
    column: str
    value: str
    reason_code: str
    sentence: Text


@dataclass(frozen=True, slots=True)
class Caution:
    """Something in an imported row that a clerk may want to correct."""

    line: int
    column: str
    value: str
    code: str
    sentence: Text
