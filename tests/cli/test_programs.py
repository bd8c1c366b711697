"""Programs that `mfn up` runs, once one of them ends by itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from mfn.cli.prefect_program import wait_for_end
from mfn.cli.programs import Programs

if TYPE_CHECKING:
    from tests.world import World


def test_a_program_that_ends_by_itself_is_reported_on_stderr_and_adds_no_second_document(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.ledger, "its folder is made"
    programs = Programs(world.settings, os.environ, "http://127.0.0.1:1/api")
    programs.start("report-site", [sys.executable, "-c", "raise SystemExit('no room')"])
    with pytest.raises(typer.Exit) as ended:
        wait_for_end(programs)
    assert ended.value.exit_code == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "the report-site exited with status 1: no room" in said.err


def test_a_killed_program_is_reported_as_killed_and_not_by_its_last_output(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.ledger, "its folder is made"
    programs = Programs(world.settings, os.environ, "http://127.0.0.1:1/api")
    dies = "import os, signal; print('all is well', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    programs.start("report-site", [sys.executable, "-c", dies])
    with pytest.raises(typer.Exit) as ended:
        wait_for_end(programs)
    assert ended.value.exit_code == 1
    said = capsys.readouterr()
    assert "the report-site was killed by the signal SIGKILL." in said.err
    assert "all is well" not in said.err
    assert "out of memory" in said.err


def test_programs_are_set_up_to_call_each_other_without_a_proxy(world: World) -> None:
    assert world.ledger, "its folder is made"
    programs = Programs(world.settings, {**os.environ, "HTTP_PROXY": "http://127.0.0.1:1"}, "http://127.0.0.1:1/api")
    programs.start("report-site", [sys.executable, "-c", "import os; print(os.environ['no_proxy'])"])
    programs.wait()
    assert "127.0.0.1" in (programs.logs / "report-site.log").read_text(encoding="utf-8")
