"""Two copies of one flow at once, as two machines with one schedule make them; and one of the two killed."""

from __future__ import annotations

import random
import select
from typing import TYPE_CHECKING

from tests.faults.matrix.commands import Said, begin, end
from tests.faults.matrix.killing import Moment
from tests.faults.matrix.trials import Fault

if TYPE_CHECKING:
    from tests.faults.matrix.flows import Flow
    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.trials import Rehearsal


def _two(_stage: Stage, flow: Flow, point: Moment) -> list[Said]:
    first = begin(flow.words)
    select.select([first.answer], [], [], point.seconds)
    second = begin(flow.words)
    return [end(first), end(second)]


def _two_one_killed(_stage: Stage, flow: Flow, point: Moment) -> list[Said]:
    first, second = begin(flow.words), begin(flow.words)
    select.select([first.answer], [], [], point.seconds)
    first.kill()
    return [end(first), end(second)]


def twice(seeds: int) -> tuple[Fault, ...]:
    """The faults of this kind.

    Args:
        seeds: How often each.
    """

    def moments(_stage: Stage, rehearsal: Rehearsal) -> list[Moment]:
        # The seeds of those that are killed alone begin at 0: these are others.
        return [Moment(seed, random.Random(seed).random() * rehearsal.seconds) for seed in range(1000, 1000 + seeds)]

    return (
        Fault("two copies at once", moments, _two),
        Fault("two copies at once, one killed", moments, _two_one_killed),
    )
