"""What borrowing spares, by published studies: how often it replaces a purchase, and what making a thing emits.

A product is here only if its figure stands in a source that anyone can read. Categories without one are not known and
stay out of every sum of emissions. Whoever changes a figure changes VERSION too: each table names it.
"""

from dataclasses import dataclass

from marketplace.kernel.words import Text, _l
from marketplace.sharing.items.models import categories

VERSION = "2026-11"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure was published; titles stay in their own language."""

    title: str
    publisher: str
    year: int
    address: str


LIBRARY_OF_THINGS_2023 = Source(
    "How we calculate our impact", "Library of Things, London", 2023,
    "https://www.libraryofthings.co.uk/blog/how-we-calculate-our-impact",
)  # fmt: skip
LIBRARY_OF_THINGS_2024 = Source(
    "How we calculate our impact (2024 update)", "Library of Things, London", 2024,
    "https://www.libraryofthings.co.uk/blog/how-we-calculate-our-impact-2024-update",
)  # fmt: skip
GOODS = Source(
    "Modélisation et évaluation environnementale de produits de consommation et biens d'équipement (Impact CO2)",
    "ADEME", 2018,
    "https://librairie.ademe.fr/dechets-economie-circulaire/127-modelisation-et-evaluation-environnementale-de-"
    "produits-de-consommation-et-biens-d-equipement.html",
)  # fmt: skip
DIGITAL = Source(
    "Évaluation de l'impact environnemental du numérique en France et analyse prospective (Impact CO2)",
    "ADEME, Arcep", 2022,
    "https://librairie.ademe.fr/consommer-autrement/5226-evaluation-de-l-impact-environnemental-du-numerique-en-france-"
    "et-analyse-prospective.html",
)  # fmt: skip
BASE_CARBONE = Source(
    "Base Carbone (Nos Gestes Climat)", "ADEME", 2023, "https://github.com/incubateur-ademe/nosgestesclimat"
)
CULTURE = Source(
    "Évaluation de l'impact environnemental de la digitalisation des services culturels (Impact CO2)",
    "ADEME", 2022, "https://librairie.ademe.fr/cadic/7502/impact-digitalisation-services-culturels-rapport_v2.pdf",
)  # fmt: skip
TREK = Source(
    "Sustainability and Corporate Commitment Report (Pinkbike, Recycle Bike Hub)", "Trek Bicycle", 2021,
    "https://www.pinkbike.com/news/pinkbike-poll-do-you-care-about-the-carbon-footprint-of-your-bike.html",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Displacement:
    """Of a hundred loans, so many replace a purchase: the lowest and the highest share published."""

    low: int
    high: int
    sources: tuple[Source, ...]


DISPLACEMENT = Displacement(25, 50, (LIBRARY_OF_THINGS_2023, LIBRARY_OF_THINGS_2024))


@dataclass(frozen=True, slots=True)
class Footprint:
    """What making and selling one new thing of a category emits, in grams of CO2e: the lowest and the highest figure.

    Its use and its disposal are not in it.
    """

    category: str
    product: Text
    low: int
    high: int
    sources: tuple[Source, ...]

    @property
    def title(self) -> str:
        """The name of its category in the reader's language."""
        return categories.by_code(self.category).title


FOOTPRINTS = (
    Footprint("vacuums", _l("Vacuum cleaner, with or without a bag"), 47_300, 52_400, (GOODS, BASE_CARBONE)),
    Footprint("mixers", _l("Food processor"), 41_300, 41_300, (BASE_CARBONE,)),
    Footprint("coffee", _l("Kettle to espresso machine"), 9_910, 47_600, (GOODS,)),
    Footprint("speakers", _l("Bluetooth speaker to voice-controlled speaker"), 8_980, 30_700, (BASE_CARBONE,)),
    Footprint("projectors", _l("Video projector"), 94_000, 94_000, (BASE_CARBONE,)),
    Footprint("cameras", _l("Digital camera"), 30_000, 30_000, (BASE_CARBONE,)),
    Footprint("laptops", _l("Tablet to laptop"), 63_000, 182_300, (BASE_CARBONE, DIGITAL)),
    Footprint("game-consoles", _l("Portable game console to one for the living room"), 30_800, 73_700, (BASE_CARBONE,)),
    Footprint("city-bikes", _l("Mountain bike, simple or of alloy, without a motor"), 100_000, 120_000, (TREK,)),
    Footprint("books", _l("Paperback"), 796, 796, (CULTURE,)),
)
BY_CATEGORY = {one.category: one for one in FOOTPRINTS}
