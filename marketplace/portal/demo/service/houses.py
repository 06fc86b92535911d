"""Districts, public buildings and their rooms."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

from marketplace.civic.places import service as places
from marketplace.civic.places.models import ACCESSIBILITY, Building, BuildingPoint, District
from marketplace.civic.places.queries import district_by_code
from marketplace.kernel import db, geo, occupancy, search
from marketplace.kernel.intervals import HOLIDAY
from marketplace.portal.demo.service import land, rows, words
from marketplace.sharing.spaces.models import Feature, Kind, Space, SpaceClosedDay, SpaceFeature, SpaceHours
from marketplace.sharing.spaces.queries import rooms as spaces

WEEKDAYS, SATURDAY, SUNDAY = range(5), 5, 6
FEES = ((50, 10_000), (100, 20_000), (150, 30_000), (250, 40_000), (400, 50_000))
LARGEST_FEE = 60_000
"""Won for two hours by floor area, as Seoul's districts publish them."""


# --- districts and buildings ---


def districts(random: Random, ground: land.Land) -> list[District]:
    """Take in the districts, as from a file."""
    named = random.sample(words.names()["districts"], len(ground.districts))
    features = [
        geo.Feature(area, {"code": f"demo-{number:02}", "name_ko": korean, "name_en": english})
        for number, (area, (korean, english)) in enumerate(zip(ground.areas(), named, strict=True), 1)
    ]
    places.import_districts(features)
    found = (district_by_code(str(feature.properties["code"])) for feature in features)
    return [district for district in found if district]


def buildings(random: Random, ground: land.Land, own: list[District], count: int, city: str) -> list[Building]:
    """Write so many public buildings, the same number of each kind in every district as far as that goes."""
    made = [*_planned(random, own, count, city)]
    spots = {of.id: ground.spots(random, at, -(-count // len(own))) for at, of in enumerate(own)}
    points = [BuildingPoint(building_id=of.id, point=spots[of.district_id or 0].pop()) for of in made]
    rows.write(made)
    rows.write(points)
    places.assign_buildings()
    return made


def kind_of(building: Building) -> dict[str, Any]:
    """What is generally true of this kind of building."""
    facts: dict[str, Any] = words.facts()["kinds"][building.code.split("-")[1]]
    return facts


def _planned(random: Random, own: list[District], count: int, city: str) -> Iterator[Building]:
    order, ids = words.facts()["order"], rows.numbers(Building)
    stems = [(a + c, b + d) for a, b in words.names()["first"] for c, d in words.names()["second"]]
    random.shuffle(stems)
    each = len(stems) // len(own)
    seen: Counter[tuple[int, str]] = Counter()
    for number in range(count):
        turn, at = divmod(number, len(own))
        kind = order[(turn if count >= len(order) * len(own) else number) % len(order)]
        if kind == "office" and seen[at, kind]:
            kind = "community"  # one office is enough for a district
        stem_at = seen[at, kind] * 3 + order.index(kind)
        nth = stem_at // each
        seen[at, kind] += 1
        korean, english = stems[at * each + stem_at % each]
        yield _building(random, next(ids), number, kind, own[at], (korean, english, nth), city)


def _building(
    random: Random, number: int, place: int, kind: str, district: District, stem: tuple[str, str, int], city: str
) -> Building:
    korean, english, nth = stem
    again = f"{nth + 1}" if nth else ""
    local = {
        "stem": f"{korean}제{again}" if nth else korean,
        "dong": f"{korean}{again}동",
        "district": district.name_ko,
    }
    foreign = {
        "stem": f"{english} {again}".strip(),
        "dong": f"{english} {again}-dong".replace(f" {again}", again),
        "district": district.name_en.removesuffix("-gu"),
    }
    name_ko, name_en = words.facts()["kinds"][kind]["name"]
    alley = f"{random.randrange(1, 40)}길" if random.random() < 0.4 else ""
    return Building(
        id=number,
        code=f"demo-{kind}-{place + 1:04}",
        name=name_ko.format(**local),
        name_en=name_en.format(**foreign),
        district_id=district.id,
        road_address=f"{city} {district.name_ko} {korean}로{alley} {random.randrange(1, 240)}",
        lot_address=f"{city} {district.name_ko} {local['dong']} {random.randrange(1, 900)}-{random.randrange(1, 40)}",
        phone=f"02-555-{place % 10_000:04}",
        version=1,
        **_access(random, kind),
    )


def _access(random: Random, kind: str) -> dict[str, bool | None]:
    """Old schools have fewer lifts; of some buildings nobody has noted it yet."""
    likely = (0.75, 0.55, 0.7, 0.2) if "school" in kind else (0.9, 0.85, 0.85, 0.4)
    return {
        fact: None if random.random() < 0.15 else random.random() < chance
        for fact, chance in zip(ACCESSIBILITY, likely, strict=True)
    }


# --- rooms ---


def rooms(random: Random, houses: list[Building]) -> list[Space]:
    """Write the rooms of every building, with the resources that are held when they are booked."""
    space_ids, resource_ids = rows.numbers(Space), rows.numbers(occupancy.Resource)
    made: list[Space] = []
    for building in houses:
        kind = kind_of(building)
        for plan in kind["rooms"]:
            room = _room(random, building, plan, plan.get("hours", kind["hours"]))
            halves = [_half(room, naming) for naming in plan.get("halves", ())]
            for space in (room, *halves):
                space.id, space.resource_id = next(space_ids), next(resource_ids)
                space.code = f"demo-{space.id:05}"
                space.part_of_id = None if space is room else room.id
                made.append(space)
    _write(made, {building.id: building for building in houses})
    return made


def _write(made: list[Space], houses: dict[int, Building]) -> None:
    above = {space.id: space.resource_id for space in made}
    resources = [
        occupancy.Resource(id=of.resource_id, parent_id=above[of.part_of_id] if of.part_of_id else None) for of in made
    ]
    rows.write(resources)
    parts = [(one.id, one.id) for one in resources] + [(one.parent_id, one.id) for one in resources if one.parent_id]
    db.session.execute(
        occupancy.resource_parts.insert(), [{"resource_id": whole, "part_id": part} for whole, part in parts]
    )
    rows.write(made)
    hours_ids = rows.numbers(SpaceHours)
    for space in made:
        for span in space.hours:
            span.id, span.space_id = next(hours_ids), space.id
        for day in space.closed_days:
            day.space_id = space.id
        for feature in space.features:
            feature.space_id = space.id
    rows.write([span for space in made for span in space.hours])
    rows.write([day for space in made for day in space.closed_days])
    rows.write([feature for space in made for feature in space.features])
    search.index_many(spaces.SEARCH_KIND, [(space.id, _words(space, houses[space.building_id])) for space in made])


def _words(space: Space, building: Building) -> str:
    space.building = building
    return spaces.words_of(space)


def _room(random: Random, building: Building, plan: dict[str, Any], hours: str) -> Space:
    korean, english = plan["name"]
    low, high = plan["area"]
    area = round(random.uniform(low, high), 1)
    floor = plan["floor"]
    return _ruled(
        Space(
            building_id=building.id,
            name=f"{_floor_ko(floor)} {korean}".strip(),
            name_en=f"{english}{_floor_en(floor)}",
            kind=Kind(plan["kind"]),
            official_kind=plan["official"],
            capacity=max(int(area / plan["each"]), 4),
            area_m2=area,
            equipment=plan["equipment"],
            closed_note=words.facts()["hours"][hours]["note"],
            house_rules=_house_rules(plan["kind"]),
            source={},
            version=1,
            hours=_hours(hours),
            closed_days=_closed_days(hours),
            features=_features(plan["equipment"]),
        ),
        fee=0 if plan.get("free") else _fee(area),
        **plan.get("rules", {}),
    )


def _ruled(space: Space, *, fee: int, **rules: Any) -> Space:
    usual = {
        "min_minutes": 60, "max_minutes": 240, "raster_minutes": 60, "before_minutes": 0, "after_minutes": 0,
        "notice_days": 0, "horizon_days": 90, "answer_days": 3, "cancel_hours": 24, "by_request": False, "open": True,
        "base_minutes": 120, "base_fee": fee, "extra_minutes": 60, "extra_fee": fee // 2,
    }  # fmt: skip
    for name, value in (usual | rules).items():
        setattr(space, name, value)
    space.apply_note = "신청 후 담당자 확인" if space.by_request else "인터넷 신청"
    space.fee_note = ""
    return space


def _half(whole: Space, naming: tuple[str, str]) -> Space:
    """One half of a hall: half the people, half the area, otherwise the rules of the whole."""
    floor_ko, floor_en = whole.name.split(" ")[0], (whole.name_en or "").rpartition(" (")[2]
    area = round((whole.area_m2 or 0) / 2, 1)
    copied = ("min_minutes", "before_minutes", "after_minutes", "notice_days", "by_request")
    return _ruled(
        Space(
            building_id=whole.building_id,
            name=f"{floor_ko} {naming[0]}",
            name_en=f"{naming[1]} ({floor_en}",
            kind=whole.kind,
            official_kind=whole.official_kind,
            capacity=(whole.capacity or 2) // 2,
            area_m2=area,
            equipment=whole.equipment,
            closed_note=whole.closed_note,
            house_rules=whole.house_rules,
            source={},
            version=1,
            hours=[SpaceHours(weekday=span.weekday, opens=span.opens, closes=span.closes) for span in whole.hours],
            closed_days=[SpaceClosedDay(weekday=day.weekday, nth=day.nth) for day in whole.closed_days],
            features=_features(whole.equipment),
        ),
        fee=_fee(area),
        **{name: getattr(whole, name) for name in copied},
    )


def _fee(area: float) -> int:
    return next((fee for below, fee in FEES if area < below), LARGEST_FEE)


def _hours(name: str) -> list[SpaceHours]:
    plan = words.facts()["hours"][name]
    spans = [(day, plan["weekday"]) for day in WEEKDAYS if day != plan.get("closed")]
    spans += [(SATURDAY, plan["saturday"])] if "saturday" in plan else []
    spans += [(SUNDAY, plan["sunday"])] if "sunday" in plan else []
    spans += [(HOLIDAY, plan["holiday"])] if "holiday" in plan else []
    return [
        SpaceHours(weekday=day, opens=opens * 60, closes=closes * 60)
        for day, hours in spans
        for opens, closes in zip(hours[::2], hours[1::2], strict=True)
    ]


def _closed_days(name: str) -> list[SpaceClosedDay]:
    weekday = words.facts()["hours"][name].get("second_and_fourth")
    return [] if weekday is None else [SpaceClosedDay(weekday=weekday, nth=nth) for nth in (2, 4)]


def _features(equipment: list[str]) -> list[SpaceFeature]:
    known: dict[str, list[str]] = words.facts()["features"]
    return [SpaceFeature(feature=Feature(name)) for name, means in known.items() if set(means) & set(equipment)]


def _house_rules(kind: str) -> str:
    rules: dict[str, str] = words.facts()["rules"]
    return "\n".join(filter(None, (rules["all"], rules.get(kind))))


def _floor_ko(floor: int) -> str:
    return f"지하{-floor}층" if floor < 0 else f"{floor}층" if floor else "야외"


def _floor_en(floor: int) -> str:
    return f" (basement {-floor})" if floor < 0 else f" (floor {floor})" if floor else " (outdoors)"
