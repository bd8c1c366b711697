"""`mfn check` as a person and as a script use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mfn.cli.application import run
from mfn.ledger.passed_checks import has_passed
from mfn.steps.checking.findings import STEPS
from tests.checking.conftest import checked

if TYPE_CHECKING:
    from tests.checking.conftest import Checked
    from tests.cli.conftest import Mfn

__all__ = ["checked"]


@pytest.fixture(autouse=True)
def _no_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Prefect API answers, which is no fault of a connection."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")


def test_warnings_alone_end_with_0_and_the_document_has_every_step(checked: Checked, mfn: Mfn) -> None:
    status, document = mfn("check", "us")
    assert status == 0
    assert "error" not in document
    assert document["resumed"] == []
    assert document["connections"] == ["us"]
    assert [step["name"] for step in document["steps"]] == list(STEPS)
    assert {step["connection"] for step in document["steps"]} == {"us"}
    assert {step["status"] for step in document["steps"]} == {"ok", "warning"}
    assert all(bool(step["remedy"]) == (step["status"] != "ok") for step in document["steps"])
    assert all(step["detail"] and step["findings"] for step in document["steps"])


def test_every_connection_is_checked_and_a_failed_one_ends_with_1(checked: Checked, mfn: Mfn) -> None:
    checked.world.add_connection("ca", marketplaces="[CA]")
    status, document = mfn("check")
    assert status == 1
    assert document["connections"] == ["us", "ca"]
    failed = [(step["name"], step["connection"]) for step in document["steps"] if step["status"] == "failed"]
    assert ("credentials and marketplaces", "ca") in failed
    assert {connection for _, connection in failed} == {"ca"}
    assert "credentials and marketplaces of ca" in document["error"]
    assert document["remedy"]
    assert has_passed(checked.world.ledger, "us")
    assert not has_passed(checked.world.ledger, "ca")


def test_an_unknown_name_and_a_wrong_file_end_with_2(checked: Checked, mfn: Mfn) -> None:
    status, document = mfn("check", "eu")
    assert status == 2
    assert "no connection 'eu'" in document["error"]
    (checked.world.home / "connections.yaml").write_text("connections: 7\n", encoding="utf-8")
    status, document = mfn("check")
    assert status == 2
    assert document["remedy"]
    assert not checked.world.amazon.calls


def test_a_person_reads_a_sign_and_a_word_for_each_step_with_what_to_do(
    checked: Checked, capsys: pytest.CaptureFixture[str]
) -> None:
    checked.world.amazon.sells_in = ()
    assert run(["check", "us"]) == 1
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert "✓ 5 API access: ok" in lines
    assert "! 9 inventory: warning" in lines
    assert "✗ 4 credentials and marketplaces: failed" in lines
    assert "    ✗ the account does not sell in US; it sells in none" in lines
    assert "      what to do: Correct marketplaces of us in connections.yaml" in shown
    assert lines[-1].startswith("us: not passed (")
    assert "\x1b[" not in shown


def test_a_person_reads_how_to_start_the_schedules(checked: Checked, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "us"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "us: passed (7 ok, 2 warning)"
    assert lines[-1] == "us: mfn deploy or mfn up starts the schedules, unless they are already active"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it takes a device that is always full")
def test_a_closed_pipe_does_not_stop_a_check_and_a_full_disk_is_reported(checked: Checked) -> None:
    words = [str(Path(sys.executable).with_name("mfn")), "check"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as checking:
        assert checking.stdout is not None
        assert checking.stderr is not None
        checking.stdout.close()
        assert (checking.stderr.read(), checking.wait()) == ("", 0)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written to stdout: No space left on device" in done.stderr
