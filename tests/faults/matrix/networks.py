"""The network is lost: at each request, for once or for good, before Amazon has done what it was asked, or after."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from mfn.amazon import session
from mfn.simulator.faults import Fault as NetworkFault
from mfn.simulator.server import SimulatorServer
from tests.faults.matrix.commands import Said, begin, end
from tests.faults.matrix.points import spread
from tests.faults.matrix.trials import Fault, MissedError, Rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.matrix.flows import Flow
    from tests.faults.matrix.stage import Stage

PATIENCE_SECONDS = 0.25


class Request(NamedTuple):
    """Which request, from 1, and Amazon's name of it."""

    number: int
    operation: str


def _at_requests(most: int) -> Callable[[Stage, Rehearsal], list[Request]]:
    def points(_stage: Stage, rehearsal: Rehearsal) -> list[Request]:
        every = [Request(number, operation) for number, operation in enumerate(rehearsal.requests, start=1)]
        return spread(every, most)

    return points


def _run(
    stage: Stage,
    flow: Flow,
    point: Request,
    fault: NetworkFault,
    *,
    for_good: bool,
    at_first: Callable[[], None] | None = None,
    prepare: Callable[[], None] | None = None,
) -> list[Said]:
    """A run whose n-th request, or every one from there on, meets a fault; Amazon is well afterwards."""
    faults: Any = stage.world.amazon.faults
    take, count = faults.take, 0

    def taken(operation: str) -> NetworkFault:
        nonlocal count
        count += 1
        if count == point.number and at_first is not None:
            at_first()
        is_struck = count == point.number or (for_good and count > point.number)
        return fault if is_struck else take(operation)

    faults.take = taken
    try:
        said = end(begin(flow.words, prepare))
    finally:
        del faults.take
    if count < point.number:
        raise MissedError(point)
    return [said]


def _lost(fault: NetworkFault, *, for_good: bool) -> Callable[[Stage, Flow, Request], list[Said]]:
    def strike(stage: Stage, flow: Flow, point: Request) -> list[Said]:
        return _run(stage, flow, point, fault, for_good=for_good)

    return strike


def _impatient() -> None:
    """Amazon is given up on after a moment rather than a minute."""
    defaults: Any = session.open_session.__kwdefaults__
    defaults["timeout_seconds"] = PATIENCE_SECONDS


def _silent(stage: Stage, flow: Flow, point: Request) -> list[Said]:
    return _run(stage, flow, point, NetworkFault("hang"), for_good=True, prepare=_impatient)


def _refused(stage: Stage, flow: Flow, point: Request) -> list[Said]:
    """Nobody listens any more from a request on: the run speaks to a server of its own, which ends there."""
    path = stage.world.home / "connections.yaml"
    before = path.read_text(encoding="utf-8")
    with SimulatorServer(stage.world.amazon) as server:
        path.write_text(before.replace(stage.server.endpoint, server.endpoint), encoding="utf-8")
        drop = NetworkFault("drop")
        try:
            return _run(stage, flow, point, drop, for_good=True, at_first=partial(_stop_listening, server))
        finally:
            path.write_text(before, encoding="utf-8")


def _stop_listening(server: SimulatorServer) -> None:
    server._listener.shutdown(socket.SHUT_RDWR)  # closed alone, it would go on in the children, which have it too
    for listening in server._server.servers:
        listening.close()


DROP, DROP_AFTER = NetworkFault("drop"), NetworkFault("drop", after_deed=True)

ON_SQLITE = (
    Fault("one request is lost", _at_requests(5), _lost(DROP, for_good=False)),
    Fault("the network is lost permanently", _at_requests(5), _lost(DROP, for_good=True)),
    Fault("Amazon can no longer be reached", _at_requests(2), _refused),
    Fault("Amazon stops answering", _at_requests(1), _silent),
    Fault("one reply is lost after the request took effect", _at_requests(5), _lost(DROP_AFTER, for_good=False)),
    Fault("every reply is lost after the request took effect", _at_requests(5), _lost(DROP_AFTER, for_good=True)),
)
ON_POSTGRESQL = (
    Fault("the network is lost permanently", _at_requests(3), _lost(DROP, for_good=True)),
    Fault("every reply is lost after the request took effect", _at_requests(3), _lost(DROP_AFTER, for_good=True)),
)
