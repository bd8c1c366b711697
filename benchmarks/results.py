"""What a benchmark found, written down: one form for all of them, so that tables and charts can be made from any.

A run writes `results/NAME-YYYYMMDD-HHMMSS.json`, which stays on the machine. `python -m benchmarks.write_results` makes
`results/NAME.json` of it, which is kept with the code and is what the documents show.
"""

from __future__ import annotations

import math
import os
import platform
import re
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from benchmarks.goals import BUSY_LOAD, ROOT, console, print_goals

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence

    from benchmarks.goals import Goal

RESULTS = Path(__file__).parent / "results"
NAME = re.compile(r"[a-z][a-z0-9_]*")
PACKAGES = (
    "mfn", "cryptography", "great_expectations", "httpx", "msgspec", "numpy", "pandas", "prefect", "psycopg",
    "python-amazon-sp-api", "sqlalchemy",
)  # fmt: skip
"""Packages whose version may move a figure."""

Value = str | int | float | bool | None
Row = dict[str, Value]
"""One line of a table: columns by name, units in the names as everywhere in this project (`seconds`, `peak_mib`)."""


class Machine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it was measured.

    Attributes:
        processors: How many cores.
        processor: What they call themselves; empty where the system does not say.
        memory_gib: How much memory the machine has.
        system: Its operating system.
        load: Its load before the start, from other programs.
    """

    processors: int
    processor: str
    memory_gib: float
    system: str
    load: float


class MeasuredGoal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `benchmarks.goals.Goal`, and whether it is met."""

    name: str
    limit: float
    measured: float
    unit: str
    is_most: bool
    is_met: bool


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a benchmark found.

    Attributes:
        name: The benchmark's, which is its module's: `python -m benchmarks.NAME`.
        at: When it ended; UTC.
        commit: The code's commit; with `+` where files differed from it; empty outside a repository.
        options: What it was told beside its defaults, by name.
        machine: Where.
        versions: Of Python, the packages and the databases.
        rows: What was measured, one flat row each. Rows of several tables have a column `table`.
        goals: What was promised, and what came out.
    """

    name: str
    at: datetime
    commit: str
    options: dict[str, Any]
    machine: Machine
    versions: dict[str, str]
    rows: list[Row]
    goals: list[MeasuredGoal]

    def table(self, name: str) -> list[Row]:
        """The rows of one table, as they were written."""
        return [row for row in self.rows if row.get("table") == name]


def write_result(
    name: str,
    rows: Sequence[Mapping[str, Value]],
    goals: Sequence[Goal],
    *,
    load: float,
    options: Mapping[str, Any] | None = None,
    versions: Mapping[str, str] | None = None,
) -> Path:
    """Print goal, measured, met or not, say when the machine was busy, and write all of it down.

    Args:
        name: The benchmark's: its module's.
        rows: What was measured; flat: texts, numbers, yes and no, None for what does not apply.
        goals: What was promised.
        load: Load of the machine before the start, `os.getloadavg()[0]`.
        options: What it was told beside its defaults: `options_given(parser, arguments)`.
        versions: Of what it used beside Python, SQLite and `PACKAGES`: a database server, a peer.

    Returns:
        The file.

    Raises:
        ValueError: A name that is no module's, a row that is not flat, a number that is none.
    """
    _check(name, rows)
    print_goals(goals)
    if load > BUSY_LOAD:
        console.print(
            f"The machine was busy before the start (load {load:.1f}): measure again when it is idle.", style="bold"
        )
    now = datetime.now(UTC).replace(microsecond=0)
    result = Result(
        name=name,
        at=now,
        commit=_commit(),
        options=dict(options or {}),
        machine=_machine(load),
        versions=_versions() | dict(versions or {}),
        rows=[dict(row) for row in rows],
        goals=[MeasuredGoal(g.name, g.limit, g.measured, g.unit, g.is_most, g.is_met) for g in goals],
    )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{now:%Y%m%d-%H%M%S}.json"
    path.write_bytes(encoded(result))
    console.print(f"written to {path.relative_to(ROOT)}")
    return path


def options_given(parser: ArgumentParser, arguments: Namespace) -> dict[str, Any]:
    """The options that were given and are not what they are by default."""
    return {name: value for name, value in vars(arguments).items() if value != parser.get_default(name)}


def encoded(result: Result) -> bytes:
    """A result as it stands in a file."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def read_result(path: Path) -> Result:
    """A result that was written down.

    Raises:
        msgspec.ValidationError: It has another form.
    """
    return msgspec.json.decode(path.read_bytes(), type=Result)


def runs_of(name: str) -> list[Path]:
    """The runs of a benchmark that this machine has, oldest first."""
    return sorted(RESULTS.glob(f"{name}-*.json"))


def published() -> dict[str, Result]:
    """What the documents show, by the benchmark's name."""
    results = (read_result(path) for path in sorted(RESULTS.glob("*.json")) if NAME.fullmatch(path.stem))
    return {result.name: result for result in results}


def _check(name: str, rows: Sequence[Mapping[str, Value]]) -> None:
    if not NAME.fullmatch(name):
        message = f"{name!r} is no module's name"
        raise ValueError(message)
    for number, row in enumerate(rows):
        for column, value in row.items():
            if not isinstance(value, str | int | float | None) or (
                isinstance(value, float) and not math.isfinite(value)
            ):
                message = f"row {number}, {column}: {value!r} is no text, no number, not yes, no or None"
                raise ValueError(message)


def _machine(load: float) -> Machine:
    memory = psutil.virtual_memory().total / 2**30
    return Machine(os.cpu_count() or 1, _processor(), round(memory, 1), platform.platform(), round(load, 2))


def _processor() -> str:
    source = Path("/proc/cpuinfo")
    text = source.read_text(encoding="utf-8") if source.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return found.group(1).strip() if found else platform.processor()


def _versions() -> dict[str, str]:
    known = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    return known | {package: version(package) for package in PACKAGES}


def _commit() -> str:
    def said(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = said("rev-parse", "--short=12", "HEAD")
    return f"{commit}+" if commit and said("status", "--porcelain", "--", "src") else commit
