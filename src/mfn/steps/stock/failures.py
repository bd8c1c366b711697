"""The errors of a stock run that is not simply done: the warehouse was not believed, or levels failed permanently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.connections import find_connection
from mfn.errors import FatalError
from mfn.steps.stock.judging import losses_in_words

if TYPE_CHECKING:
    from sqlalchemy import Row

    from mfn.settings import Settings


def brake_of(row: Row[Any], settings: Settings) -> FatalError | None:
    """The error of a stock run that sent nothing because the warehouse lost too much; None if it is believed."""
    brake = row.findings.get("brake")
    if not brake or brake["is_forced"]:
        return None
    percent = find_connection(settings, row.connection).inventory.brake_percent
    return FatalError(
        f"the warehouse is not believed: {losses_in_words(brake['losses'])}. Nothing was sent to Amazon.",
        remedy="Check the warehouse's stock; once it is right, the next run sends it. If these figures are right, run"
        f" mfn inventory {row.connection} --force once. inventory.brake_percent in connections.yaml ({percent:g} now)"
        " sets how much may be lost between two runs.",
    )


def level_refusals_of(row: Row[Any]) -> FatalError | None:
    """The error of a stock run in which levels failed permanently; None for one in which none did."""
    failed = row.counts.get("failed", 0)
    if not failed:
        return None
    return FatalError(
        f"{failed} of {row.counts['skus']} stock levels failed: Amazon or a rule refused them; the others were sent.",
        remedy="See the report for the reasons, and correct them in Seller Central or mappings/rules.yaml; the next run"
        " sends them again.",
    )
