"""What to do about an error outside a run, where there is no batch to run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.amazon.failures import ASKED_AGAIN, RUN_AGAIN

if TYPE_CHECKING:
    from mfn.errors import MfnError


def remedy_without_batch(error: MfnError, *, command: str) -> str:
    """The remedy of an error for somebody who only looked: what has to be run again is a command like `mfn check`."""
    remedy = error.remedy.replace(RUN_AGAIN, f"Run {command} again in a few minutes.")
    remedy = remedy.replace(ASKED_AGAIN, f"Nothing was sent; run {command} again then.")
    remedy = remedy.replace(" (a batch: mfn rerun --failed)", "")
    return remedy.replace("mfn rerun --failed", f"{command} again")
