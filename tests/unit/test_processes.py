"""A process is known again by its number, its start and where both count, whatever the machine's clock says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil
import pytest

from mfn.processes import started

if TYPE_CHECKING:
    from collections.abc import Callable

PROC = Path("/proc")


def of_an_hour_later(line: str) -> str:
    return f"btime {int(line.split()[1]) + 3600}" if line.startswith("btime") else line


@pytest.fixture
def put_the_clock_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The machine's clock is put on by an hour, as its kernel then shows it: it is told to have started later."""

    def put_on() -> None:
        for entry in PROC.iterdir():
            if entry.name != "stat":
                (tmp_path / entry.name).symlink_to(entry)
        lines = (PROC / "stat").read_text(encoding="ascii").splitlines()
        (tmp_path / "stat").write_text("\n".join(map(of_an_hour_later, lines)), encoding="ascii")
        monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))

    return put_on


def test_a_process_is_known_again_after_the_clock_was_set(put_the_clock_on: Callable[[], None]) -> None:
    this = started(os.getpid())
    before = psutil.boot_time()
    assert this.process == psutil.Process()
    put_the_clock_on()
    assert psutil.boot_time() == before + 3600
    assert this.process is not None


def test_a_process_that_began_at_another_time_or_elsewhere_is_another() -> None:
    this = started(os.getpid())
    assert msgspec.structs.replace(this, after=this.after + 60).process is None
    assert msgspec.structs.replace(this, where="before the machine was started again").process is None
