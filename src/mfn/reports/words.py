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
        done: What happened to the good ones.
        target: Where they go, with its article.
        held: What those are that wait for a person.
        mended: What becomes of these.
        left_alone: What those are that need nothing, and why.
        conflict: What a person has to look at, and what there is to do.
        bars: The parts of the trend, as its legend has them: the good ones, those that are held, the others.
        rehearsed: What a dry run did not do.
    """

    noun: str
    taken_up: str
    given: str
    done: str
    target: str
    held: str
    mended: str
    left_alone: tuple[str, str]
    conflict: tuple[str, str]
    bars: tuple[str, ...]
    rehearsed: str


WORDS: dict[BatchKind, Words] = {
    "import": Words(
        noun="order",
        taken_up="fetched from Amazon",
        given="fetched",
        done="reached the warehouse",
        target="the warehouse",
        held="held",
        mended="Each is examined again in every run and goes out by itself once its cause is mended.",
        left_alone=("Ignored", "Nothing to ship here."),
        conflict=(
            "changed at Amazon and otherwise in the warehouse",
            "The warehouse keeps what it has. Somebody has to mend it, or to decide there.",
        ),
        bars=("loaded", "held", "unchanged, cancelled or ignored"),
        rehearsed="nothing reached the warehouse",
    ),
    "confirm": Words(
        noun="parcel",
        taken_up="parcels were due",
        given="due",
        done="reached Amazon",
        target="Amazon",
        held="held or refused",
        mended="Each is examined again in every run and goes out by itself once its cause is mended; what Amazon"
        " refused, once it would be told something else.",
        left_alone=("Skipped", "Amazon need not be told."),
        conflict=(
            "with a parcel that the warehouse and Amazon see differently",
            "Correct the order in Seller Central, or ship the parcel again under the same shipment_id.",
        ),
        bars=("sent", "held or refused", "skipped or pending"),
        rehearsed="nothing reached Amazon",
    ),
    "inventory": Words(
        noun="SKU",
        taken_up="SKUs were compared",
        given="compared",
        done="reached Amazon",
        target="Amazon",
        held="held or refused",
        mended="Each is looked at again in every run and is pushed by itself once its cause is mended. Until then"
        " Amazon goes on selling the level that it was told last.",
        left_alone=("Left alone", "Amazon ships these itself."),
        conflict=("", ""),
        bars=("pushed", "held or refused"),
        rehearsed="nothing was pushed",
    ),
    "reconcile": Words(
        noun="order",
        taken_up="orders were compared",
        given="compared",
        done="matched",
        target="",
        held="with a difference",
        mended="What to do stands above the orders that it mends; the next reconciliation looks again.",
        left_alone=("", ""),
        conflict=("", ""),
        bars=("matched", "differing"),
        rehearsed="",
    ),
    "purge": Words(
        noun="order",
        taken_up="orders were looked at",
        given="looked at",
        done="lost the buyer's data",
        target="",
        held="",
        mended="",
        left_alone=("", ""),
        conflict=("", ""),
        bars=("purged",),
        rehearsed="nothing was removed",
    ),
}
