"""`mfn follow` and `mfn backfill` as a person and a script use them."""

from __future__ import annotations

import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from mfn.cli.application import run
from mfn.ledger.schema import Batch, SearchGap, Watermark
from mfn.moments import iso
from tests.world import an_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Mfn
    from tests.world import World

LOADED = "load us-import"


@pytest.fixture
def heeding_hangups() -> Iterator[None]:
    """Programs that are started heed SIGHUP, also where nohup runs the tests: it has all of them ignore that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heeding_hangups")
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP])
def test_following_goes_on_until_it_is_stopped_and_then_says_what_it_did(world: World, asked: signal.Signals) -> None:
    (order_id,) = world.put(an_order())
    words = [str(Path(sys.executable).with_name("mfn")), "follow", "us", "--json"]
    with Popen(words, stdout=PIPE, stderr=PIPE, text=True) as following:
        assert following.stderr is not None
        seen = next((line for line in following.stderr if LOADED in line), "")
        following.send_signal(asked)
        document, _ = following.communicate()
    assert seen
    assert following.returncode == 0
    assert json.loads(document)["connections"] == ["us"]
    assert json.loads(document)["failed"] == 0
    assert world.statuses() == {order_id: "loaded"}


def test_a_missing_connection_ends_with_2_and_nothing_is_followed(world: World, mfn: Mfn) -> None:
    status, document = mfn("follow", "nowhere")
    assert status == 2
    assert document["remedy"]
    assert world.statuses() == {}


def test_a_backfill_is_recorded_shown_and_not_recorded_twice(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing: dict[str, Any] = {"connection": "us", "after": None, "before": None, "noted": [], "gaps": []}
    assert mfn("backfill", "us") == (0, nothing)
    since = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)
    before = since + timedelta(hours=36)
    words = ("backfill", "us", "--since", since.isoformat(), "--before", before.isoformat())
    status, document = mfn(*words)
    assert (status, document["after"], document["before"]) == (0, iso(since), iso(before))
    assert [(gap["kind"], gap["before"]) for gap in document["gaps"]] == [
        ("backfill", iso(before)),
        ("backfill", iso(since + timedelta(days=1))),
    ]
    assert document["noted"] == [{"after": iso(since), "before": iso(before)}]
    again = mfn(*words)[1]
    assert (again["noted"], again["gaps"]) == ([], document["gaps"])
    assert run(["backfill", "us"]) == 0
    (row,) = [line.split()[:3] for line in capsys.readouterr().out.splitlines() if line.startswith("backfill ")]
    assert row == ["backfill", iso(since), iso(before)]  # days that follow each other are one period
    assert mfn("backfill", "us", "--since", (datetime.now(UTC) + timedelta(days=1)).isoformat())[0] == 2
    assert world.statuses() == {}


EARLIER = timedelta(minutes=20)


def test_repeating_a_backfill_that_reaches_the_imports_after_another_changes_nothing(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    world.run()
    with world.ledger.writing() as database:
        database.execute(update(Watermark).values(before=datetime.now(UTC) - EARLIER))
        database.execute(update(Batch).values(window_before=datetime.now(UTC) - EARLIER))
    words = ("backfill", "us", "--since", (datetime.now(UTC) - timedelta(days=3)).isoformat())
    first = mfn(*words)[1]
    with world.ledger.writing() as database:  # the next import has no call left for it
        database.execute(update(Watermark).values(before=datetime.now(UTC) - EARLIER / 2))
    assert run(words) == 0
    assert "requested before, or already fetched; nothing changed" in capsys.readouterr().out
    assert mfn("backfill", "us")[1]["gaps"] == first["gaps"]


def test_repeating_a_backfill_from_before_the_first_import_changes_nothing(world: World, mfn: Mfn) -> None:
    words = ("backfill", "us", "--since", (datetime.now(UTC) - timedelta(days=3)).isoformat())
    end = datetime.fromisoformat(mfn(*words)[1]["before"])
    with world.ledger.writing() as database:
        (last,) = database.execute(select(SearchGap).where(SearchGap.before == end)).all()
        earlier = {"before": end - EARLIER, "noted_at": last.noted_at - EARLIER}
        database.execute(update(SearchGap).where(SearchGap.gap_id == last.gap_id).values(earlier))
    again = mfn(*words)[1]
    assert (again["noted"], len(again["gaps"])) == ([], 3)


def test_only_the_new_part_of_a_longer_backfill_is_recorded(world: World, mfn: Mfn) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    days = [now - timedelta(days=back) for back in (5, 4, 3, 1)]

    def noted(*words: str) -> list[tuple[datetime, datetime]]:
        parts = mfn("backfill", "us", *words)[1]["noted"]
        return [(datetime.fromisoformat(part["after"]), datetime.fromisoformat(part["before"])) for part in parts]

    assert noted("--since", days[1].isoformat(), "--before", days[2].isoformat()) == [(days[1], days[2])]
    assert noted("--since", days[0].isoformat(), "--before", days[3].isoformat()) == [
        (days[0], days[1]),
        (days[2], days[3]),
    ]
    ((begin, end),) = noted("--since", days[0].isoformat())
    assert (begin, end > now - timedelta(minutes=5)) == (days[3], True)
    assert world.statuses() == {}
