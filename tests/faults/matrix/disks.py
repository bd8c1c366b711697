"""The disk is full, or becomes read-only, from the middle of a run on."""

from __future__ import annotations

import contextlib
import resource
import shutil
import stat
import subprocess
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.matrix.databases import on_each_database, some_commits, struck_at, terminate
from tests.faults.matrix.moments import After, file_of, files_of
from tests.faults.matrix.stores import PostgresStore
from tests.faults.matrix.trials import Fault
from tests.faults.processes import without_privileges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.faults.matrix.commands import Said
    from tests.faults.matrix.flows import Flow
    from tests.faults.matrix.stage import Stage


def _fill(home: Path, _connection: Connection) -> None:
    """No file may grow beyond the size of the largest one."""
    largest = max(file.stat().st_size for file in home.rglob("*") if file.is_file())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))


def _full(stage: Stage, flow: Flow, point: After) -> list[Said]:
    return struck_at(flow, point, after=partial(_fill, stage.world.home))


def _forbid(connection: Connection) -> None:
    path = file_of(connection)
    for file in files_of(path):
        file.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    connection.engine.dispose()


def _forbidden(stage: Stage, flow: Flow, point: After) -> list[Said]:
    try:
        return struck_at(flow, point, after=_forbid, first=without_privileges)
    finally:
        for path in [stage.world.home, *stage.world.home.rglob("*")]:
            path.chmod(stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if path.is_dir() else 0))


def _reports_forbidden(stage: Stage, flow: Flow, point: After) -> list[Said]:
    def forbid(_connection: Connection) -> None:
        for path in (stage.world.home / ".mfn" / "reports").rglob("*"):
            path.chmod(stat.S_IRUSR | (stat.S_IXUSR if path.is_dir() else 0))
        (stage.world.home / ".mfn" / "reports").chmod(stat.S_IRUSR | stat.S_IXUSR)

    try:
        return struck_at(flow, point, after=forbid, first=without_privileges)
    finally:
        reports = stage.world.home / ".mfn" / "reports"
        for path in [reports, *reports.rglob("*")]:
            path.chmod(stat.S_IRUSR | stat.S_IWUSR | (stat.S_IXUSR if path.is_dir() else 0))


READ_ONLY = "ALTER DATABASE {} SET default_transaction_read_only = on"
WRITABLE = "ALTER DATABASE {} RESET default_transaction_read_only"


def _make_read_only(stage: Stage, _connection: Connection) -> None:
    on_each_database(stage, READ_ONLY)
    terminate(stage)


def _read_only(stage: Stage, flow: Flow, point: After) -> list[Said]:
    try:
        return struck_at(flow, point, before=partial(_make_read_only, stage))
    finally:
        on_each_database(stage, WRITABLE)


FILLED_AT_ONCE = 1 << 16


def _fill_up(disk: Path, _connection: Connection) -> None:
    """Somebody else's file takes all the room that is left."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(FILLED_AT_ONCE)):
            pass


@contextlib.contextmanager
def _on_small_disk(stage: Stage) -> Iterator[Path]:
    """The databases of a trial on a disk of their own, which a server cannot do without privileges."""
    store = stage.store
    assert isinstance(store, PostgresStore)
    with tempfile.TemporaryDirectory(prefix="mfn-disk-", dir="/tmp") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=777", "tmpfs", folder], check=True)
        try:
            space = Path(folder).name.replace("-", "_").lower()
            room = Path(folder) / "room"
            room.mkdir()
            shutil.chown(room, store.data.owner(), store.data.group())
            store.command(f"CREATE TABLESPACE {space} LOCATION '{room}'")
            on_each_database(stage, f"ALTER DATABASE {{}} SET TABLESPACE {space}")
            try:
                yield Path(folder)
            finally:
                (Path(folder) / "filler").unlink(missing_ok=True)
                terminate(stage)
                on_each_database(stage, "ALTER DATABASE {} SET TABLESPACE pg_default")
                store.command(f"DROP TABLESPACE {space}")
        finally:
            subprocess.run(["umount", folder], check=True)


def _server_full(stage: Stage, flow: Flow, point: After) -> list[Said]:
    with _on_small_disk(stage) as disk:
        return struck_at(flow, point, after=partial(_fill_up, disk))


@cache
def may_mount() -> bool:
    """Whether this process may make a small disk."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True)
        return mounted.returncode == 0 and subprocess.run(["umount", folder], check=True).returncode == 0


ON_SQLITE = (
    Fault("the disk is full", some_commits(6), _full),
    Fault("the database becomes read-only", some_commits(5), _forbidden),
    Fault("the reports cannot be written", some_commits(2), _reports_forbidden),
)
ON_POSTGRESQL = (Fault("the database becomes read-only", some_commits(3), _read_only),)
ON_SMALL_DISK = (Fault("the disk is full", some_commits(4), _server_full),)
"""Where `may_mount`."""
