"""The checks of a confirm run: Great Expectations over the parcels about to be confirmed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.ledger.orders import reasons_text
from mfn.mappings.tables import OTHER
from mfn.models import ParcelStatus, Reason
from mfn.quality.parcels import PARCELS
from mfn.quality.runner import check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mfn.models import BatchRef
    from mfn.quality.model import QualityReport

REMEDY = (
    "Correct the source of the value: a rule in mappings/rules.yaml, a row in mappings/carriers.csv, or the warehouse."
)


def check_parcels(
    batch: BatchRef,
    parcels: pd.DataFrame,
    faults: pd.DataFrame,
    changes: Sequence[Mapping[str, Any]],
    accepted_carriers: pd.DataFrame,
) -> tuple[list[dict[str, Any]], QualityReport | None]:
    """Check the parcels that are due in this run before they are confirmed.

    The checks find what the verdict holds, too, for the report; what only they find is held as well. Parcels that an
    earlier run held or refused, and that still are, are not due; nor are skipped ones. If nothing is due, Great
    Expectations is not loaded: that takes five seconds.

    Args:
        batch: The batch.
        parcels: The examined parcels, as the verdict saw them.
        faults: What keeps parcels back, as `mfn.rules.parcels.parcel_items` returns it.
        changes: The change of each parcel in the ledger, in the order of the parcels.
        accepted_carriers: `Mappings.accepted_carriers`.

    Returns:
        The changes, with what the checks hold; and what the checks found, None if nothing was due.

    Raises:
        FatalError: A check that holds parcels could not run: nothing may be confirmed unchecked.
    """
    is_due = [change["batch_id"] == batch.batch_id and change["status"] != ParcelStatus.SKIPPED for change in changes]
    if not any(is_due):
        return [dict(change) for change in changes], None
    codes = faults.groupby("shipment_id")["code"].agg(tuple)
    pending = {change["shipment_id"]: change for change in changes if change["status"] == ParcelStatus.PENDING}
    ids = parcels["shipment_id"]
    references = [pending[each]["package_reference_id"] if each in pending else None for each in ids]
    accepted = [OTHER, *accepted_carriers["carrier_code"]]  # the file may be missing
    frame = parcels.assign(
        fault_codes=[codes.get(each, ()) for each in ids],
        is_carrier_accepted=parcels["carrier_code"].isin(accepted),
        package_reference_id=pd.Series(references, index=parcels.index, dtype="object"),
        is_late=parcels["ship_by"] < datetime.now(UTC),
    )[is_due]
    report, hits = check([(PARCELS, frame)])
    report.assert_ran("parcels", undone="Nothing was confirmed to Amazon.")
    meanings = {rule.code: rule.meaning for rule in PARCELS.rules if rule.severity == "critical"}
    holding = hits[hits["severity"] == "critical"].groupby("row")["code"].unique().to_dict()
    checked = [dict(change) for change in changes]
    for row, change in zip(parcels.index, checked, strict=True):
        if row in holding and change["status"] == ParcelStatus.PENDING:
            reasons = [Reason(code, f"expected: {meanings[code]}", REMEDY) for code in holding[row]]
            change.update(status=ParcelStatus.HELD.value, reasons=reasons_text(reasons))
    return checked, report
