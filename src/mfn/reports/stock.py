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
        marketplace: Where it is listed, e.g. `US`; None: it stands for no listing.
        level: What Amazon was told last and goes on selling; None: nothing yet.
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
    """A level that Amazon was told in this run, or would be told by a dry run.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed, e.g. `US`.
        before: The level that Amazon was told last; None: this is the first.
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
    """A listing at which Amazon shows what nothing explains.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed.
        sent: The level that Amazon was told.
        shown: What it shows.
        level: What it was told again; None: it is held.
    """

    sku: str
    marketplace: str
    sent: int
    shown: int
    level: int | None


@dataclass(frozen=True)
class Oversold:
    """A component of kits that together promise more of it than there is.

    Attributes:
        sku: The warehouse's SKU.
        marketplace: Where they promise it.
        left: Units that are left of it.
        promised: Units that its listings promise, each by itself rightly.
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
    """A listing of which Amazon sold units whose orders are not imported yet.

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
    """A feed of levels that this run handed in, or that Amazon still works on.

    Attributes:
        feed_id: Amazon's id; None: whether Amazon has it is not known yet.
        marketplace: Its marketplace.
        skus: How many levels are in it.
        status: submitting, submitted, done, fatal, lost or stuck.
        created_at: When it was handed in, in UTC.
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
    """What Amazon was told of one listing over time.

    Attributes:
        sku: The seller SKU.
        marketplace: Where it is listed.
        first: The level before the first change; None: there was none.
        changes: When it was told which level, oldest first, in UTC.
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
        is_forced: Whether `--force` had it believed all the same.
    """

    losses: tuple[Loss, ...] = ()
    why: str = ""
    is_forced: bool = False


@dataclass(frozen=True)
class StockRun:
    """The parts of a report that an inventory run has of its own.

    Attributes:
        brake: Why the warehouse was not believed; None: it was.
        held: What is held or failed, by reason, the most frequent first.
        moved: The largest movements, the largest first.
        drift: Listings at which Amazon shows what nothing explains, the furthest off first.
        oversold: Components that kits promise too often, those that lack most first.
        sold: Listings sold at Amazon and not imported yet, those with most units first.
        sold_listings: How many of them there are.
        sold_units: Their units.
        feeds: Feeds that this run handed in, or that Amazon still works on, the newest first.
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
