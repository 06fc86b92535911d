"""Districts and buildings for programs, as records and for maps."""

from typing import Any

from flask import Blueprint

from marketplace.civic.places import queries
from marketplace.civic.places.models import Building, District
from marketplace.civic.places.schemas import BuildingQuestions, BuildingRecord, DistrictRecord, FoundBuildingRecord
from marketplace.kernel import geo
from marketplace.kernel.words import _l
from marketplace.web.access import public
from marketplace.web.api import GEOJSON, FeatureCollectionRecord, Page, With, cut, endpoint

bp = Blueprint("places_api", __name__, url_prefix="/api/v1")

PLACES = _l("Places")


@bp.get("/districts")
@public
@endpoint(summary=_l("Districts of the city, by id."), tag=PLACES, answer=DistrictRecord, paged=(int,))
def list_districts(limit: int, after: tuple[int] | None) -> Page:
    """The districts."""
    rows = queries.districts_after(after[0] if after else 0, limit + 1)
    return cut(rows, limit, lambda district: (district.id,))


@bp.get("/districts.geojson")
@public
@endpoint(
    summary=_l("Every district with its area, for a map."), tag=PLACES, answer=FeatureCollectionRecord, media=GEOJSON
)
def map_districts() -> dict[str, Any]:
    """The districts with their areas."""
    return geo.to_geojson(queries.district_features())


@bp.get("/districts/<int:district_id>")
@public
@endpoint(summary=_l("One district."), tag=PLACES, answer=DistrictRecord)
def get_district(district_id: int) -> District:
    """A district."""
    return queries.get_district(district_id)


@bp.get("/buildings")
@public
@endpoint(
    summary=_l("Public buildings, by id, or the nearest first."),
    tag=PLACES,
    query=BuildingQuestions,
    answer=FoundBuildingRecord,
    paged=(float, int),
)
def list_buildings(limit: int, after: tuple[float, int] | None, **asked: Any) -> Page:
    """The buildings asked for."""
    rows = queries.buildings_after(after, limit=limit + 1, **asked)
    page = cut(rows, limit, lambda row: (row[1] or 0.0, row[0].id))
    return Page([With(building, metres=metres) for building, metres in page.items], page.last)


@bp.get("/buildings.geojson")
@public
@endpoint(
    summary=_l("All buildings asked for whose place is known, for a map."),
    tag=PLACES,
    query=BuildingQuestions,
    answer=FeatureCollectionRecord,
    media=GEOJSON,
)
def map_buildings(**asked: Any) -> dict[str, Any]:
    """The buildings asked for, as points."""
    features = (queries.building_feature(building) for building, _metres in queries.buildings_after(None, **asked))
    return geo.to_geojson(feature for feature in features if feature)


@bp.get("/buildings/<int:building_id>")
@public
@endpoint(summary=_l("One building."), tag=PLACES, answer=BuildingRecord)
def get_building(building_id: int) -> Building:
    """A building."""
    return queries.get_building(building_id)
