"""The disk is full, or may not be written any more, from the middle of a run on."""

from __future__ import annotations

import resource
import stat
from functools import partial
from typing import TYPE_CHECKING

from tests.faults.matrix.databases import on_each_database, some_commits, struck_at, terminate
from tests.faults.matrix.moments import After, file_of, files_of
from tests.faults.matrix.trials import Fault
from tests.faults.processes import without_privileges

if TYPE_CHECKING:
    from pathlib import Path

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


ON_SQLITE = (
    Fault("the disk is full", some_commits(6), _full),
    Fault("the database may not be written any more", some_commits(5), _forbidden),
    Fault("the reports may not be written", some_commits(2), _reports_forbidden),
)
ON_POSTGRESQL = (Fault("the database may not be written any more", some_commits(3), _read_only),)
