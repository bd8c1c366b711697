"""Work in a child process that may be killed: a fork, since importing everything again would take seconds."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import pickle
import signal
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
from sqlalchemy import Connection, Engine, event

from mfn.amazon.transport import library_of
from mfn.errors import MfnError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        value: What its work returned.
        error: The class of what it raised, or an empty text.
        message: The words of it.
        remedy: And what to do.
        exit_code: What `mfn` would have ended with.
        is_killed: Whether it was killed before it could answer.
    """

    value: Any = None
    error: str = ""
    message: str = ""
    remedy: str = ""
    exit_code: int = 0
    is_killed: bool = False


@dataclass
class Child:
    """A child at work.

    Attributes:
        process: Its id.
        answer: Where its answer is read from.
    """

    process: int
    answer: int

    def kill(self) -> None:
        """Kill it; `ended` is still to be asked for."""
        os.kill(self.process, signal.SIGKILL)

    def ended(self) -> Ended:
        """How it ended; waits for it."""
        with os.fdopen(self.answer, "rb") as pipe:
            text = pipe.read()
        _, status = os.waitpid(self.process, 0)
        if os.WIFSIGNALED(status):
            return Ended(is_killed=True)
        answer = pickle.loads(text)
        assert isinstance(answer, Ended), answer
        return answer


def start(work: Callable[[], Any]) -> Child:
    """Let a child begin some work.

    Args:
        work: What to do; what it returns must be picklable.
    """
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the parent's threads (a local Amazon) stay behind
        process = os.fork()
    if process:
        os.close(writer)
        return Child(process, reader)
    try:
        os.close(reader)
        gc.disable()  # it would copy all of the parent's memory
        library_of.cache_clear()  # the parent's connections to Amazon are the parent's
        os.write(writer, pickle.dumps(_answered(work)))
    finally:
        os._exit(0)


def at_once(*works: Callable[[], Any]) -> list[Ended]:
    """Several works, each in a child of its own, at the same time."""
    children = [start(work) for work in works]
    return [child.ended() for child in children]


def wait_until_one_lives(children: list[Child]) -> None:
    """Wait until all children but one have ended; `ended` is still to be asked for."""
    processes = [psutil.Process(child.process) for child in children]
    while sum(process.status() != psutil.STATUS_ZOMBIE for process in processes) > 1:
        os.sched_yield()


def in_child(work: Callable[[], Any]) -> Ended:
    """Some work in a child, to its end."""
    return start(work).ended()


def _answered(work: Callable[[], Any]) -> Ended:
    try:
        return Ended(work())
    except MfnError as error:
        return Ended(None, type(error).__name__, error.message, error.remedy, error.exit_code)
    except BaseException as error:  # noqa: BLE001 - the parent judges it
        return Ended(None, type(error).__name__, str(error), "", 1)


def without_privileges() -> None:
    """Let this process, until it ends, be held to the modes of files, also where the tests run as root."""
    if os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
        nothing = (ctypes.c_uint32 * 6)()
        assert ctypes.CDLL(None).capset(header, nothing) == 0


def on_commit(act: Callable[[int, Connection], None]) -> None:
    """Have something done before each commit that writes, in every database of this process, until it ends.

    Args:
        act: Told the number of the commit, from 1, and its connection.
    """
    numbers = itertools.count(1)

    def committing(connection: Connection) -> None:
        if not connection.get_execution_options().get("mfn_read_only"):
            act(next(numbers), connection)

    event.listen(Engine, "commit", committing)


def die_at_commit(number: int, *, before: bool = False) -> None:
    """Let this process be killed right after its n-th commit, or right before it.

    Args:
        number: Which commit, from 1.
        before: Whether the commit must not happen any more.
    """

    def act(this: int, connection: Connection) -> None:
        if this != number:
            return
        if before:
            os.kill(os.getpid(), signal.SIGKILL)
        commit = connection.dialect.do_commit

        def commit_and_die(raw: Any) -> None:
            commit(raw)
            os.kill(os.getpid(), signal.SIGKILL)

        connection.dialect.do_commit = commit_and_die  # type: ignore[method-assign, assignment]

    on_commit(act)
