"""The flows of the matrix: the command of each, the day that it works on, and who judges what it made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.faults.matrix import import_day

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


FLOWS = {flow.name: flow for flow in (Flow("import", ("import", "us"), import_day.build, import_day.judge),)}
