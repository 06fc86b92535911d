"""Districts and buildings; shapes and points in small tables of their own."""

import re
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import db, geo, words

ACCESSIBILITY = ("step_free", "lift", "accessible_toilet", "hearing_loop")
"""The facts about a building that decide who can use it, as columns: yes, no, or not known."""


class District(db.Base):
    """A part of the city with an official code and a name."""

    __tablename__ = "districts"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name_en: Mapped[str] = mapped_column(sa.String(200))
    name_ko: Mapped[str] = mapped_column(sa.String(200))

    @property
    def name(self) -> str:
        """The name in the reader's language."""
        return self.name_ko if words.language.get() == "ko" else self.name_en


class DistrictShape(db.Base):
    """The area of a district; `outline` is the same with fewer corners, as GeoJSON ready for a small map."""

    __tablename__ = "district_shapes"

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("districts.id", ondelete="CASCADE"), primary_key=True)
    shape: Mapped[shapely.MultiPolygon] = mapped_column(geo.AreaColumn())
    outline: Mapped[dict[str, Any]]


class Building(db.Base):
    """A public building. `code` is its key in the file it came from; accessibility facts are None while not known."""

    __tablename__ = "buildings"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(200), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_en: Mapped[str | None] = mapped_column(sa.String(200))
    district_id: Mapped[int | None] = mapped_column(sa.ForeignKey("districts.id"), index=True)
    road_address: Mapped[str] = mapped_column(sa.String(300), default="")
    lot_address: Mapped[str] = mapped_column(sa.String(300), default="")
    phone: Mapped[str] = mapped_column(sa.String(60), default="")
    homepage: Mapped[str] = mapped_column(sa.String(500), default="")
    step_free: Mapped[bool | None]
    lift: Mapped[bool | None]
    accessible_toilet: Mapped[bool | None]
    hearing_loop: Mapped[bool | None]
    about: Mapped[str] = mapped_column(sa.Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    district: Mapped[District | None] = relationship(lazy="raise")
    location: Mapped["BuildingPoint | None"] = relationship(lazy="raise", viewonly=True)

    __mapper_args__ = {"version_id_col": version}

    @property
    def title(self) -> str:
        """The name in the reader's language, or as it is written on the door."""
        return self.name if words.language.get() == "ko" else self.name_en or self.name

    @property
    def address(self) -> str:
        """The road address, or the older kind by lots."""
        return self.road_address or self.lot_address

    @property
    def dial(self) -> str:
        """The first telephone number as a phone dials it, or nothing."""
        number = re.match(r"\+?[\d\s()-]{3,}", self.phone)
        return re.sub(r"[^\d+]", "", number[0]) if number else ""

    @property
    def homepage_is_link(self) -> bool:
        """Whether the homepage is an address that is safe to follow."""
        return re.fullmatch(r"https?://\S+", self.homepage) is not None

    @property
    def point(self) -> geo.Point | None:
        """Where it stands, if known."""
        return self.location.point if self.location else None


class BuildingPoint(db.Base):
    """Where a building stands."""

    __tablename__ = "building_points"

    building_id: Mapped[int] = mapped_column(sa.ForeignKey("buildings.id", ondelete="CASCADE"), primary_key=True)
    point: Mapped[geo.Point] = mapped_column(geo.PointColumn())
