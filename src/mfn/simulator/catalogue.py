"""What the demo's seller sells, and the names of it in its warehouse, in one place, so that everything matches.

The same in every run: nothing here depends on a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property


@dataclass(frozen=True)
class CatalogueItem:
    """One thing in the warehouse.

    Attributes:
        sku: The warehouse's SKU.
        asin: Amazon's number for it.
        title: What it is called.
        cents: Its price in US cents.
        on_hand: Units on the shelf when the day begins.
        is_active: Whether the warehouse still handles it.
    """

    sku: str
    asin: str
    title: str
    cents: int
    on_hand: int
    is_active: bool = True


@dataclass(frozen=True)
class Alias:
    """A seller SKU with another name in the warehouse: one component is an alias, several are a kit.

    Attributes:
        seller_sku: Amazon's.
        components: Warehouse SKUs and how many of each one unit takes.
        title: What it is called on Amazon.
        marketplace: The only marketplace where it holds; empty for all.
        is_mapped: Whether the demonstration's mappings know it.
    """

    seller_sku: str
    components: tuple[tuple[str, int], ...]
    title: str
    marketplace: str = ""
    is_mapped: bool = True


@dataclass(frozen=True)
class AmazonFulfilled:
    """A seller SKU that Amazon keeps and ships itself.

    Attributes:
        seller_sku: Amazon's.
        asin: Amazon's number for it.
        title: What it is called.
        cents: Its price in US cents.
    """

    seller_sku: str
    asin: str
    title: str
    cents: int


@dataclass(frozen=True)
class WarehouseMethod:
    """A shipping method of the warehouse.

    Attributes:
        code: Its code.
        carrier: Who carries.
        service: How.
        is_active: Whether it may be used.
    """

    code: str
    carrier: str
    service: str
    is_active: bool = True


@dataclass(frozen=True)
class MethodMapping:
    """One row of the demonstration's shipping_methods.csv.

    Attributes:
        program: Amazon's programme; empty for any.
        service_level: Amazon's fulfillmentServiceLevel; empty for any.
        marketplace: Its name; empty for any.
        code: The warehouse's code.
        note: For the people who read the file.
    """

    program: str
    service_level: str
    marketplace: str
    code: str
    note: str


@dataclass(frozen=True)
class Catalogue:
    """All of it.

    Attributes:
        items: What lies in the warehouse.
        aliases: Seller SKUs that are an alias of one item.
        kits: Seller SKUs that are several items.
        fulfilled_by_amazon: Seller SKUs of things that lie at Amazon, not in the warehouse.
        methods: The warehouse's shipping methods.
        mappings: Which of them Amazon's service levels mean.
    """

    items: tuple[CatalogueItem, ...]
    aliases: tuple[Alias, ...]
    kits: tuple[Alias, ...]
    fulfilled_by_amazon: tuple[AmazonFulfilled, ...]
    methods: tuple[WarehouseMethod, ...]
    mappings: tuple[MethodMapping, ...]

    @cached_property
    def sold_as_they_are(self) -> tuple[CatalogueItem, ...]:
        """The items that Amazon sells under the warehouse's own SKU."""
        return tuple(item for item in self.items if item.is_active)


COLOURS = {"BLU": "blue", "GRN": "green", "RED": "red", "BLK": "black", "WHT": "white", "GRY": "grey"}
KINDS = {
    "MUG": ("Stoneware mug, 350 ml", 1290),
    "TWL": ("Waffle hand towel", 1490),
    "CND": ("Unscented pillar candle", 990),
    "NBK": ("Dotted notebook, A5", 1190),
    "LMP": ("Desk lamp with clamp", 3490),
    "BTL": ("Steel water bottle, 750 ml", 2290),
    "APR": ("Cotton apron", 2490),
    "BSK": ("Felt storage basket", 1890),
    "CLK": ("Silent wall clock", 2690),
    "TRY": ("Bamboo serving tray", 2090),
}
SERIES = 4
GIVEN_UP_EVERY = 60
"""The warehouse no longer handles one of so many items, though Amazon still sells it."""

METHODS = (
    WarehouseMethod("GROUND", "UPS", "Ground"),
    WarehouseMethod("2DAY", "UPS", "2nd Day Air"),
    WarehouseMethod("NEXTDAY", "UPS", "Next Day Air Saver"),
    WarehouseMethod("ECONOMY", "USPS", "Ground Advantage"),
    WarehouseMethod("PRIORITY", "USPS", "Priority Mail"),
    WarehouseMethod("SFP-STD", "Amazon", "Seller Fulfilled Prime standard"),
    WarehouseMethod("SFP-2DAY", "Amazon", "Seller Fulfilled Prime two-day"),
    WarehouseMethod("SFP-1DAY", "Amazon", "Seller Fulfilled Prime one-day"),
    WarehouseMethod("PREMIUM", "FedEx", "2Day"),
    WarehouseMethod("CA-REG", "Canada Post", "Regular Parcel"),
    WarehouseMethod("CA-XPR", "Canada Post", "Xpresspost"),
    WarehouseMethod("LTL", "Freight", "Pallet", is_active=False),
)

MAPPINGS = (
    MethodMapping("", "STANDARD", "", "GROUND", "everyday parcels"),
    MethodMapping("", "FREE_ECONOMY", "", "ECONOMY", ""),
    MethodMapping("", "EXPEDITED", "", "2DAY", ""),
    MethodMapping("", "SECOND_DAY", "", "2DAY", ""),
    MethodMapping("", "NEXT_DAY", "", "NEXTDAY", ""),
    MethodMapping("", "PRIORITY", "", "PRIORITY", ""),
    MethodMapping("", "STANDARD", "CA", "CA-REG", ""),
    MethodMapping("", "EXPEDITED", "CA", "CA-XPR", ""),
    MethodMapping("PRIME", "STANDARD", "", "SFP-STD", "Seller Fulfilled Prime: label bought from Amazon"),
    MethodMapping("PRIME", "SECOND_DAY", "", "SFP-2DAY", "Seller Fulfilled Prime: label bought from Amazon"),
    MethodMapping("PRIME", "NEXT_DAY", "", "SFP-1DAY", "Seller Fulfilled Prime: label bought from Amazon"),
    MethodMapping("PREMIUM", "", "", "PREMIUM", "Premium Shipping promises more than the service level says"),
)
"""SCHEDULED and SAME_DAY are left out on purpose: orders that ask for them are held until somebody adds a row."""


@cache
def build_catalogue() -> Catalogue:
    """The demonstration's catalogue."""
    items = tuple(
        CatalogueItem(
            sku=f"{kind}-{series:04d}-{colour}",
            asin=f"B0{position:08d}",
            title=f"{title}, {COLOURS[colour]}",
            cents=cents + 100 * series,
            on_hand=15 + (position * 37) % 160,
            is_active=(position + 1) % GIVEN_UP_EVERY != 0,
        )
        for position, (kind, (title, cents), series, colour) in enumerate(
            (kind, facts, series, colour)
            for kind, facts in KINDS.items()
            for series in range(1, SERIES + 1)
            for colour in COLOURS
        )
    )
    active = [item for item in items if item.is_active]
    aliases = (
        *(Alias(f"AMZ-{item.sku}-FBM", ((item.sku, 1),), item.title) for item in active[5::23]),
        Alias("CA-MUG-0001", (("MUG-0001-BLU", 1),), "Stoneware mug, 350 ml, blue", marketplace="CA"),
        Alias("MUG-0002-RED-4PK", (("MUG-0002-RED", 4),), "Stoneware mug, 350 ml, red, set of four"),
        Alias("LEGACY-00417", (("LMP-0003-BLK", 1),), "Desk lamp with clamp, black", is_mapped=False),
    )
    kits = (
        Alias("KIT-TEATIME", (("MUG-0001-BLU", 2), ("TRY-0001-WHT", 1)), "Tea-time set: two mugs and a tray"),
        Alias("KIT-DESK", (("LMP-0001-BLK", 1), ("NBK-0001-GRY", 3)), "Desk set: lamp and three notebooks"),
        Alias("KIT-KITCHEN", (("APR-0002-GRN", 1), ("TWL-0002-GRN", 2), ("TRY-0002-GRN", 1)), "Kitchen set, green"),
        Alias("KIT-EVENING", (("CND-0001-WHT", 6), ("TRY-0003-BLK", 1)), "Six candles and a tray"),
        Alias("KIT-NEW", (("BTL-0001-RED", 1), ("BSK-0001-RED", 1)), "Bottle and basket, red", is_mapped=False),
    )
    at_amazon = tuple(AmazonFulfilled(f"{item.sku}-FBA", item.asin, item.title, item.cents) for item in active[3::40])
    return Catalogue(items, aliases, kits, at_amazon, METHODS, MAPPINGS)
