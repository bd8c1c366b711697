"""Trials: a flow under one fault at one point, run again, and judged."""

from __future__ import annotations

import mmap
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.faults.matrix.commands import begin, carry_out, end, faults_of
from tests.faults.matrix.points import spread
from tests.faults.matrix.stage import open_stage
from tests.faults.matrix.verdicts import wrong
from tests.faults.processes import in_child
from tests.faults.test_killed import Commit, commits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.faults.matrix.commands import Said
    from tests.faults.matrix.flows import Flow
    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.verdicts import Deviation

FAILED = (0, 1, 2, 3)
"""What a run under a fault may end with: it got over it, or it says what to do."""


class MissedError(Exception):
    """A fault did not strike, so that its trial says nothing."""


class Struck:
    """Whether a fault has struck, told between a child and its parent."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def note(self) -> None:
        """It has."""
        self._memory[0] = 1

    def __bool__(self) -> bool:
        return self._memory[0] == 1


@dataclass(frozen=True)
class Rehearsal:
    """What a run of a flow does that is left alone.

    Attributes:
        commits: Its commits.
        requests: Its requests to Amazon, by Amazon's names.
        seconds: How long it takes.
    """

    commits: tuple[Commit, ...]
    requests: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: As the table shows it.
        points: Where it is to strike, in a flow that does what the rehearsal says.
        strike: Runs the flow on a stage, strikes at a point, repairs what it broke, and returns how the commands ended.
    """

    name: str
    points: Callable[[Stage, Rehearsal], Sequence[Any]]
    strike: Callable[[Stage, Flow, Any], list[Said]]


@dataclass(frozen=True)
class Trial:
    """What a flow made of one fault.

    Attributes:
        flow: Its name.
        fault: Its name.
        database: `sqlite` or `postgresql`.
        point: Where it struck.
        deviations: How the world differed from what it has to be, after the next run.
        has_struck: Whether the fault struck at all; else the trial says nothing.
    """

    flow: str
    fault: str
    database: str
    point: str
    deviations: tuple[Deviation, ...] = ()
    has_struck: bool = True


def rehearse(stage: Stage, flow: Flow) -> Rehearsal:
    """A run that is left alone; it must be faultless, or the trials would tell nothing.

    Args:
        stage: The stage.
        flow: The flow.
    """
    stage.put_back()
    begun, earlier = time.monotonic(), len(stage.world.amazon.calls)
    said = end(begin(flow.words))
    seconds = time.monotonic() - begun
    requests = tuple(call.operation for call in stage.world.amazon.calls[earlier:])
    found = [*faults_of(said, [flow.ends]), *flow.judge(stage)]
    assert not found, (flow.name, found)
    stage.put_back()
    commits = in_child(partial(commits_of, partial(carry_out, flow.words)))
    assert not commits.error, commits
    return Rehearsal(tuple(commits.value), requests, seconds)


def attempt(stage: Stage, flow: Flow, fault: Fault, point: Any) -> list[Deviation]:
    """One trial: the fault, what the remedy says, the next run, the judge.

    Args:
        stage: The stage.
        flow: The flow.
        fault: The fault.
        point: One of its points.

    Raises:
        MissedError: The fault did not strike.
    """
    stage.put_back()
    broken = fault.strike(stage, flow, point)
    found = [deviation for said in broken for deviation in faults_of(said, FAILED)]
    for words in dict.fromkeys(words for said in broken for words in said.remedies):
        found += faults_of(end(begin(words)), [flow.ends])
    again = end(begin(flow.words))
    found += faults_of(again, [flow.ends])
    try:
        found += flow.judge(stage)
    except Exception as error:  # noqa: BLE001 - what cannot even be judged is not as it has to be
        found.append(wrong(f"it cannot be judged: {type(error).__name__}: {error}"))
    return found


def trials(
    flow: Flow,
    faults: Iterable[Fault],
    *,
    database: str,
    server_url: str | None,
    share: tuple[int, int] = (0, 1),
    most: int = sys.maxsize,
) -> Iterator[Trial]:
    """Every trial of a flow on one kind of database, or a share of them.

    Args:
        flow: The flow.
        faults: The faults.
        database: `sqlite` or `postgresql`.
        server_url: The PostgreSQL server; None: SQLite.
        share: Which of how many shares.
        most: At how many points of each fault, evenly over all of them.

    """
    number, shares = share
    with open_stage(flow.build, server_url) as stage:
        rehearsal = rehearse(stage, flow)
        everything = [(fault, point) for fault in faults for point in spread(fault.points(stage, rehearsal), most)]
        for fault, point in everything[number::shares]:
            has_struck, found = True, []
            try:
                found = attempt(stage, flow, fault, point)
            except MissedError:
                has_struck = False
            except Exception as error:  # noqa: BLE001 - the other trials go on, and this one is not survived
                found = [wrong(f"the trial broke: {type(error).__name__}: {error}")]
            yield Trial(flow.name, fault.name, database, str(point), tuple(found), has_struck)
