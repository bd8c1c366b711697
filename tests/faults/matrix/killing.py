"""SIGKILL: right before and right after every commit, and at random moments."""

from __future__ import annotations

import random
import select
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tests.faults.matrix.commands import Said, begin, end
from tests.faults.matrix.stores import SqliteStore
from tests.faults.matrix.trials import Fault, MissedError
from tests.faults.processes import die_at_commit

if TYPE_CHECKING:
    from tests.faults.matrix.flows import Flow
    from tests.faults.matrix.stage import Stage
    from tests.faults.matrix.trials import Rehearsal


class CommitPoint(NamedTuple):
    """One commit, and whether the kill comes before it."""

    number: int
    function: str
    before: bool


class Moment(NamedTuple):
    """A seed, and the share of a run's usual time after which it is killed."""

    seed: int
    seconds: float


def _at_commits(stage: Stage, rehearsal: Rehearsal) -> list[CommitPoint]:
    """Before and after each commit on SQLite; some of these on PostgreSQL, where each takes longer."""
    points = [CommitPoint(row.number, row.function, before) for row in rehearsal.commits for before in (True, False)]
    return points if isinstance(stage.store, SqliteStore) else points[::8] + points[5::16]


def _kill_at_commit(_stage: Stage, flow: Flow, point: CommitPoint) -> list[Said]:
    said = end(begin(flow.words, partial(die_at_commit, point.number, before=point.before)))
    if said.status is not None:
        raise MissedError(point)
    return [said]


def _kill_at_moment(stage: Stage, flow: Flow, point: Moment) -> list[Said]:
    seconds = point.seconds
    for _ in range(4):
        child = begin(flow.words)
        is_answered, _, _ = select.select([child.answer], [], [], seconds)
        child.kill()
        said = end(child)
        if not is_answered and said.status is None:
            return [said]
        stage.put_back()
        seconds /= 2
    raise MissedError(point)


def killing(seeds: int) -> tuple[Fault, ...]:
    """The faults of this kind.

    Args:
        seeds: At how many random moments.
    """

    def moments(_stage: Stage, rehearsal: Rehearsal) -> list[Moment]:
        return [Moment(seed, random.Random(seed).random() * rehearsal.seconds) for seed in range(seeds)]

    return (
        Fault("SIGKILL at a commit", _at_commits, _kill_at_commit),
        Fault("SIGKILL at a random moment", moments, _kill_at_moment),
    )
