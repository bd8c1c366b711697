"""The flows of the matrix: the command of each, the day that it works on, and who judges what it made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.matrix import confirm_day, import_day, inventory_day, purge_day, reconcile_day, rerun_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.verdicts import Deviation
    from tests.world import World


@dataclass(frozen=True)
class Flow:
    """One flow.

    Attributes:
        name: As the table shows it.
        words: The command, after `mfn`.
        build: Makes the day, and returns what the judge has to know.
        judge: What is not as it has to be, after the last run.
        ends: The exit status of a run that is left alone.
    """

    name: str
    words: tuple[str, ...]
    build: Callable[[World], Any]
    judge: Callable[[Stage], Iterable[Deviation]]
    ends: int = 0


FLOWS = {
    flow.name: flow
    for flow in (
        Flow("import", ("import", "us"), import_day.build, import_day.judge),
        Flow("confirm", ("confirm", "us"), confirm_day.build, confirm_day.judge),
        Flow("inventory", ("inventory", "us"), inventory_day.build, inventory_day.judge),
        Flow("inventory, by feeds", ("inventory", "us"), inventory_day.build_for_feeds, inventory_day.judge),
        Flow("rerun", ("rerun", "--failed"), rerun_day.build, rerun_day.judge),
        Flow("purge", ("purge",), purge_day.build, purge_day.judge),
        Flow("reconcile", ("reconcile", "us"), reconcile_day.build, reconcile_day.judge, ends=1),
    )
}
