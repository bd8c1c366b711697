"""Runs that stall, all of their threads with them, as on a machine that is put to sleep, and wake up much later."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from mfn.amazon.calling import Caller
from mfn.database.engines import engine_for
from mfn.ledger import leases
from tests.faults.processes import on_commit, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from mfn.ledger.opening import Ledger
    from tests.faults.processes import Child, Ended
    from tests.world import World


def stall() -> None:
    """Stop this process with all of its threads, until it is woken."""
    # To this very thread: sent to the process, another one may take it, and this one goes on for a while.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def stall_before(place: Any, function: str, *, call: int = 1) -> None:
    """Let this process stall right before one of its calls of a function, wherever that is: in a class or a module.

    Args:
        place: The class or module.
        function: Its function.
        call: Before which call, from 1.
    """
    original = getattr(place, function)
    calls = 0

    def stall_first(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            stall()
        return original(*arguments, **options)

    setattr(place, function, stall_first)


def stall_before_call(operation: str) -> None:
    """Let this process stall before its first request of an operation, its turn come and nothing sent yet."""
    original = Caller._send
    is_first = True

    def stall_first(caller: Caller, of: str, *arguments: Any) -> Any:
        nonlocal is_first
        if is_first and of == operation:
            is_first = False
            stall()
        return original(caller, of, *arguments)

    Caller._send = stall_first  # type: ignore[method-assign, assignment]


def stall_after_commit(number: int) -> None:
    """Let this process stall right after its n-th commit that writes, counted from 1 over all databases."""

    def act(this: int, connection: Connection) -> None:
        if this != number:
            return
        commit = connection.dialect.do_commit

        def commit_and_stall(raw: Any) -> None:
            connection.dialect.do_commit = commit  # type: ignore[method-assign]
            commit(raw)
            stall()

        connection.dialect.do_commit = commit_and_stall  # type: ignore[method-assign, assignment]

    on_commit(act)


def stalled(prepare: Callable[[], None], run: Callable[[], Any]) -> Child:
    """A run in a process of its own, once it stands still.

    Args:
        prepare: Says in that process where it is to stall.
        run: The run.
    """

    def work() -> Any:
        leases.TRUSTED_SECONDS = 0.0  # no time passes by its own clock: it only seems to stall for long
        prepare()
        return run()

    child = start(work)
    _, status = os.waitpid(child.process, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the run came to its end without getting there"
    return child


def woken(child: Child) -> Ended:
    """How a run ends that goes on where it stood still."""
    os.kill(child.process, signal.SIGCONT)
    return child.ended()


def a_lease_passes(ledger: Ledger) -> None:
    """More time than a lease lasts goes by, in which nobody renews."""
    with ledger.writing() as database:
        database.execute(
            text("UPDATE lease SET expires_at = expires_at - :seconds WHERE expires_at > 0"),
            {"seconds": leases.LEASE_SECONDS + 1},
        )


def put_down(world: World) -> None:
    """Close a world's databases, so that children may be forked."""
    world.ledger.engine.dispose()
    engine_for(world.warehouse_url).dispose()
