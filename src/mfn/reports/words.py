"""The vocabulary of each kind of run in its report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mfn.models import BatchKind


@dataclass(frozen=True)
class Words:
    """The vocabulary of a kind of run.

    Attributes:
        noun: What it processes.
        taken_up: What it was given.
        given: What it was given, in one word.
        done: What was done with the good ones, after "was".
        target: Where they go, with its article.
        held: How the heading calls those that need attention.
        what_happens: What happens to these.
        left_alone: How those are called that need nothing, and why they need nothing.
        conflict: What a person has to check, and what to do about it.
        bars: The parts of the trend, as its legend has them: the good ones, those that are held, the others.
        rehearsed: What a dry run did not do.
    """

    noun: str
    taken_up: str
    given: str
    done: str
    target: str
    held: str
    what_happens: str
    left_alone: tuple[str, str]
    conflict: tuple[str, str]
    bars: tuple[str, ...]
    rehearsed: str


WORDS: dict[BatchKind, Words] = {
    "import": Words(
        noun="order",
        taken_up="fetched from Amazon",
        given="fetched",
        done="loaded into the warehouse",
        target="the warehouse",
        held="held",
        what_happens="Every run checks them again and releases each one automatically once its cause is fixed.",
        left_alone=("Ignored", "Nothing to ship."),
        conflict=(
            "changed at Amazon but not in the warehouse",
            "The warehouse copy stays as it is. Correct it in the warehouse, or decide there what to do.",
        ),
        bars=("loaded", "held", "unchanged, cancelled or ignored"),
        rehearsed="nothing reached the warehouse",
    ),
    "confirm": Words(
        noun="parcel",
        taken_up="parcels due",
        given="due",
        done="confirmed to Amazon",
        target="Amazon",
        held="held or refused",
        what_happens="Every run checks them again and sends each one automatically once its cause is fixed; what Amazon"
        " refused is sent again once its data has changed.",
        left_alone=("Skipped", "No confirmation needed."),
        conflict=(
            "with a parcel that differs between the warehouse and Amazon",
            "Correct the order in Seller Central, or ship the parcel again under the same shipment_id.",
        ),
        bars=("sent", "held or refused", "skipped or pending"),
        rehearsed="nothing reached Amazon",
    ),
    "inventory": Words(
        noun="SKU",
        taken_up="SKUs compared",
        given="compared",
        done="pushed to Amazon",
        target="Amazon",
        held="held or refused",
        what_happens="Every run checks them again and pushes each one automatically once its cause is fixed. Until then"
        " Amazon keeps selling the last level sent.",
        left_alone=("Ignored", "Amazon ships these itself."),
        conflict=("", ""),
        bars=("pushed", "held or refused"),
        rehearsed="nothing was pushed",
    ),
    "reconcile": Words(
        noun="order",
        taken_up="orders compared",
        given="compared",
        done="matched",
        target="",
        held="with a difference",
        what_happens="What to do is shown above the orders it applies to; the next reconciliation checks them again.",
        left_alone=("", ""),
        conflict=("", ""),
        bars=("matched", "differing"),
        rehearsed="",
    ),
    "purge": Words(
        noun="order",
        taken_up="orders checked",
        given="checked",
        done="cleared of buyer data",
        target="",
        held="",
        what_happens="",
        left_alone=("", ""),
        conflict=("", ""),
        bars=("purged",),
        rehearsed="nothing was removed",
    ),
}
