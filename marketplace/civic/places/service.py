"""Districts and buildings taken in, and what is known about a building kept right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import shapely
import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from marketplace.civic.places import policy, queries
from marketplace.civic.places.errors import ChangedMeanwhile
from marketplace.civic.places.models import Building, BuildingPoint, District, DistrictShape
from marketplace.kernel import audit, db, geo, search
from marketplace.kernel.access import permit
from marketplace.kernel.words import Text, _l

CODE_NAMES = ("code", "adm_cd", "sig_cd", "emd_cd", "id")
LOCAL_NAMES = ("name_ko", "name", "adm_nm", "sig_kor_nm", "emd_kor_nm")
ENGLISH_NAMES = ("name_en", "name_eng", "sig_eng_nm", "emd_eng_nm")
PROVINCE_NAMES = ("sidonm", "ctp_kor_nm")

SAME_PLACE = 1e-7
"""Degrees by which a border may differ and still be the same: about a centimetre."""
OUTLINE_DEGREES = 0.0003
"""How far a border may be moved on a small map: about 30 m, less than a pixel."""


# --- districts ---


@dataclass(slots=True)
class DistrictImport:
    """What became of a file of districts: how many, and the number and reason of each feature refused."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    repaired: int = 0
    refused: list[tuple[int, Text]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The figures every importer ends with."""
        return {
            "read": self.read, "added": self.added, "updated": self.updated, "unchanged": self.unchanged,
            "refused": len(self.refused),
        }  # fmt: skip


def import_districts(features: Iterable[geo.Feature]) -> DistrictImport:
    """Take in districts by their codes; buildings then belong to the districts they stand in.

    Districts that are not among the features stay as they are.
    """
    known = {district.code: district for district in db.session.scalars(sa.select(District))}
    shapes = {shape.district_id: shape for shape in db.session.scalars(sa.select(DistrictShape))}
    done, seen = DistrictImport(), set[str]()
    for feature in features:
        done.read += 1
        done.repaired += feature.repaired
        code, local, english = _naming(feature)
        if reason := _refusal(code, local or english, seen):
            done.refused.append((done.read, reason))
            continue
        seen.add(code)
        _take_in(feature.geometry, code, english or local, local or english, known, shapes, done)
    db.session.flush()
    if done.added or done.updated:
        assign_buildings()
        audit.record(None, "places.import_districts", "districts", **done.counts)
    return done


def _naming(feature: geo.Feature) -> tuple[str, str, str]:
    """Code, local name and English name, whatever the file calls them; empty where it has none."""
    properties = {str(key).lower(): value for key, value in feature.properties.items()}

    def first(names: tuple[str, ...]) -> str:
        found = (str(properties[name]).strip() for name in names if properties.get(name) not in (None, ""))
        return next(found, "")

    code = first(CODE_NAMES) or ("" if feature.id is None else str(feature.id))
    local = first(LOCAL_NAMES).removeprefix(first(PROVINCE_NAMES)).strip()  # the province is the same for all
    return code, local, first(ENGLISH_NAMES)


def _refusal(code: str, name: str, seen: set[str]) -> Text | None:
    if not code:
        return _l("It has no code ({names}).", names=", ".join(CODE_NAMES))
    if not name:
        return _l("It has no name ({names}).", names=", ".join((*LOCAL_NAMES, *ENGLISH_NAMES)))
    if len(code) > 40 or len(name) > 200:
        return _l("Its code or its name is too long.")
    if code in seen:
        return _l("Its code {code} stands in the file twice.", code=code)
    return None


def _take_in(
    area: Any, code: str, english: str, local: str, known: dict[str, District], shapes: dict[int, DistrictShape],
    done: DistrictImport,
) -> None:  # fmt: skip
    district = known.get(code)
    if district is None:
        district = District(code=code, name_en=english, name_ko=local)
        db.session.add(district)
        db.session.flush()
        db.session.add(DistrictShape(district_id=district.id, shape=area, outline=_outline(area)))
        done.added += 1
        return
    shape = shapes[district.id]
    same_area = shapely.equals_exact(shape.shape, area, SAME_PLACE)
    if same_area and (district.name_en, district.name_ko) == (english, local):
        done.unchanged += 1
        return
    district.name_en, district.name_ko = english, local
    if not same_area:
        shape.shape, shape.outline = area, _outline(area)
    done.updated += 1


def _outline(area: Any) -> dict[str, Any]:
    return geo.geometry_json(geo.outline(area, OUTLINE_DEGREES), digits=5)


def assign_buildings() -> None:
    """Find the district of every building anew, in a few queries however many there are."""
    on_map = (
        sa.select(BuildingPoint.building_id, sa.func.min(DistrictShape.district_id))
        .join(DistrictShape, geo.containing(DistrictShape.shape, BuildingPoint.point))
        .group_by(BuildingPoint.building_id)
    )
    found: dict[int, int] = dict(db.session.execute(on_map).all())
    known = queries.districts()
    buildings = list(db.session.scalars(sa.select(Building)))
    for building in buildings:
        building.district_id = found.get(building.id) or queries.district_named_in(building.address, known)
    db.session.flush()
    by_id = {district.id: district for district in known}
    search.index_many(queries.SEARCH_KIND, ((of.id, _words(of, by_id.get(of.district_id or 0))) for of in buildings))


# --- buildings ---


class Facts(TypedDict, total=False):
    """What may be known about a building besides its name and place."""

    name_en: str | None
    road_address: str
    lot_address: str
    phone: str
    homepage: str
    step_free: bool | None
    lift: bool | None
    accessible_toilet: bool | None
    hearing_loop: bool | None
    about: str


def save_building(code: str, name: str, *, point: geo.Point | None = None, **facts: Unpack[Facts]) -> Building:
    """The building of this code, made or brought up to date with what is given; what is not given stays."""
    building = queries.building_by_code(code)
    if building is None:
        building = Building(code=code, name=name)
        db.session.add(building)
    _set(building, {"name": name, **facts})
    place_building(building, point)
    return building


def place_building(building: Building, point: geo.Point | None) -> None:
    """Put a building on the map (None: leave it where it is), and into the district there or else in its address."""
    db.session.flush()
    location = db.session.get(BuildingPoint, building.id)
    if location is None and point is not None:
        location = BuildingPoint(building_id=building.id, point=point)
        db.session.add(location)
    elif location is not None and point is not None and location.point != point:
        location.point = point
    district_id = queries.district_at(location.point) if location else None
    if district_id is None:
        district_id = queries.district_named_in(building.address, queries.districts())
    _set(building, {"district_id": district_id})
    db.session.flush()
    db.session.expire(building, ["district", "location"])
    _index(building)


def edit_building(person: policy.Person, building: Building, *, version: int, **changes: Any) -> Building:
    """Change what is known about a building, as read at a version.

    Raises ChangedMeanwhile if someone else saved it since, even this instant.
    """
    permit(policy.may_edit, person, building)
    if building.version != version:
        raise ChangedMeanwhile
    before = _set(building, changes)
    try:
        db.session.flush()
    except StaleDataError as clash:
        raise ChangedMeanwhile from clash
    if before:
        after = {name: getattr(building, name) for name in before}
        audit.record(person.id, "places.edit_building", f"building:{building.id}", before=before, after=after)
    return building


def _set(building: Building, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write only what differs, so that an unchanged building keeps its version; what was there before is returned."""
    before = {name: getattr(building, name) for name, value in values.items() if getattr(building, name) != value}
    for name in before:
        setattr(building, name, values[name])
    return before


def _index(building: Building) -> None:
    district = db.session.get(District, building.district_id) if building.district_id else None
    search.index(queries.SEARCH_KIND, building.id, _words(building, district))


def _words(building: Building, district: District | None) -> str:
    own = (building.name, building.name_en or "", building.road_address, building.lot_address)
    return " ".join((*own, *((district.name_ko, district.name_en) if district else ())))
