"""What commands print, wherever it goes: narrow terminals, closed pipes, full disks, other encodings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from mfn.cli.application import run
from mfn.cli.output import print_several
from mfn.errors import ConfigurationError, FatalError, LeaseHeldError
from mfn.ledger.batch_listing import list_batches
from tests.world import an_order

if TYPE_CHECKING:
    from mfn.errors import MfnError
    from tests.world import World

PROGRAM = str(Path(sys.executable).with_name("mfn"))

INTERRUPTED_WHILE_IT_LOADS = """\
import signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # a program that nohup starts ignores this one

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "mfn.cli.check":
            sys.meta_path.remove(self)
            signal.raise_signal(signal.{name})

sys.meta_path.insert(0, Interrupt())
sys.argv = ["mfn", "batches", "--json"]
from mfn.cli import main
main()
"""


def program(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The program as a shell starts it, in the working directory."""
    return subprocess.run([*words], stderr=subprocess.PIPE, text=True, check=False, **options)


@pytest.mark.parametrize("columns", ["120", "80", "30", "0"])
def test_however_narrow_a_terminal_is_it_shows_every_cell_in_full(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    world.write_connections(hold_alarm_percent=0)
    world.put(an_order(level="SAME_DAY"))
    assert run(["import", "us"]) == 1
    (batch,) = list_batches(world.ledger)
    capsys.readouterr()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    assert run(["batches"]) == 0
    shown = capsys.readouterr().out
    assert batch.batch_id in shown
    assert "failed at report" in shown
    assert "".join(batch.error.split()) in "".join(shown.split())
    assert "started" in shown, "the head of the table"


def test_a_terminal_without_a_width_shows_what_is_wrong(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.ledger
    monkeypatch.setenv("COLUMNS", "0")
    assert run(["orders", "show", "nope"]) == 2
    assert "what to do:" in capsys.readouterr().err


def test_a_reader_that_stops_reading_is_no_failure(world: World) -> None:
    world.run()
    for words in (["batches"], ["batches", "--json"]):
        with subprocess.Popen([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
            assert listing.stdout is not None
            assert listing.stderr is not None
            listing.stdout.close()
            assert (listing.stderr.read(), listing.wait()) == (b"", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it takes a device that is always full")
@pytest.mark.parametrize("words", [["batches"], ["batches", "--json"], ["orders", "show", "nope", "--json"]])
def test_a_full_disk_behind_stdout_is_reported_on_stderr(world: World, words: list[str]) -> None:
    world.run()
    with Path("/dev/full").open("w") as full:
        done = program(PROGRAM, *words, stdout=full)
    assert done.returncode == 1
    assert "cannot be written to stdout: No space left on device" in done.stderr
    assert "what to do: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_stdout_is_no_failure(world: World) -> None:
    world.run()
    done = program("sh", "-c", 'exec "$0" batches >&-', PROGRAM)
    assert (done.returncode, done.stderr) == (0, "")


def test_characters_that_the_encoding_of_stdout_lacks_are_spelled_out(world: World) -> None:
    world.put(an_order(level="Ü-😀"))
    world.run()
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = program(PROGRAM, "orders", "show", "MÜG-😀", "--json", stdout=subprocess.PIPE, env=ascii_only)
    assert done.returncode == 2
    assert "MÜG-😀" in json.loads(done.stdout)["error"]
    done = program(PROGRAM, "orders", stdout=subprocess.PIPE, env=ascii_only)
    assert done.returncode == 0
    assert r"\xdc-\U0001f600" in done.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupt_while_the_program_loads_prints_its_document_too(world: World, name: str) -> None:
    script = INTERRUPTED_WHILE_IT_LOADS.replace("{name}", name)
    done = program(sys.executable, "-c", script, stdout=subprocess.PIPE, cwd=world.home)
    assert done.returncode == 1
    assert set(json.loads(done.stdout)) == {"error", "remedy"}
    assert done.stderr == ""


WRONG, HELD = ConfigurationError("wrong", remedy="Mend it."), LeaseHeldError("held", remedy="Wait.")
FAILED = FatalError("failed", remedy="Look.")


@pytest.mark.parametrize(
    ("errors", "of", "status"),
    [
        ([WRONG], 1, 2),
        ([WRONG], 2, 1),
        ([HELD], 2, 3),
        ([WRONG, HELD], 2, 3),
        ([WRONG, HELD, FAILED], 3, 1),
        ([], 2, None),
    ],
)
def test_the_status_of_several_things_says_nothing_was_started_only_if_nothing_was(
    errors: list[MfnError], of: int, status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = None
    try:
        print_several({"things": []}, errors, lambda: None, of=of, as_json=True)
    except typer.Exit as end:
        ended = end.exit_code
    assert ended == status
    assert json.loads(capsys.readouterr().out).get("error") == (errors[0].message if errors else None)
