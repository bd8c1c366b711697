"""Lists that are longer than a terminal scrolls back: cut there, with a word, and whole wherever they are read on."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from mfn.cli.application import run
from mfn.cli.output import SHOWN_ROWS
from mfn.ledger.schema import Batch, TrackedOrder
from tests.world import an_order

if TYPE_CHECKING:
    from tests.cli.conftest import Mfn
    from tests.world import World

PROGRAM = str(Path(sys.executable).with_name("mfn"))
BATCH, ORDER = re.compile(r"^us-import-\S+", re.MULTILINE), re.compile(r"^\d{3}-\d{7}-\d{7}", re.MULTILINE)


def in_a_terminal(*words: str) -> str:
    """What a command shows in a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([PROGRAM, *words], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # Linux says so once nobody has the terminal open any more
        pass
    os.close(ours)
    assert process.wait() == 0
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def long_history(world: World) -> int:
    """One more run, and one more order, than a terminal shows; all but one order have left. Returns how many."""
    loaded = world.put(an_order())
    world.run()
    with world.ledger.writing() as database:
        batch = database.execute(select(Batch.__table__)).mappings().one()
        order = database.execute(select(TrackedOrder.__table__)).mappings().one()
        older = [timedelta(hours=hours) for hours in range(1, SHOWN_ROWS + 1)]
        database.execute(
            insert(Batch),
            [
                {**batch, "batch_id": f"us-import-{number:05}", "started_at": batch["started_at"] - by}
                for number, by in enumerate(older)
            ],
        )
        database.execute(
            insert(TrackedOrder),
            [
                {
                    **order,
                    "order_id": f"900-0000000-{number:07}",
                    "status": "confirmed",
                    "ship_by": order["ship_by"] - by,
                }
                for number, by in enumerate(older)
            ],
        )
    assert loaded
    return SHOWN_ROWS + 1


def test_a_terminal_shows_the_newest_runs_and_says_where_all_of_them_are(long_history: int) -> None:
    shown = in_a_terminal("batches")
    found = BATCH.findall(shown)
    assert len(found) == long_history - 1
    assert f"us-import-{long_history - 2:05}" not in found, "the oldest one is left out"
    assert f"Only the newest {SHOWN_ROWS} are shown. To see all: mfn batches | less" in shown
    assert "all of them" not in in_a_terminal("batches", "--failed")


def test_a_terminal_shows_the_most_urgent_orders_before_those_that_left_long_ago(
    world: World, long_history: int
) -> None:
    shown = in_a_terminal("orders", "--connection", "us")
    found = ORDER.findall(shown)
    assert len(found) == long_history - 1
    assert world.statuses()[found[0]] == "loaded", "it is the one that has not left yet"
    assert f"Only the {SHOWN_ROWS} most urgent are shown. To see all: mfn orders --connection us | less" in shown


def test_repeated_identical_outcomes_of_an_order_are_one_line_of_its_timeline(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    (order_id,) = world.put(an_order(level="SAME_DAY"))
    for _ in range(3):
        world.run()
    assert [moment["outcome"] for moment in mfn("orders", "show", order_id)[1]["timeline"]] == ["held"] * 3
    capsys.readouterr()
    assert run(["orders", "show", order_id]) == 0
    story = capsys.readouterr().out.split("when (UTC)")[1]
    assert story.count("shipping_method_unmapped") == 1
    assert "held, 3 times" in story


def test_a_pipe_and_a_document_contain_all_of_a_long_list(
    mfn: Mfn, capsys: pytest.CaptureFixture[str], long_history: int
) -> None:
    assert len(mfn("batches")[1]["batches"]) == len(mfn("orders")[1]["orders"]) == long_history
    capsys.readouterr()
    for words, each in ((["batches"], BATCH), (["orders"], ORDER)):
        assert run(words) == 0
        shown = capsys.readouterr().out
        assert len(each.findall(shown)) == long_history
        assert "all of them" not in shown
