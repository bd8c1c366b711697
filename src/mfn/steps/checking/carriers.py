"""Step `carriers`: what is sent to Amazon for each carrier that the warehouse writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mfn.errors import shown_path
from mfn.mappings.tables import ACCEPTED_CARRIERS, CARRIERS
from mfn.rules.carriers import propose_carrier_rows
from mfn.steps.checking.findings import SHOWN, counted, mapping_findings, more, ok, warning
from mfn.steps.confirming.carriers import carriers_of
from mfn.warehouse.looking import carriers_written

if TYPE_CHECKING:
    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace


def carrier_findings(place: CheckPlace, ship_methods: pd.DataFrame | None) -> list[Finding]:
    """What is sent to Amazon for each carrier and service of the warehouse, and which would be sent as Other or held.

    These are the carriers of shipped parcels, for whichever connection, and those of active shipping methods.

    Args:
        place: The workplace.
        ship_methods: The warehouse's shipping methods; None if they cannot be read.

    Raises:
        RetriableError: The warehouse cannot be reached.
        FatalError: Its table of shipments cannot be read.
    """
    found = mapping_findings(place.problems_of(CARRIERS.file, ACCEPTED_CARRIERS.file))
    if place.mappings.accepted_carriers.empty:
        path = shown_path(place.settings.mappings / ACCEPTED_CARRIERS.file)
        text = f"{path} is missing or empty, so no carrier can be sent with Amazon's code"
        found.append(warning(text, "Copy the file from the mfn project."))
    written = carriers_written(place.connection.warehouse.url, what=place.warehouse_name)
    pairs = pd.concat([written, _of_methods(ship_methods)], ignore_index=True)
    pairs = pairs.drop_duplicates(["carrier", "service"]).reset_index(drop=True)
    if pairs.empty:
        return [
            *found,
            warning(
                "the warehouse has no carrier yet, neither in wms_shipment nor in wms_ship_method",
                "Run mfn check again once the warehouse has written its first parcels, before mfn confirm.",
            ),
        ]
    pairs = pairs.join(carriers_of(place, pairs))
    pairs = pairs.assign(row=propose_carrier_rows(pairs, place.mappings.accepted_carriers))
    return [*found, *_carrier_findings(place, pairs)]


def _of_methods(ship_methods: pd.DataFrame | None) -> pd.DataFrame:
    """Carriers of active shipping methods; a method may name none."""
    if ship_methods is None:
        return pd.DataFrame({name: pd.Series(dtype="object") for name in ("carrier", "service")}).assign(parcels=0)
    named = ship_methods["is_active"].astype(bool) & ship_methods["carrier"].map(
        lambda text: bool((text or "").strip())
    )
    return ship_methods.loc[named, ["carrier", "service"]].assign(parcels=0)


def _carrier_findings(place: CheckPlace, pairs: pd.DataFrame) -> list[Finding]:
    is_other, is_held = pairs["carrier_warning"].ne(""), pairs["carrier_reason"].ne("")
    fitting = pairs[~is_other & ~is_held]
    found = []
    if len(fitting):
        names = [f"{_name(row)} as {row.carrier_code}" for row in fitting.head(SHOWN).itertuples(index=False)]
        found.append(ok(f"{counted(len(fitting), 'carrier')} known to Amazon: {', '.join(names)}{more(len(fitting))}"))
    path = shown_path(place.settings.mappings / CARRIERS.file)
    for is_wrong, becomes in (
        (is_other, "would be sent as Other, without Amazon's tracking"),
        (is_held, "would be held"),
    ):
        wrong = pairs[is_wrong]
        if wrong.empty:
            continue
        named = ", ".join(_name(row) for row in wrong.head(SHOWN).itertuples(index=False)) + more(len(wrong))
        rows = [row for row in dict.fromkeys(wrong["row"]) if row]
        remedy = f"Map each to Amazon's code in {path}: {'; '.join(rows[:SHOWN])}{more(len(rows))}."
        nameless = f"Have the warehouse fill in carrier in wms_shipment, or map an empty carrier in {path}."
        parcels = counted(int(wrong["parcels"].sum()), "parcel")
        found.append(
            warning(f"{counted(len(wrong), 'carrier')} on {parcels} {becomes}: {named}", remedy if rows else nameless)
        )
    return found


def _name(row: object) -> str:
    carrier, service = getattr(row, "carrier", None), getattr(row, "service", None)
    return " / ".join(repr(text) for text in (carrier, service) if text) or "no carrier"
