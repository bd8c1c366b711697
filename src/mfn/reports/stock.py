"""The content of an inventory run's report beyond its sum, as plain data; every list has only the first of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.rules.stock_brake import Loss


@dataclass(frozen=True)
class HeldSku:
    """A SKU that is held, or that Amazon or a rule refused.

    Attributes:
        sku: The seller SKU of a listing, else the warehouse's SKU.
        marketplace: Where it is listed, e.g. `US`; None: it is not listed.
        level: The last level sent, which Amazon keeps selling; None: nothing was sent yet.
        detail: What is wrong with it.
        remedy: What to do, as `mfn.models.Reason.remedy`.
    """

    sku: str
    marketplace: str | None
    level: int | None
    detail: str
    remedy: str


@dataclass(frozen=True)
class HeldSkus:
    """The SKUs that are held for one reason.

    Attributes:
        code: The reason's code.
        count: How many there are.
        first: The first of them, those with the highest level at Amazon before the others. None are listed of what
            holds them all, the brake.
    """

    code: str
    count: int
    first: tuple[HeldSku, ...]


@dataclass(frozen=True)
class Movement:
    """A level that was sent to Amazon in this run, or would be sent in a dry run.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed, e.g. `US`.
        before: The last level sent; None: this is the first.
        level: The new one.
        shown: What Amazon showed before; None: unknown.
        sold: Units sold at Amazon whose orders are not imported yet; the level is lower by them.
    """

    sku: str
    marketplace: str
    before: int | None
    level: int
    shown: int | None = None
    sold: int = 0

    @property
    def units(self) -> int:
        """By how much it moved, up or down."""
        return self.level - (self.before or 0)

    @property
    def is_sold_out(self) -> bool:
        """Whether it fell to none."""
        return self.level == 0 and bool(self.before)


@dataclass(frozen=True)
class Drift:
    """A listing for which Amazon shows a level that nothing explains.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed.
        sent: The last level sent.
        shown: What it shows.
        level: The level sent again; None: it is held.
    """

    sku: str
    marketplace: str
    sent: int
    shown: int
    level: int | None


@dataclass(frozen=True)
class Oversold:
    """A component of kits that together promise more of it than is in stock.

    Attributes:
        sku: The warehouse's SKU.
        marketplace: Where they promise it.
        left: Units of it that are left.
        promised: Units that its listings promise; each alone could be delivered.
        offers: The first of their seller SKUs.
        further: How many more there are.
    """

    sku: str
    marketplace: str
    left: int
    promised: int
    offers: tuple[str, ...]
    further: int = 0


@dataclass(frozen=True)
class Sold:
    """A listing with units sold on Amazon whose orders are not imported yet.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed.
        units: How many.
        seen_at: When Amazon was last seen to show so, in UTC.
    """

    sku: str
    marketplace: str
    units: int
    seen_at: datetime | None


@dataclass(frozen=True)
class FeedProgress:
    """A feed of levels that this run submitted, or that Amazon is still processing.

    Attributes:
        feed_id: Amazon's id; None: not known yet whether Amazon received it.
        marketplace: Its marketplace.
        skus: How many levels are in it.
        status: submitting, submitted, done, fatal, lost or stuck.
        created_at: When it was submitted, in UTC.
        done_at: When it was seen to be done, in UTC, or None.
        refused: How many of its SKUs Amazon refused.
        words: What Amazon said of the feed as a whole, or why it was given up.
    """

    feed_id: str | None
    marketplace: str
    skus: int
    status: str
    created_at: datetime
    done_at: datetime | None = None
    refused: int = 0
    words: str = ""


@dataclass(frozen=True)
class StockHistory:
    """The levels sent to Amazon for one listing over time.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed.
        first: The level before the first change; None: there was none.
        changes: When which level was sent, oldest first, in UTC.
    """

    sku: str
    marketplace: str
    first: int | None
    changes: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True)
class Brake:
    """Why the warehouse was not believed.

    Attributes:
        losses: What it lost since it was last believed, if that is known.
        why: In which way it answered empty; empty: it did not.
        is_forced: Whether `--force` overrode the brake.
    """

    losses: tuple[Loss, ...] = ()
    why: str = ""
    is_forced: bool = False


@dataclass(frozen=True)
class StockRun:
    """The parts of a report that only an inventory run has.

    Attributes:
        brake: Why the warehouse was not believed; None: it was.
        held: What is held or failed, by reason, the most frequent first.
        moved: The largest movements, the largest first.
        drift: Listings for which Amazon shows a level that nothing explains, the furthest off first.
        oversold: Components that kits promise too often, the largest shortage first.
        sold: Listings with units sold on Amazon and not imported yet, those with most units first.
        sold_listings: How many of them there are.
        sold_units: Their units.
        feeds: Feeds that this run submitted, or that Amazon is still processing, the newest first.
        histories: Of the listings that moved most lately, the most moved first.
        since: From when on the histories are shown, in UTC.
    """

    brake: Brake | None = None
    held: tuple[HeldSkus, ...] = ()
    moved: tuple[Movement, ...] = ()
    drift: tuple[Drift, ...] = ()
    oversold: tuple[Oversold, ...] = ()
    sold: tuple[Sold, ...] = ()
    sold_listings: int = 0
    sold_units: int = 0
    feeds: tuple[FeedProgress, ...] = ()
    histories: tuple[StockHistory, ...] = ()
    since: datetime | None = None
