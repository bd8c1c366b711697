"""`mfn follow` and `mfn backfill` as a person and a script use them."""

from __future__ import annotations

import json
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING

from mfn.cli.application import run
from tests.world import an_order

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Mfn
    from tests.world import World

LOADED = "load us-import"


def test_following_goes_on_until_it_is_asked_to_end_and_then_says_what_it_did(world: World) -> None:
    (order_id,) = world.put(an_order())
    words = [str(Path(sys.executable).with_name("mfn")), "follow", "us", "--json"]
    with Popen(words, stdout=PIPE, stderr=PIPE, text=True) as following:
        assert following.stderr is not None
        seen = next((line for line in following.stderr if LOADED in line), "")
        following.send_signal(signal.SIGTERM)
        document, _ = following.communicate()
    assert seen
    assert following.returncode == 0
    assert json.loads(document)["connections"] == ["us"]
    assert json.loads(document)["failed"] == 0
    assert world.statuses() == {order_id: "loaded"}


def test_a_connection_that_is_not_there_is_2_and_nothing_is_followed(world: World, mfn: Mfn) -> None:
    status, document = mfn("follow", "nowhere")
    assert status == 2
    assert document["remedy"]
    assert world.statuses() == {}


def test_a_backfill_is_noted_shown_and_not_noted_twice(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mfn("backfill", "us") == (0, {"connection": "us", "after": None, "before": None, "gaps": []})
    since = (datetime.now(UTC) - timedelta(days=3)).replace(microsecond=0)
    before = since + timedelta(hours=36)
    words = ("backfill", "us", "--since", since.isoformat(), "--before", before.isoformat())
    status, document = mfn(*words)
    assert (status, document["after"], document["before"]) == (0, since.isoformat(), before.isoformat())
    assert [(gap["kind"], gap["before"]) for gap in document["gaps"]] == [
        ("backfill", before.isoformat()),
        ("backfill", (since + timedelta(days=1)).isoformat()),
    ]
    assert mfn(*words)[1]["gaps"] == document["gaps"]
    assert run(["backfill", "us"]) == 0
    assert "backfill" in capsys.readouterr().out
    assert mfn("backfill", "us", "--since", (datetime.now(UTC) + timedelta(days=1)).isoformat())[0] == 2
    assert world.statuses() == {}
