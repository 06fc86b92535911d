"""flask places …: a city's districts taken in."""

import json
from pathlib import Path

import click
from flask.cli import AppGroup
from tqdm import tqdm

from marketplace.civic.places import service
from marketplace.kernel import db, geo

places = AppGroup("places", help="Districts and buildings.")


@places.command("import-districts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_districts(file: Path) -> None:
    """Take in districts from a GeoJSON FILE in degrees; again to bring them up to date.

    Each feature needs a code and a name. Buildings then belong to the districts they stand in. The last line of
    output is JSON: how many were read, added, updated, unchanged and refused.
    """
    with file.open("rb") as stream:
        text = stream.read(geo.LARGEST_FILE + 1)
    try:
        features = geo.parse_geojson(text)
    except geo.NotGeoJSON as refusal:
        raise click.ClickException(f"{file.name}: {refusal.sentence}") from None
    with db.transaction(), tqdm(features, unit="district", disable=None) as bar:
        done = service.import_districts(bar)
    for number, reason in done.refused:
        click.echo(f"Feature {number} refused: {reason}", err=True)
    if done.repaired:
        click.echo(f"Borders crossing themselves were untangled in {done.repaired} features.", err=True)
    click.echo(json.dumps(done.counts))
