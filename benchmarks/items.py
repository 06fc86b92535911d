"""How long it takes to find a thing to borrow by words, days and distance, in a city that lends a hundred thousand.

    .venv/bin/python -m benchmarks.items              about fifteen minutes
    .venv/bin/python -m benchmarks.items --quick      a trial of the script itself
    .venv/bin/python -m benchmarks.items --explain    also how each database carries the search out

The question: which things of these words are free from one day to another, the nearest first?
"""

import argparse
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from tqdm import tqdm

from benchmarks import cluster, figures, server
from benchmarks.figures import milliseconds, percentile, say
from marketplace.civic.places.models import Building, BuildingPoint, District
from marketplace.kernel import cells, clock, db, occupancy, search
from marketplace.kernel.geo import Point
from marketplace.portal.demo.service import houses, land, people, rows
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState, days
from marketplace.sharing.items.models.listing import Audience, Condition, Item, ItemUnit, Library, LibraryHours
from marketplace.sharing.items.queries.search import Found, Wanted, find
from marketplace.web import schema

ITEMS, LOANS = 100_000, 300_000
DISTRICTS, OWNERS, LIBRARIES, SPOTS = 25, 20_000, 20, 400
OF_LIBRARIES = 0.05
PAST_DAYS, COMING_DAYS = 275, 90
LENGTHS = (1, 2, 2, 3, 3, 4, 5, 7, 7)
CHUNK = 20_000
WORDS = (
    "drill", "tent", "projector", "사다리", "의자", "tools", "sewing machine", "캠핑", "kimchi", "한복",
    "speakers", "휠체어",
)  # fmt: skip
SORTS = ("Light", "Heavy", "Small", "Large", "Old", "New", "Blue", "Red", "Quiet", "Folding")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is made and measured."""

    items: int
    loans: int
    questions: int
    pages: int


WHOLE = Effort(ITEMS, LOANS, 200, 60)
QUICK = Effort(500, 1_500, 10, 10)


@dataclass(frozen=True, slots=True)
class Question:
    """What someone asks of the search."""

    words: str
    first: date
    last: date
    near: Point | None

    @property
    def wanted(self) -> Wanted:
        """The question as a query."""
        return Wanted(words=self.words, first=self.first, last=self.last, near=self.near)

    @property
    def path(self) -> str:
        """The question as the address of a page."""
        asked: dict[str, Any] = {"q": self.words, "first": self.first, "last": self.last}
        if self.near:
            asked |= {"latitude": self.near.latitude, "longitude": self.near.longitude}
        return f"/items/?{urlencode(asked)}"


# --- the city ---


def build(effort: Effort, seed: int = 1) -> None:
    """Fill an empty database with districts, owners, libraries, things and a year of loans."""
    ground = land.make(Random(f"{seed} land"), DISTRICTS)
    districts = houses.districts(Random(f"{seed} districts"), ground)
    buildings = houses.buildings(Random(f"{seed} buildings"), ground, districts, 10 * DISTRICTS, "하늘시")
    random = Random(f"{seed} people")
    crowd = people.populate(random, min(OWNERS, effort.items), districts, buildings, effort.loans, "a made-up password")
    owners = [person.id for person in crowd.people]
    random = Random(f"{seed} things")
    spots = {district.id: ground.spots(random, n, SPOTS) for n, district in enumerate(districts)}
    _things(random, effort.items, owners, _libraries(random, buildings), spots, districts)
    _lend(random, effort, owners)
    rows.settle()


def _libraries(random: Random, buildings: list[Building]) -> list[tuple[int, int | None, Point]]:
    """Libraries of things in some of the buildings: their ids, districts and places."""
    points = {at: point for at, point in db.rows(sa.select(BuildingPoint.building_id, BuildingPoint.point)) if point}
    chosen = random.sample([building for building in buildings if building.id in points], LIBRARIES)
    rows.write([Library(id=n, name=f"{at.name} 공구 도서관", building_id=at.id) for n, at in enumerate(chosen, 1)])
    ids = rows.numbers(LibraryHours)
    hours = [(library, weekday) for library in range(1, LIBRARIES + 1) for weekday in range(1, 6)]
    rows.write([LibraryHours(id=next(ids), library_id=of, weekday=day, opens=540, closes=1080) for of, day in hours])
    return [(n, at.district_id, points[at.id]) for n, at in enumerate(chosen, 1)]


def _things(
    random: Random, count: int, owners: list[int], libraries: list[tuple[int, int | None, Point]],
    spots: dict[int, list[Point]], districts: list[District],
) -> None:  # fmt: skip
    sorts = [category for category in categories.tree() if category.parent]
    everywhere = [(district.id, spot) for district in districts for spot in spots[district.id]]
    homes = dict(zip(owners, random.choices(everywhere, k=len(owners)), strict=True))
    made, texts, units = [], [], []
    for number in range(1, count + 1):
        category, owner = random.choice(sorts), random.choice(owners)
        library = random.choice(libraries) if random.random() < OF_LIBRARIES else None
        district_id, spot = homes[owner]
        if library:
            district_id, spot = library[1] or district_id, library[2]
        of = {"owner_id": None, "library_id": library[0]} if library else {"owner_id": owner, "library_id": None}
        title = f"{random.choice(SORTS)} {category.en.split()[0].lower()} {category.ko.split('·')[0]} {number}"
        item = Item(
            id=number, **of, title=title, description="It works well and comes with its manual.",
            category=category.code, condition=random.choice(list(Condition)), deposit=0,
            fee=random.choice((0, 0, 0, 1000, 3000)),
            longest_days=random.choice((7, 7, 14, 30)), notice_days=random.choice((0, 0, 0, 1, 2)), horizon_days=90,
            audience=random.choice((Audience.RESIDENTS, Audience.RESIDENTS, Audience.DISTRICT)),
            cell=cells.cell_of(spot), district_id=district_id, listed_at=clock.now(),
        )  # fmt: skip
        made.append(item)
        texts.append((number, f"{title} {item.description} {categories.words_of(category.code)}"))
        units += [number] * (random.choice((1, 1, 1, 4)) if library else 1)
    for part in _chunks(made):
        rows.write(part)
    for words in _chunks(texts):
        search.index_many("item", words)
    _insert(occupancy.Resource.__table__, ({"id": n} for n in range(1, len(units) + 1)))
    _insert(occupancy.resource_parts, ({"resource_id": n, "part_id": n} for n in range(1, len(units) + 1)))
    of_item: dict[int, int] = {}
    numbered = []
    for n, item_id in enumerate(units, 1):
        of_item[item_id] = of_item.get(item_id, 0) + 1
        numbered.append({"id": n, "item_id": item_id, "resource_id": n, "number": of_item[item_id], "state": "ready"})
    _insert(ItemUnit.__table__, iter(numbered))


def _lend(random: Random, effort: Effort, owners: list[int]) -> None:
    """Give each piece about as many loans, one after another and none at the same time."""
    pieces = list(db.rows(sa.select(ItemUnit.id, ItemUnit.item_id, ItemUnit.resource_id).order_by(ItemUnit.id)))
    random.shuffle(pieces)
    today, share = clock.today(), 1.4 * effort.loans / len(pieces)
    loans: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for unit_id, item_id, _resource in pieces:
        day = today - timedelta(days=PAST_DAYS) + timedelta(days=random.randrange(60))
        for _ in range(min(max(0, round(random.gauss(share, share / 2))), effort.loans - len(loans))):
            length = random.choice(LENGTHS)
            last = day + timedelta(days=length - 1)
            if last > today + timedelta(days=COMING_DAYS):
                break
            state = LoanState.CLOSED if last < today else LoanState.OUT if day <= today else LoanState.ACCEPTED
            loans.append({
                "id": len(loans) + 1, "reference": f"{len(loans) + 1:08}", "item_id": item_id, "first_day": day,
                "last_day": last, "borrower_id": random.choice(owners), "state": state, "quantity": 1, "message": "",
                "reason": "", "fee": 0, "deposit": 0, "asked_at": clock.now(), "reminded": 0, "changed": 0,
                "version": 1,
            })  # fmt: skip
            held.append({"loan_id": len(loans), "unit_id": unit_id, "occupancy_id": len(loans), "is_out": False})
            day = last + timedelta(days=1 + int(random.expovariate(share / (PAST_DAYS + COMING_DAYS))))
    _insert(Loan.__table__, iter(loans))
    resource = {unit_id: resource_id for unit_id, _item, resource_id in pieces}
    claims = [
        {
            "id": loan["id"], "resource_id": resource[piece["unit_id"]], "kind": occupancy.Kind.LOAN,
            "expires_at": None, "starts_at": time.starts_at, "ends_at": time.ends_at,
        }
        for loan, piece in zip(loans, held, strict=True)
        for time in [days(loan["first_day"], loan["last_day"])]
    ]  # fmt: skip
    _insert(occupancy.Occupancy.__table__, iter(claims))
    _insert(occupancy.occupied_spans, _spans(claims))
    _insert(LoanPiece.__table__, iter(held))


def _spans(claims: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for claim in claims:
        start: datetime = claim["starts_at"]
        while start < claim["ends_at"]:
            end = min(start + occupancy.PIECE, claim["ends_at"])
            whose = {"occupancy_id": claim["id"], "resource_id": claim["resource_id"]}
            yield whose | {"starts_at": start, "ends_at": end}
            start = end


def _insert(table: Any, values: Iterator[dict[str, Any]]) -> None:
    with tqdm(desc=str(table), file=sys.stderr, disable=None, leave=False) as bar:
        while part := list(islice(values, CHUNK)):
            db.session.execute(sa.insert(table), part)
            bar.update(len(part))


def _chunks(things: list[Any]) -> Iterator[list[Any]]:
    return (things[start : start + CHUNK] for start in range(0, len(things), CHUNK))


# --- the questions ---


def questions(count: int, *, words: Sequence[str] = WORDS, near: bool = True, seed: int = 2) -> list[Question]:
    """Different words, days of the next months, lengths up to a week, and places of the city."""
    random, said = Random(seed), cycle(words)
    asked = []
    for _ in range(count):
        first = clock.today() + timedelta(days=random.randrange(2, 60))
        place = Point(37.5 + random.uniform(-0.08, 0.08), 127 + random.uniform(-0.1, 0.1)) if near else None
        asked.append(Question(next(said), first, first + timedelta(days=random.choice(LENGTHS) - 1), place))
    return asked


def ask(question: Question) -> Found:
    """The question as a query, in a transaction of its own."""
    with db.transaction(read_only=True):
        return find(question.wanted)


def measure(url: str, folder: Path, name: str, effort: Effort, *, explain: bool) -> list[tuple[Any, ...]]:
    """Build a city and measure on it: a row of figures for each sort of question."""
    schema.upgrade(url)
    app = server.application(url, folder)
    engine: sa.Engine = app.extensions["engine"]
    with db.transaction():
        build(effort)
    if engine.dialect.name == "postgresql":  # as it does by itself within a minute or two
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    gc.collect()
    gc.freeze()  # as the server does
    say(f"- {figures.database_line()}; {_sizes()}")
    sorts = {
        "words, days, distance": questions(effort.questions),
        "words of a tenth of all things": questions(effort.questions // 4, words=("tools",)),
        "days, distance, no words": questions(effort.questions // 4, words=("",)),
        "days alone": questions(effort.questions // 4, words=("",), near=False),
    }
    table = []
    with server.serving(url, folder) as port:
        for sort, asked in sorts.items():
            found = ask(asked[0])
            taken = milliseconds(ask, asked, f"{name}: {sort}")
            with figures.statements(engine) as sent:
                ask(asked[0])
            pages, size = _pages(port, list(islice(cycle(asked), effort.pages)), name)
            table.append((
                f"{name}: {sort}", len(found.free) + len(found.others),
                percentile(taken, 0.5), percentile(taken, 0.95), len(sent),
                percentile(pages, 0.5), percentile(pages, 0.95), size,
            ))  # fmt: skip
            if explain:
                _explain(engine, asked[0])
    return table


def _sizes() -> str:
    with db.transaction(read_only=True):
        counts = {
            "things": db.count(sa.select(Item)),
            "pieces": db.count(sa.select(ItemUnit)),
            "loans": db.count(sa.select(Loan)),
            "days held": db.count(sa.select(occupancy.occupied_spans)),
        }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _pages(port: int, asked: list[Question], label: str) -> tuple[list[float], int]:
    sizes: list[int] = []
    browser = server.Browser(port)

    def read(question: Question) -> None:
        status, _, body = browser.get(question.path)
        if status != 200:
            raise RuntimeError(f"The page answered {status}.")
        sizes.append(len(body))

    return milliseconds(read, asked, f"{label}: page", warm=min(len(asked), 10)), max(sizes)


def _explain(engine: sa.Engine, question: Question) -> None:
    """Print how the database carries out each statement of a search."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_more: object) -> None:
        sent.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    ask(question)
    sa.event.remove(engine, "before_cursor_execute", note)
    how = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS) "
    with engine.connect().execution_options(read_only=True) as connection:
        for statement, parameters in sent:
            if statement.startswith(("SELECT", "WITH")):
                say(f"\n{statement}\n")
                for line in connection.exec_driver_sql(how + statement, parameters):
                    say(f"    {line[-1]}")


def main() -> None:
    """Measure both databases and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a small trial run")
    options.add_argument("--explain", action="store_true", help="print the plans of the statements")
    chosen = options.parse_args()
    effort = QUICK if chosen.quick else WHOLE
    results: list[tuple[Any, ...]] = []
    figures.heading("benchmarks.items")
    with TemporaryDirectory(prefix="maeul-benchmark.") as folder, cluster.started() as new_database:
        databases: dict[str, Callable[..., str]] = {"SQLite": lambda name: f"sqlite:///{folder}/{name}.db"}
        if new_database:
            databases["PostgreSQL"] = new_database
        else:
            print("No PostgreSQL with PostGIS here: SQLite only.", file=sys.stderr)
        for name, make in databases.items():
            results += measure(make("items"), Path(folder), name, effort, explain=chosen.explain)
        say()
        say("Milliseconds; the page comes over HTTP from gunicorn.")
        say()
        columns = "question|found|query p50|query p95|statements|page p50|page p95|bytes"
        figures.table(columns.split("|"), results)
        figures.ending()


if __name__ == "__main__":
    main()
