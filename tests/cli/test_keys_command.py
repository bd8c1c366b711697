"""`mfn keys` as a person and as a script use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.cli.application import run
from mfn.ledger.encryption import parse_keys
from tests.world import an_order

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Mfn
    from tests.world import World


def test_runs_go_on_after_a_rotation_and_the_document_says_what_was_done(world: World, mfn: Mfn) -> None:
    world.put(an_order(), an_order(recipient=None))
    world.run()
    status, rotation = mfn("keys", "rotate")
    assert status == 0
    assert set(rotation) == {"key_id", "reencrypted", "remaining", "retired"}
    assert (rotation["reencrypted"], rotation["remaining"], len(rotation["retired"])) == (1, 0, 1)
    assert world.run()["still_held"] == 1, "the held order is read under the new key"


def test_a_person_reads_what_comes_next(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.run()
    assert run(["keys", "rotate"]) == 0
    assert f"delete {world.home / '.mfn' / 'keys.retired'}" in capsys.readouterr().out


def test_a_new_key_is_printed_and_written_nowhere(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.run()
    before = {path: path.read_bytes() for path in (world.home / ".mfn").iterdir() if path.is_file()}
    assert run(["keys", "new"]) == 0
    key = capsys.readouterr().out.strip()
    assert mfn("keys", "new")[1]["key"] != key
    assert {path: path.read_bytes() for path in (world.home / ".mfn").iterdir() if path.is_file()} == before
    old = (world.home / ".mfn" / "keys").read_text(encoding="ascii").strip()
    monkeypatch.setenv("MFN_PII_KEYS", old)
    status, document = mfn("keys", "rotate")
    assert (status, "mfn keys new" in document["remedy"]) == (2, True)
    monkeypatch.setenv("MFN_PII_KEYS", f"{key},{old}")
    assert run(["keys", "rotate"]) == 0
    text = capsys.readouterr().out
    assert f"key {parse_keys(key, origin='test')[0].key_id} encrypts everything; " in text
    assert f"retired: {parse_keys(old, origin='test')[0].key_id}\n" in text
    assert ("from MFN_PII_KEYS" in text, "delete" in text) == (True, False)
    assert (world.home / ".mfn" / "keys").read_text(encoding="ascii").strip() == old
