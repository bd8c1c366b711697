"""Reports as files: private, whole, and at a cost that does not grow with the runs before."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mfn.reports.model import PastRun
from mfn.reports.writing import DAY_RUNS, write_report
from tests.sample_confirm_reports import confirm_quiet
from tests.sample_reports import START, failed_run, ordinary_day, past_runs, quiet_run

if TYPE_CHECKING:
    from pathlib import Path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_page_the_day_and_the_index_are_written_for_the_owner_alone(tmp_path: Path) -> None:
    reports = tmp_path / "home" / "reports"
    page = write_report(reports, ordinary_day(), past_runs(3))
    assert page == reports / "us-import-20261102-091500-a1b2c3.html"
    assert {mode(folder) for folder in (reports, reports / "days")} == {0o700}
    files = [path for path in reports.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {page.name, "index.html", "2026-11-02.html"}
    assert {mode(path) for path in files} == {0o600}


def test_the_index_links_every_run_of_the_day_newest_first_with_this_one_as_it_ended(tmp_path: Path) -> None:
    running = replace(failed_run().as_past_run, status="running")
    write_report(tmp_path, failed_run(), [*past_runs(2), running])
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    linked = [f"{run.batch_id}.html" for run in (failed_run().as_past_run, *reversed(past_runs(2)))]
    places = [index.index(f'href="{name}"') for name in linked]
    assert places == sorted(places)
    assert "running" not in index
    day = (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")
    assert all(f'href="../{name}"' in day for name in linked)


def test_a_run_rewrites_its_own_day_and_nothing_before_it(tmp_path: Path) -> None:
    write_report(tmp_path, ordinary_day(), ())
    before = (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")
    next_day = replace(quiet_run(), batch_id="us-import-20261103-093000-d4e5f6", started_at=START + timedelta(days=1))
    old_run = ordinary_day().as_past_run
    write_report(tmp_path, next_day, [old_run])  # a row of another day is left to that day
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert next_day.batch_id in index
    assert old_run.batch_id not in index
    assert 'href="days/2026-11-02.html"' in index
    assert (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8") == before


def test_an_old_batch_that_is_run_again_changes_its_day_and_leaves_the_index_at_the_newest(tmp_path: Path) -> None:
    next_day = replace(quiet_run(), batch_id="us-import-20261103-093000-d4e5f6", started_at=START + timedelta(days=1))
    write_report(tmp_path, next_day, ())
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    write_report(tmp_path, failed_run(), ())
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == index
    assert failed_run().batch_id in (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")


def test_a_day_links_at_most_thirty_others(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir(parents=True)
    for number in range(1, 400):
        (tmp_path / "days" / f"{(START - timedelta(days=number)).date()}.html").touch()
    write_report(tmp_path, ordinary_day(), ())
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.count('href="days/') == 30
    assert 'href="days/2026-11-01.html"' in index


def test_a_file_that_somebody_put_beside_the_days_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "days").mkdir(parents=True)
    for name in ("2026-11-1x.html", "2026-13-01.html", "2026-11-01.html"):
        (tmp_path / "days" / name).touch()
    write_report(tmp_path, ordinary_day(), ())
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count('href="days/') == 1


def test_the_index_of_a_busy_day_shows_the_newest_fifty_and_links_the_whole_day(tmp_path: Path) -> None:
    runs = [replace(run, started_at=START - timedelta(seconds=n)) for n, run in enumerate(past_runs(250))]
    write_report(tmp_path, ordinary_day(), runs)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert index.count('<td class="fixed"><a') == 50
    assert 'href="days/2026-11-02.html">201 earlier on this day' in index
    assert (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8").count('<td class="fixed"><a') == 251


def test_a_day_with_more_runs_than_its_page_shows_says_where_all_of_them_are(tmp_path: Path) -> None:
    runs = [replace(run, started_at=START - timedelta(seconds=n)) for n, run in enumerate(past_runs(DAY_RUNS))]
    write_report(tmp_path, ordinary_day(), runs)
    day = (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")
    assert "These are the newest runs of this day. All of them: <code>mfn site</code>" in day
    assert "at least 951 earlier on this day" in (tmp_path / "index.html").read_text(encoding="utf-8")
    write_report(tmp_path, ordinary_day(), runs[:-1])
    assert "These are the newest" in (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")
    write_report(tmp_path, ordinary_day(), runs[:-2])
    assert "These are the newest" not in (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")


def test_a_run_that_is_written_twice_has_the_same_page(tmp_path: Path) -> None:
    page = write_report(tmp_path, ordinary_day(), past_runs(3))
    first = {path: path.read_bytes() for path in tmp_path.rglob("*.html")}
    assert write_report(tmp_path, ordinary_day(), past_runs(3)) == page
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.html")} == first


def test_a_page_that_cannot_be_put_in_place_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / f"{ordinary_day().batch_id}.html").mkdir()
    with pytest.raises(OSError, match=ordinary_day().batch_id):
        write_report(tmp_path, ordinary_day(), ())
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []


def cells(index: str, run: PastRun) -> list[str]:
    row = index.split(run.batch_id)[1].split("</tr>", maxsplit=1)[0]
    return re.findall(r'<td class="number[^"]*">([^<]*)</td>', row)


def test_runs_of_every_kind_are_in_the_index_with_the_figures_that_they_have(tmp_path: Path) -> None:
    counts = {"shipments": 9, "sent": 4, "held": 2, "skipped": 0, "failed": 3, "pending": 0}
    confirm = PastRun("us-confirm-20261102-080000-0f0f0f", "us", "confirm", "done", START, counts)
    died = PastRun("eu-confirm-20261102-080000-0f0f0f", "eu", "confirm", "failed", START, {"shipments": 1})
    purge = PastRun("us-purge-20261102-080000-0f0f0f", "us", "purge", "done", START, {"orders": 6, "purged": 4})
    compared = {"orders": 9, "matched": 7, "differing": 2}
    reconcile = PastRun("us-reconcile-20261102-080000-0f0f0f", "us", "reconcile", "done", START, compared)
    write_report(tmp_path, ordinary_day(), [confirm, died, purge, reconcile])
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert cells(index, ordinary_day().as_past_run) == ["138 orders", "117", "5"]
    assert cells(index, confirm) == ["9 parcels", "4", "5"]
    assert cells(index, died) == ["1 parcel", "\N{EN DASH}", "\N{EN DASH}"]
    assert cells(index, purge) == ["6 orders", "4", "\N{EN DASH}"]
    assert cells(index, reconcile) == ["9 orders", "7", "2"]


def test_the_index_leaves_out_runs_that_had_nothing_to_do_but_for_the_newest_and_the_day_has_them_all(
    tmp_path: Path,
) -> None:
    quiet = [
        replace(confirm_quiet().as_past_run, batch_id=f"us-confirm-{n}", started_at=START - timedelta(minutes=5 * n))
        for n in range(200)
    ]
    failed = replace(quiet[70], batch_id="us-confirm-failed", status="failed")
    write_report(tmp_path, ordinary_day(), [*quiet, failed])
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r'<td class="fixed"><a href="([^"]+).html"', index)
    assert shown == [ordinary_day().batch_id, "us-confirm-0", "us-confirm-failed"]
    on_that_day = sum(run.started_at.date() == START.date() for run in quiet) - 1
    assert f"{on_that_day} more on this day</a>, {on_that_day} of them with nothing to do" in index
    day = (tmp_path / "days" / "2026-11-02.html").read_text(encoding="utf-8")
    assert day.count('<td class="fixed"><a') == on_that_day + 3
