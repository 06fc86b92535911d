"""Builders of what a test needs and nothing more; each section belongs to one feature."""

from itertools import count
from typing import Unpack

import shapely

from marketplace.civic.places import queries as place_queries
from marketplace.civic.places import service as places
from marketplace.civic.places.models import Building, District
from marketplace.kernel import geo

_numbers = count(1)

# --- places ---


def district(
    name_en: str = "Riverside", name_ko: str = "강변구", *, west: float = 127.0, south: float = 37.5, side: float = 0.1
) -> District:
    """A square district of so many degrees, about 9 km wide and 11 km high unless told otherwise."""
    code = f"D{next(_numbers)}"
    area = shapely.MultiPolygon([shapely.box(west, south, west + side, south + side)])
    places.import_districts([geo.Feature(area, {"code": code, "name_en": name_en, "name_ko": name_ko})])
    made = place_queries.district_by_code(code)
    assert made is not None
    return made


def building(
    name: str = "Riverside Library", *, point: geo.Point | None = None, **facts: Unpack[places.Facts]
) -> Building:
    """A public building, by default nowhere on the map."""
    return places.save_building(f"B{next(_numbers)}", name, point=point, **facts)
