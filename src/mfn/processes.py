"""A process that can be distinguished from a later one with the same id, even after the machine's clock was set."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

START_TOLERANCE_SECONDS = 5.0
"""By how much two readings of a process's start may differ: the clock behind them may be set in between."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROCESSES = Path("/proc/self/ns/pid")


class Started(msgspec.Struct, frozen=True):
    """A process that was started.

    Attributes:
        pid: Its id, which another process may have got since.
        after: How many seconds after the boot of its machine it started, which setting a clock does not change.
        where: Where its id is valid, as `where_numbers_count` returns it.
    """

    pid: int
    after: int
    where: str

    @property
    def process(self) -> psutil.Process | None:
        """The process, if it is alive and its id is valid here."""
        if self.where == where_numbers_count():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(self.pid)
                if (
                    process.status() != psutil.STATUS_ZOMBIE
                    and abs(_after_machine(process) - self.after) <= START_TOLERANCE_SECONDS
                ):
                    return process
        return None


def started(pid: int) -> Started:
    """The record of a process that is running now.

    Args:
        pid: Its id.
    """
    return Started(pid, round(_after_machine(psutil.Process(pid))), where_numbers_count())


def where_numbers_count() -> str:
    """The running kernel and its process namespace; a host name would not do, as two machines may share one."""
    if BOOT_ID.exists() and PROCESSES.exists():
        return f"{BOOT_ID.read_text(encoding='ascii').strip()}/{PROCESSES.readlink().name}"
    return platform.node()


def _after_machine(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()
