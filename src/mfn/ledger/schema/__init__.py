"""The ledger's tables: the truth about batches, orders, decisions, parcels, stock, budgets, leases and buyers' data.

A change here comes with a migration in ledger/migrations/versions. Times are UTC. Buyers' data is in the `payload`
columns only, and encrypted there.
"""

from mfn.ledger.schema.base import CLUSTERED, Base, Utc, same_order, table
from mfn.ledger.schema.lanes import SearchGap
from mfn.ledger.schema.notifications import NamedOrder, RefusedNotification
from mfn.ledger.schema.operation import (
    EncryptionKey,
    Lease,
    PassedCheck,
    RateBudget,
    SentAlert,
    UnansweredOrder,
    Watermark,
)
from mfn.ledger.schema.orders import (
    DOUBTED,
    ArrivedPage,
    Batch,
    BatchChunk,
    BatchOrder,
    Decision,
    KeptOutVersion,
    LandedOrder,
    LandedPage,
    Parcel,
    Reservation,
    TrackedOrder,
)
from mfn.ledger.schema.privacy import DataAccess, OrderEnd, SeenSecret
from mfn.ledger.schema.stock import BatchOffer, CountedOrder, Feed, Offer, StockLocation

__all__ = [
    "CLUSTERED",
    "DOUBTED",
    "ArrivedPage",
    "Base",
    "Batch",
    "BatchChunk",
    "BatchOffer",
    "BatchOrder",
    "CountedOrder",
    "DataAccess",
    "Decision",
    "EncryptionKey",
    "Feed",
    "KeptOutVersion",
    "LandedOrder",
    "LandedPage",
    "Lease",
    "NamedOrder",
    "Offer",
    "OrderEnd",
    "Parcel",
    "PassedCheck",
    "RateBudget",
    "RefusedNotification",
    "Reservation",
    "SearchGap",
    "SeenSecret",
    "SentAlert",
    "StockLocation",
    "TrackedOrder",
    "UnansweredOrder",
    "Utc",
    "Watermark",
    "same_order",
    "table",
]
