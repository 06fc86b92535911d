"""One row of the layout, understood."""

from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

from marketplace.sharing.spaces.layouts.equipment import features
from marketplace.sharing.spaces.layouts.fees import Fee
from marketplace.sharing.spaces.layouts.hours import ClosedDays, Hours
from marketplace.sharing.spaces.layouts.names import digest, kind, names, tight
from marketplace.sharing.spaces.layouts.remarks import Caution
from marketplace.sharing.spaces.models import Feature, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialRoom:
    """One row, understood. The two names stand as in the file; building_name and room_name say which is which."""

    key: str = ""
    facility_name: str
    place_name: str
    official_kind: str
    weekly_hours: Hours
    closed_days: ClosedDays = ()
    closed_note: str = ""
    fee: Fee
    capacity: int | None = None
    area_m2: float | None = None
    equipment: tuple[str, ...] = ()
    equipment_note: str = ""
    apply_how: str = ""
    picture_url: str = ""
    road_address: str = ""
    lot_address: str = ""
    operator: str = ""
    department: str = ""
    phone: str = ""
    homepage: str = ""
    latitude: float | None = None
    longitude: float | None = None
    reference_date: date | None = None
    provider_code: str
    provider_name: str = ""
    line: int = field(default=0, compare=False)
    cautions: tuple[Caution, ...] = field(default=(), compare=False)

    @property
    def building_name(self) -> str:
        return names(self.facility_name, self.place_name, self.official_kind)[0]

    @property
    def room_name(self) -> str:
        return names(self.facility_name, self.place_name, self.official_kind)[1]

    @property
    def kind(self) -> Kind:
        return kind(self.official_kind)

    @property
    def name_key(self) -> str:
        return digest(self.provider_code or self.provider_name, tight(self.building_name), tight(self.room_name))

    @property
    def features(self) -> tuple[Feature, ...]:
        """What people may search for among the equipment."""
        return features((*self.equipment, self.equipment_note))

    def as_json(self) -> dict[str, Any]:
        """All the row said, to be kept as JSON."""
        facts = asdict(self)
        del facts["line"], facts["cautions"]
        return {**facts, "reference_date": self.reference_date and self.reference_date.isoformat()}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "OfficialRoom":
        """A room kept as JSON; what it does not know, or what is no longer known, is left out."""
        known = {name.name for name in fields(cls)}
        day = facts.get("reference_date")
        return cls(
            **{name: value for name, value in facts.items() if name in known}
            | {
                "weekly_hours": tuple((day, start, end) for day, start, end in facts["weekly_hours"]),
                "closed_days": tuple((day, nth) for day, nth in facts["closed_days"]),
                "equipment": tuple(facts["equipment"]),
                "fee": Fee(**facts["fee"]),
                "reference_date": date.fromisoformat(day) if day else None,
            }
        )
