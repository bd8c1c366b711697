"""The SKUs of the warehouse that may have been meant by an unknown one, and the alias that would say so."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from mfn.amazon.marketplaces import BY_ID
from mfn.mappings.csv_file import broken_by_a_spreadsheet, csv_row
from mfn.plain_text import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pandas as pd

MOST = 3
"""How many SKUs are proposed for one."""
SHORTEST = 3
"""A SKU with fewer characters is one character away from nearly anything."""
LONGEST = 100
"""A longer text is not a SKU: Amazon's have 40 characters at most."""
NEITHER_LETTER_NOR_DIGIT = re.compile(r"[\W_]+")
BLANKS = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")
"""Characters that show as a blank or as nothing, including the no-break space."""

KINDS = (
    "not_active",
    "case",
    "blanks",
    "characters",
    "leading_zeros",
    "separators",
    "several",
    "more_at_end",
    "one_character",
)
"""How two SKUs may differ, the most likely mistake first."""


@dataclass(frozen=True)
class NearSku:
    """A SKU of the warehouse that resembles an unknown one.

    Attributes:
        warehouse_sku: The SKU as the warehouse writes it.
        difference: What differs, as the end of a sentence: `differs in case`.
        kind: The same as one of `KINDS`.
    """

    warehouse_sku: str
    difference: str
    kind: str


def nearest_skus(
    unknown: Iterable[str | None], items: pd.DataFrame, *, taken: Collection[str] = frozenset()
) -> dict[str, list[NearSku]]:
    """The SKUs that may have been meant by each unknown one, the most likely first.

    They are ranked in this order: not active; case; blanks; characters that look the same (an accent that is a
    character of its own, letters in full width); leading zeros; separators; several of these; something more at the
    end, such as -FBM; one character (one more, one less, another, or two neighbours swapped), where nothing else is
    found.

    Args:
        unknown: SKUs that the warehouse does not have; empty ones and repetitions are ignored.
        items: The warehouse's items: `sku`, `is_active`.
        taken: SKUs of the warehouse that something else is known to stand for: of those that differ in the same way,
            the others come first. One that is one character away, as sizes and colours are, is proposed only where
            there is no other.

    Returns:
        At most three for each distinct unknown SKU; an empty list for one that resembles nothing.
    """
    wanted = sorted({sku for sku in unknown if sku})
    if not wanted:
        return {}
    active = items.loc[items["is_active"].astype(bool), "sku"].tolist()
    known, inactive = set(active), set(items.loc[~items["is_active"].astype(bool), "sku"])
    by_letters: defaultdict[str, list[str]] = defaultdict(list)
    letters = {_letters(sku) for sku in wanted} - {""}
    for sku in active:
        if (written := _letters(sku)) in letters:
            by_letters[written].append(sku)
    found: dict[str, list[NearSku]] = {}
    for sku in wanted:
        near = [_spelled(sku, other) for other in by_letters.get(_letters(sku), ()) if other != sku]
        if sku in inactive:
            near.append(NearSku(sku, "is in the warehouse, but inactive", "not_active"))
        stem = next((sku[:end] for end in range(len(sku) - 1, len(sku) // 2, -1) if sku[:end] in known), "")
        if len(stem) >= SHORTEST and all(other.warehouse_sku != stem for other in near):
            near.append(NearSku(stem, f"lacks {sku[len(stem) :]!r} at the end", "more_at_end"))
        found[sku] = near
    rest = [sku for sku in wanted if not found[sku]]
    pairs = list(_one_character_apart(rest, active))
    has_free = {sku for sku, other in pairs if other not in taken}
    for sku, other in pairs:
        if other not in taken or sku not in has_free:
            found[sku].append(NearSku(other, "differs in one character", "one_character"))

    def rank(near: NearSku) -> tuple[int, bool, str]:
        return KINDS.index(near.kind), near.warehouse_sku in taken, near.warehouse_sku

    return {sku: sorted(near, key=rank)[:MOST] for sku, near in found.items()}


def can_be_aliased(sku: str) -> bool:
    """Whether a row of sku_aliases.csv can name a SKU, as a text that survives being shown and pasted."""
    return bool(sku.strip()) and shown(sku) == sku and not broken_by_a_spreadsheet(sku)


def propose_alias_row(
    seller_sku: str, warehouse_sku: str, *, connection: str = "", marketplace_id: str | None = None
) -> str:
    """The row of sku_aliases.csv that maps one SKU to another, ready to paste: one line of CSV without a line end.

    Args:
        seller_sku: Amazon's SKU.
        warehouse_sku: The warehouse's; empty if nothing is near: the check refuses the row until it is filled.
        connection: The connection's name, or nothing for any.
        marketplace_id: Amazon's marketplace id, or nothing for any.
    """
    marketplace = BY_ID.get(marketplace_id or "")
    return csv_row([connection, marketplace.name if marketplace else "", seller_sku, warehouse_sku, "1", ""])


def _letters(sku: str) -> str:
    """A SKU without everything that people write inconsistently."""
    return NEITHER_LETTER_NOR_DIGIT.sub("", _composed(sku).casefold()).lstrip("0")


def _composed(sku: str) -> str:
    """A SKU with a single form of characters that look the same."""
    return unicodedata.normalize("NFKC", sku)


def _spelled(sku: str, other: str) -> NearSku:
    """The difference between two SKUs with the same letters."""
    if sku.casefold() == other.casefold():
        return NearSku(other, "differs in case", "case")
    if BLANKS.sub("", sku) == BLANKS.sub("", other):
        return NearSku(other, "differs in spaces", "blanks")
    written, sku, other = other, _composed(sku), _composed(other)
    if sku == other:
        return NearSku(written, "differs in characters that look the same", "characters")
    if sku.lstrip("0") == other.lstrip("0"):
        return NearSku(written, "differs in leading zeros", "leading_zeros")
    bare, other_bare = (NEITHER_LETTER_NOR_DIGIT.sub("", text) for text in (sku, other))
    if bare == other_bare:
        return NearSku(written, "differs in separators", "separators")
    differences = (
        ("case", bare.lstrip("0") != other_bare.lstrip("0")),
        ("leading zeros", bare.casefold() != other_bare.casefold()),
        ("separators", sku.casefold().lstrip("0") != other.casefold().lstrip("0")),
    )
    return NearSku(written, "differs in " + " and ".join(name for name, differs in differences if differs), "several")


def _one_character_apart(unknown: Iterable[str], skus: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of an unknown SKU and one of the others that are one character apart, in no order.

    Two such texts become equal if each of them loses at most one character, so that only pairs for which this holds are
    compared.
    """
    by_variant: defaultdict[str, list[str]] = defaultdict(list)
    for sku in unknown:
        if SHORTEST <= len(sku) <= LONGEST:
            for variant in _variants(sku):
                by_variant[variant].append(sku)
    if not by_variant:
        return
    for other in skus:
        if len(other) > LONGEST:
            continue
        candidates = {sku for variant in _variants(other) if variant in by_variant for sku in by_variant[variant]}
        for sku in candidates:
            if OSA.distance(sku, other, score_cutoff=1) == 1:
                yield sku, other


def _variants(text: str) -> set[str]:
    return {text, *(text[:position] + text[position + 1 :] for position in range(len(text)))}
