"""Why a parcel is held back, for the person who has to fix it; pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mfn.models import LONGEST_TEXT
from mfn.plain_text import listed, listed_details

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNKNOWN = -1
"""The component of a line that matches none."""

TEXTS = ("shipment_id", "order_number", "carrier", "service", "tracking_number")
"""Free texts of the warehouse about a parcel."""

CORRECT = "Correct it in the warehouse"
REMEDIES = {
    "shipment_id_missing": f"{CORRECT}: give every row of wms_shipment a shipment_id, and its lines the same one.",
    "shipment_id_ambiguous": f"{CORRECT}: give each parcel an id of its own.",
    "shipment_status_unknown": f"{CORRECT}: closed (or empty) parcels are confirmed, open and void ones are not.",
    "text_too_long": f"{CORRECT}: shorten the text.",
    "order_unknown": f"{CORRECT} if the number is wrong; ignore it if the order did not come from Amazon through mfn.",
    "parcel_empty": f"{CORRECT}: write the parcel's lines, in the same transaction as the parcel.",
    "quantity_invalid": f"{CORRECT}: enter how many units of the SKU are in the parcel.",
    "order_item_unknown": (
        f"{CORRECT}: use the order_item_id and sku of the order's line in wms_order_line. If it was deleted there,"
        " restore it."
    ),
    "quantity_excessive": f"{CORRECT}: fix the quantities, or void the parcel that never shipped.",
    "units_told": "If it replaces one of them, write its carrier and tracking number under that parcel's "
    "shipment_id with status closed, and void this one. Otherwise correct the order in Seller Central.",
    "tracking_missing": f"{CORRECT}: Amazon does not accept a parcel without a tracking number.",
    "kit_incomplete": "Nothing to do if the rest of the kit is still to ship: the whole kit is confirmed to Amazon "
    "with the parcel that completes it. Otherwise correct the quantities in the warehouse.",
    "kit_in_other_parcel": "",
}
"""What to do about each reason why a parcel is not confirmed, by its code, in the order of the report.

`kit_in_other_parcel` is no fault: the kit is confirmed with the parcel that completed it.
"""


MIXED_UP = (
    "Nothing to do if only that parcel was corrected: this one is confirmed in the next run. If the two were mixed up, "
    "restore the lines of both, and swap their carriers, services and tracking numbers instead."
)
"""What to do about `units_told` if the parcel that the units were confirmed with has shipped with others."""


def explain_parcels(
    parcels: pd.DataFrame, components: pd.DataFrame, lines: pd.DataFrame, progress: pd.DataFrame, kits: pd.DataFrame
) -> pd.DataFrame:
    """Everything that holds parcels back; the frames are those of `mfn.rules.parcels`.

    Args:
        parcels: By position; `is_judged` if the lines were examined; `standing`, lowest for those that surely left.
        components: What was ordered.
        lines: The lines of judged parcels with their `component`, and whether their quantity `is_whole`.
        progress: By component and position: `units`, `so_far`, `ordered`, `units_per_kit`.
        kits: By item and position: `kits`, `quantity`, `is_over`, `holder`, `gone`.

    Returns:
        By position, then in the order of `REMEDIES`: `position`, `shipment_id`, `code` (once a parcel, with everything
        of it in the detail), `detail`, `remedy`.
    """
    ids: list[str] = parcels["shipment_id"].tolist()
    found: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for position, code, detail in (
        *_of_headers(parcels),
        *_of_lines(parcels, components, lines),
        *_of_excess(ids, components, progress, parcels["standing"]),
    ):
        found[position, code].append(detail)
    for position, code, detail in _of_confirmed(components, kits):
        if (position, "quantity_excessive") not in found:
            found[position, code].append(detail)
    settled = {position for position, _ in found}.union(kits.loc[kits["quantity"] > 0, "position"])
    waiting = [position for position in parcels.index[parcels["is_judged"]] if position not in settled]
    for position, code, detail in _of_kits(waiting, ids, components, progress, kits):
        found[position, code].append(detail)
    untracked = parcels["is_judged"] & ~parcels["is_amazon_label"] & ~are_numbers(parcels["tracking_number"])
    written: list[str | None] = parcels["tracking_number"].tolist()
    for position in settled.intersection(parcels.index[untracked]):
        is_written = isinstance(written[position], str)
        said = "its tracking number has no letter or digit" if is_written else "it has no tracking number"
        found[position, "tracking_missing"].append(said)
    ranks = {code: rank for rank, code in enumerate(REMEDIES)}
    mixed_up = set(kits.loc[kits["is_over"] & kits["holder"].notna(), "position"])
    rows = [
        (
            position,
            ids[position],
            code,
            listed_details(found[position, code]),
            MIXED_UP if code == "units_told" and position in mixed_up else REMEDIES[code],
        )
        for position, code in sorted(found, key=lambda key: (key[0], ranks[key[1]]))
    ]
    columns = ["position", "shipment_id", "code", "detail", "remedy"]
    return pd.DataFrame(rows, columns=columns, dtype="object").astype({"position": "int64"})


def are_too_long(texts: pd.Series[Any]) -> pd.Series[bool]:
    """Whether each of some texts, which may be None, has more than `LONGEST_TEXT` characters."""
    return texts.map(lambda text: isinstance(text, str) and len(text) > LONGEST_TEXT).astype("bool")


def are_numbers(texts: pd.Series[Any]) -> pd.Series[bool]:
    """Whether each of some texts, which may be None, can be a tracking number: it has a letter or a digit."""
    return texts.map(lambda text: isinstance(text, str) and any(map(str.isalnum, text))).astype("bool")


Fault = tuple[int, str, str]


def _of_headers(parcels: pd.DataFrame) -> Iterator[Fault]:
    for position in parcels.index[parcels["is_id_missing"]]:
        yield position, "shipment_id_missing", "wms_shipment has rows of this order without a shipment_id"
    for position in parcels.index[parcels["is_id_ambiguous"]]:
        yield position, "shipment_id_ambiguous", "wms_shipment has different rows with this shipment_id"
    unknown = parcels[parcels["status"] != "closed"]
    for position, status in zip(unknown.index, unknown["status"], strict=True):
        yield position, "shipment_status_unknown", f"its status is {status}"
    for name in TEXTS:
        for position in parcels.index[are_too_long(parcels[name])]:
            yield position, "text_too_long", f"{name} is longer than {LONGEST_TEXT:,} characters"
    without = parcels[~parcels["is_order_known"]]
    for position, order_number in zip(without.index, without["order_number"], strict=True):
        # Blanks count, but nobody would see them.
        named = order_number if order_number == order_number.strip() else repr(order_number)
        yield position, "order_unknown", f"wms_order has no order {named}" if named else "it has no order number"


def _of_lines(parcels: pd.DataFrame, components: pd.DataFrame, lines: pd.DataFrame) -> Iterator[Fault]:
    for position in parcels.index[parcels["is_judged"] & ~parcels.index.isin(lines["position"])]:
        yield position, "parcel_empty", "it has no lines in wms_shipment_line"
    most = lines.groupby("position")["quantity"].max()
    for position in most.index[most == 0]:
        yield position, "quantity_invalid", "every line has quantity 0"
    for line in _records(lines[~lines["is_whole"]]):
        said = "not a number" if np.isnan(line["quantity"]) else f"{line['quantity']:g}, not a whole number of units"
        yield line["position"], "quantity_invalid", f"line {line['line_number']}{_means(line)}: quantity is {said}"
    unknown = lines[(lines["component"] == UNKNOWN) & (lines["quantity"] != 0)]
    if unknown.empty:
        return
    order_numbers = parcels["order_number"].reindex(unknown["position"])
    concerned = components[components["order_number"].isin(order_numbers)]
    ordered: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for component in _records(concerned):
        ordered[component["order_number"]].append(component)
    for line, order_number in zip(_records(unknown), order_numbers, strict=True):
        detail = f"line {line['line_number']}{_means(line)}: {_mismatch(line, ordered[order_number])}"
        yield line["position"], "order_item_unknown", detail


def _mismatch(line: dict[str, Any], ordered: list[dict[str, Any]]) -> str:
    """Why a line matches no component of its order."""
    named, sku = line["order_item_id"], line["sku"]
    if named is None:
        owners = [component["order_item_id"] for component in ordered if component["sku"] == sku]
        if owners:
            return f"it has no order_item_id, and the SKU is in several order items: {listed(owners)}"
        return (
            "it has no order_item_id, and no order item has the SKU" if sku else "it has neither order_item_id nor sku"
        )
    parts = [component["sku"] for component in ordered if component["order_item_id"] == named]
    if not parts:
        has = listed(dict.fromkeys(component["order_item_id"] for component in ordered)) or "none"
        return f"the order does not have this item; its items are: {has}"
    return f"the order item consists of {listed(parts)}"


def _of_excess(
    ids: Sequence[str], components: pd.DataFrame, progress: pd.DataFrame, standing: pd.Series[Any]
) -> Iterator[Fault]:
    """Parcels with which more shipped than was ordered: the last of those least certain to have shipped."""
    progress = progress.assign(standing=standing.reindex(progress["position"]).to_numpy())
    progress = progress.sort_values(["component", "standing", "position"], ignore_index=True)
    progress = progress.assign(so_far=progress.groupby("component")["units"].cumsum())
    holding: defaultdict[int, list[str]] = defaultdict(list)
    excess = progress.loc[(progress["units"] > 0) & (progress["so_far"] > progress["ordered"]), "component"]
    for row in _with_names(progress[progress["component"].isin(excess) & (progress["units"] > 0)], components):
        holding[row["component"]].append(ids[row["position"]])
        if row["so_far"] > row["ordered"]:
            parcels = listed(reversed(holding[row["component"]]))
            detail = f"{row['ordered']} of {row['sku']} ordered, {row['so_far']} in parcels {parcels}"
            yield row["position"], "quantity_excessive", f"{_item(row)}: {detail}"


def _of_confirmed(components: pd.DataFrame, kits: pd.DataFrame) -> Iterator[Fault]:
    over = kits[kits["is_over"]]
    names = components.drop_duplicates("item").set_index("item")[["order_item_id", "seller_sku"]]
    for row in _records(over.join(names, on="item")):
        held_by = "parcels that are now void or deleted in the warehouse" + (f": {row['gone']}" if row["gone"] else "")
        if isinstance(row["holder"], str):
            held_by = f"parcel {row['holder']}, which no longer contains it in the warehouse"
        yield (
            row["position"],
            "units_told",
            f"{_item(row)}: all its units were already confirmed to Amazon, with {held_by}",
        )


def _of_kits(
    waiting: list[int], ids: Sequence[str], components: pd.DataFrame, progress: pd.DataFrame, kits: pd.DataFrame
) -> Iterator[Fault]:
    """The fault of parcels that contain only parts of kits that they do not complete."""
    parts = progress[progress["position"].isin(waiting)]
    reached: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for row in _records(kits[kits["item"].isin(parts["item"])]):
        reached[row["item"]][0].append(row["kits"])
        reached[row["item"]][1].append(row["position"])
    completing: defaultdict[int, list[int | None]] = defaultdict(list)
    left: defaultdict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for row in _with_names(parts, components):
        left[row["position"], row["item"]].append(row)
        if row["units"]:
            numbers, positions = reached[row["item"]]
            # The parcel with which all units of this component shipped so far belong to complete kits.
            found = bisect_left(numbers, row["so_far"] / row["units_per_kit"])
            completing[row["position"]].append(positions[found] if found < len(positions) else None)
    for (position, _), rows in left.items():
        if None in completing[position]:
            yield position, "kit_incomplete", _missing_parts(rows)
    for position, others in completing.items():
        if None not in others:
            named = listed(dict.fromkeys(ids[other] for other in others if other is not None))
            yield position, "kit_in_other_parcel", f"its kits are confirmed with {named}"


def _missing_parts(rows: list[dict[str, Any]]) -> str:
    each = ", ".join(f"{row['so_far']} of {row['sku']} ({row['units_per_kit']} a kit)" for row in rows)
    return f"{_item(rows[0])}: this parcel completes no further kit; shipped so far, with this parcel: {each}"


def _with_names(rows: pd.DataFrame, components: pd.DataFrame) -> list[dict[str, Any]]:
    return _records(rows.join(components[["order_item_id", "sku", "seller_sku"]], on="component"))


def _item(row: dict[str, Any]) -> str:
    return f"order item {row['order_item_id']}" + (f" ({row['seller_sku']})" if row["seller_sku"] else "")


def _means(line: dict[str, Any]) -> str:
    """What a line refers to, in brackets."""
    named = ", ".join(
        f"{label} {line[name]}" for label, name in (("order item", "order_item_id"), ("SKU", "sku")) if line[name]
    )
    return f" ({named})" if named else ""


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    columns = (frame[name].tolist() for name in names)  # takes a third of the time of to_dict
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
