"""What the bookings and loans of the fictional city hold, on its way to the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marketplace.kernel import occupancy
from marketplace.kernel.occupancy import Kind, Occupancy
from marketplace.portal.demo.service import rows


@dataclass(slots=True)
class Holds:
    """Claims and their spans, as `occupancy.claim_all` would leave them."""

    ids: Iterator[int] = field(default_factory=lambda: rows.numbers(Occupancy))
    span_ids: Iterator[int] = field(default_factory=lambda: rows.numbers(occupancy.occupied_spans))
    occupancies: list[dict[str, Any]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)

    def hold(self, resource_id: int, parts: Sequence[int], starts_at: datetime, ends_at: datetime, kind: Kind) -> int:
        """Hold a resource and its parts, in pieces; says the number of the occupancy."""
        number = next(self.ids)
        self.occupancies.append(
            {"id": number, "resource_id": resource_id, "starts_at": starts_at, "ends_at": ends_at, "kind": kind}
        )
        while starts_at < ends_at:
            piece_ends = min(starts_at + occupancy.PIECE, ends_at)
            for part in parts:
                self.spans.append(
                    {
                        "id": next(self.span_ids),
                        "occupancy_id": number,
                        "resource_id": part,
                        "starts_at": starts_at,
                        "ends_at": piece_ends,
                    }
                )
            starts_at = piece_ends
        return number

    def flush(self) -> None:
        """Write what has come together; before what refers to it."""
        rows.insert(Occupancy, self.occupancies)
        rows.insert(occupancy.occupied_spans, self.spans)
