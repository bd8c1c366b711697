"""The warehouse's SKUs that an unknown one may have been meant to be, and the alias that would say so."""

from __future__ import annotations

import string
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from mfn.amazon.marketplaces import BY_ID
from mfn.mappings.csv_file import csv_row

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

MOST = 3
"""How many SKUs are proposed for one."""
CHUNK = 256
"""Unknown SKUs compared at once: the distances to 100,000 items take 25 MB."""
SHORTEST = 3
"""A SKU with fewer characters is one character away from nearly anything."""
SEPARATORS = str.maketrans("", "", string.whitespace + string.punctuation)


@dataclass(frozen=True)
class NearSku:
    """A SKU of the warehouse that resembles an unknown one.

    Attributes:
        warehouse_sku: The SKU as the warehouse writes it.
        difference: What differs, to be read after it: `differs in case`.
    """

    warehouse_sku: str
    difference: str


def nearest_skus(unknown: Iterable[str | None], items: pd.DataFrame) -> dict[str, list[NearSku]]:
    """What each unknown SKU may have been meant to be, the most likely first.

    Told apart in this order: not active; case; blanks; leading zeros; separators; something more at the end, such as
    -FBM; one character (one more, one less, another, or two neighbours swapped).

    Args:
        unknown: SKUs that the warehouse does not have; empty ones and repetitions are passed over.
        items: The warehouse's items: `sku`, `is_active`.

    Returns:
        At most three for each distinct unknown SKU; an empty list for one that resembles nothing.
    """
    wanted = sorted({sku for sku in unknown if sku})
    if not wanted:
        return {}
    active = items.loc[items["is_active"].astype(bool), "sku"].tolist()
    inactive = set(items.loc[~items["is_active"].astype(bool), "sku"])
    by_letters: defaultdict[str, list[str]] = defaultdict(list)
    letters = {_letters(sku) for sku in wanted} - {""}
    for sku in active:
        if (written := _letters(sku)) in letters:
            by_letters[written].append(sku)
    found = {
        sku: [
            *([NearSku(sku, "is in the warehouse, but not active")] if sku in inactive else []),
            *sorted(
                (NearSku(other, _difference(sku, other)) for other in by_letters[_letters(sku)] if other != sku),
                key=lambda near: (DIFFERENCES.index(near.difference), near.warehouse_sku),
            ),
        ]
        for sku in wanted
    }
    known = set(active)
    for sku in wanted:
        stem = next((sku[:end] for end in range(len(sku) - 1, len(sku) // 2, -1) if sku[:end] in known), "")
        if len(stem) >= SHORTEST and all(near.warehouse_sku != stem for near in found[sku]):
            found[sku].append(NearSku(stem, f"lacks {sku[len(stem) :]!r} at the end"))
    rest = [sku for sku in wanted if not found[sku] and len(sku) >= SHORTEST]
    for sku, other in sorted(_one_character_apart(rest, active)):
        found[sku].append(NearSku(other, "differs in one character"))
    return {sku: near[:MOST] for sku, near in found.items()}


def propose_alias_row(
    seller_sku: str, warehouse_sku: str, *, connection: str = "", marketplace_id: str | None = None
) -> str:
    """The row of sku_aliases.csv that maps one SKU to another, ready to be pasted; one line of CSV without a line end.

    Args:
        seller_sku: Amazon's SKU.
        warehouse_sku: The warehouse's; empty where nothing is near: the check refuses the row until it is filled.
        connection: The connection's name, or nothing for any.
        marketplace_id: Amazon's marketplace id, or nothing for any.
    """
    marketplace = BY_ID.get(marketplace_id or "")
    return csv_row([connection, marketplace.name if marketplace else "", seller_sku, warehouse_sku, "1", ""])


DIFFERENCES = (
    "differs in case",
    "differs in blanks",
    "differs in leading zeros",
    "differs in separators",
    "differs in case and separators",
)


def _letters(sku: str) -> str:
    """What is left of a SKU when everything is taken away that people write now so and now so."""
    return sku.casefold().translate(SEPARATORS).lstrip("0")


def _difference(sku: str, other: str) -> str:
    if sku.casefold() == other.casefold():
        return DIFFERENCES[0]
    if "".join(sku.split()) == "".join(other.split()):
        return DIFFERENCES[1]
    if sku.lstrip("0") == other.lstrip("0"):
        return DIFFERENCES[2]
    if sku.translate(SEPARATORS) == other.translate(SEPARATORS):
        return DIFFERENCES[3]
    return DIFFERENCES[4]


def _one_character_apart(unknown: list[str], skus: list[str]) -> Iterable[tuple[str, str]]:
    for start in range(0, len(unknown), CHUNK):
        chunk = unknown[start : start + CHUNK]
        distances = process.cdist(chunk, skus, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8, workers=-1)
        for row, column in zip(*np.nonzero(distances == 1), strict=True):
            yield chunk[row], skus[column]
