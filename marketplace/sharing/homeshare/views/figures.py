"""What home share achieved, for everyone: the five figures, the time in each stage, and where rooms lack."""

import json
from collections.abc import Iterator

from flask import Blueprint, Response, url_for

from marketplace.civic.places import queries as places
from marketplace.kernel import clock, money, tables
from marketplace.kernel.disclosure import LEAST, Hidden
from marketplace.sharing.homeshare.queries import figures, outcomes, supply
from marketplace.web import downloads, maps
from marketplace.web.access import public
from marketplace.web.pages import page

bp = Blueprint("homeshare_figures", __name__)

CSV = "text/csv; charset=utf-8"


@bp.get("/homeshare/figures")
@public
def city() -> Response:
    """The figures with how they are made."""
    ended, all_of_them = figures.lengths()
    pairs, now = figures.current_pairs()
    found = supply.by_campus()
    return page(
        "sharing/homeshare/figures.html",
        quarters=figures.last_quarters(clock.today()), soon=figures.matched_soon(), lasting=figures.lasting(),
        left=figures.left_unmatched(), ended=ended, all_of_them=all_of_them, pairs=pairs, now=now,
        said=outcomes.achieved(), questions=outcomes.QUESTIONS, stages=figures.stages(),
        supply=found, picture=_picture(found), least=LEAST, reach=supply.REACH // 1000,
        least_for_tail=figures.LEAST_FOR_TAIL,
    )  # fmt: skip


@bp.get("/homeshare/figures.csv")
@public
def city_csv() -> Response:
    """The same for programs: a row a figure and quarter."""
    return downloads.attachment(tables.csv_text(HEAD, list(_rows())), "homeshare-figures.csv", CSV)


HEAD = ("figure", "quarter", "value", "of", "unit")


def _rows() -> Iterator[tuple[object, ...]]:
    shares = {
        "matched_within_four_months": figures.matched_soon(),
        "lasting_over_six_months": figures.lasting(),
        "left_unmatched": figures.left_unmatched(),
    }
    for name, found in shares.items():
        for quarter, share in [*found.by_quarter.items(), (None, found.overall)]:
            yield name, _name(quarter), _plain(share.percent), _plain(share.of), "%"
    for name, means in zip(("mean_days_of_ended", "mean_days_of_all"), figures.lengths(), strict=True):
        for quarter, mean in [*means.by_quarter.items(), (None, means.overall)]:
            yield name, _name(quarter), _plain(mean.days), _plain(mean.of), "days"
    pairs, now = figures.current_pairs()
    for quarter, count in pairs.items():
        yield "current_pairs", quarter.name, _plain(count), "", "pairs"
    yield "current_pairs", "today", _plain(now), "", "pairs"
    for said in outcomes.achieved():
        for name, share in said.shares.items():
            yield f"{name}_{said.side.value}", "all", _plain(share.percent), _plain(share.of), "%"
        yield f"saved_a_month_{said.side.value}", "all", _plain(said.saved), "", money.currency()
    for stage in figures.stages():
        yield f"median_{stage.name}", "all", _plain(stage.median), _plain(stage.of), "days"
        yield f"ninth_decile_{stage.name}", "all", _plain(stage.ninth), _plain(stage.of), "days"


def _name(quarter: figures.Quarter | None) -> str:
    return quarter.name if quarter else "all"


def _plain(value: object) -> object:
    """A value for programs; nothing where it is hidden."""
    if value is None or isinstance(value, Hidden):
        return ""
    return round(value, 1) if isinstance(value, float) else value


# --- where rooms lack ---


@bp.get("/homeshare/supply.csv")
@public
def supply_csv() -> Response:
    """Campuses with students who wait and rooms within reach."""
    head = ("campus", "latitude", "longitude", "students_waiting", "rooms_within_reach", "rooms_a_student")
    rows = [
        (one.campus.name, one.campus.latitude, one.campus.longitude, _plain(one.waiting), _plain(one.rooms),
         _plain(one.ratio))
        for one in supply.by_campus()
    ]  # fmt: skip
    return downloads.attachment(tables.csv_text(head, rows), "homeshare-supply.csv", CSV)


@bp.get("/homeshare/supply.geojson")
@public
def supply_geojson() -> Response:
    """The same as points for a map."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one.campus.longitude, one.campus.latitude]},
            "properties": {
                "campus": one.campus.name,
                "students_waiting": _plain(one.waiting) or None,
                "rooms_within_reach": _plain(one.rooms) or None,
            },
        }
        for one in supply.by_campus()
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    return downloads.attachment(body, "homeshare-supply.geojson", "application/geo+json")


def _picture(found: list[supply.Supply]) -> maps.Picture | None:
    """The city's districts with its campuses, numbered as in the table."""
    if not found:
        return None
    here = url_for("homeshare_figures.city")
    pins = [
        (number, one.campus.name, f"{here}#campus-{number}", one.campus.longitude, one.campus.latitude)
        for number, one in enumerate(found, 1)
    ]
    return maps.draw(places.district_outlines(), pins)
