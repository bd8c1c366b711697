"""A process that can be told from a later one with its number, also after somebody has set the machine's clock."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

START_TOLERANCE_SECONDS = 5.0
"""By how much two readings of a process's start may differ: both come from a clock that somebody may set in between."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROCESSES = Path("/proc/self/ns/pid")


class Started(msgspec.Struct, frozen=True):
    """A process that was started.

    Attributes:
        pid: Its number, which another process may have got since.
        after: How many seconds after its machine it began; no clock that is set moves that.
        where: Where its number counts, as `where_numbers_count` tells it.
    """

    pid: int
    after: int
    where: str

    @property
    def process(self) -> psutil.Process | None:
        """The process while it lives, where its number counts here."""
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
    """A process that runs now.

    Args:
        pid: Its number.
    """
    return Started(pid, round(_after_machine(psutil.Process(pid))), where_numbers_count())


def where_numbers_count() -> str:
    """The running kernel and its processes that see each other; two machines may well have the same name."""
    if BOOT_ID.exists() and PROCESSES.exists():
        return f"{BOOT_ID.read_text(encoding='ascii').strip()}/{PROCESSES.readlink().name}"
    return platform.node()


def _after_machine(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()
