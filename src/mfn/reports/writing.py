"""Writing a report where people look for it: a page for each run, one for each day, and the newest day as the index."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import UTC, date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mfn.reports.html import render_index, render_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mfn.reports.model import PastRun, RunReport

SHOWN_DAYS = 30
"""Links to other days on a day's page."""

DAY_RUNS = 1_000
"""Runs on a day's page: all that one connection has. Two hundred have a hundred thousand a day, and each of them would
write as many lines again."""


def write_report(directory: Path, report: RunReport, index_rows: Iterable[PastRun], *, site: str | None = None) -> Path:
    """Writes `<batch id>.html`, the page of its day, and `index.html` when that day is the newest.

    The index is a page a day, `days/2026-11-02.html`: a run rewrites its own day and nothing before it, so what a run
    costs does not grow with the runs before it. Every file is replaced in one step: a reader sees the old page or the
    new one.

    Args:
        directory: Created with mode 0700 if missing; files are 0600.
        report: The run.
        index_rows: The newest runs that started on the same day in UTC, of every connection and kind, `DAY_RUNS` at
            most; others are left out, and this run is put in its place whether it is among them or not.
        site: The report site's address, or None.

    Returns:
        The run's page.

    Raises:
        OSError: The directory cannot be written to.
    """
    days = directory / "days"
    for folder in (directory, days):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    day = report.started_at.astimezone(UTC).date()
    runs = {row.batch_id: row for row in index_rows if row.started_at.astimezone(UTC).date() == day}
    runs[report.batch_id] = report.as_past_run
    rows = sorted(runs.values(), key=lambda row: (row.started_at, row.batch_id), reverse=True)

    page = directory / f"{report.batch_id}.html"
    _replace(page, render_page(report, site=site))
    others = _other_days(days, day)
    shown = partial(render_index, rows, day=day, days=others[:SHOWN_DAYS], is_cut=len(rows) >= DAY_RUNS)
    _replace(days / f"{day}.html", shown(is_newest=False))
    if not others or day > others[0]:
        _replace(directory / "index.html", shown(is_newest=True))
    return page


def _other_days(days: Path, day: date) -> list[date]:
    found = set()
    for path in days.glob("????-??-??.html"):
        with suppress(ValueError):  # a file that somebody else put there is no day
            found.add(date.fromisoformat(path.stem))
    return sorted(found - {day}, reverse=True)


def _replace(path: Path, text: str) -> None:
    # mkstemp makes the file 0600 before anything is in it.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
