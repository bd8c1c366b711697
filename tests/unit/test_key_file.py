"""The file with the encryption keys: newest first, one a line, replaced as a whole, for its owner only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.errors import ConfigurationError
from mfn.ledger.encryption import new_key, parse_keys
from mfn.ledger.key_file import put_in_front, retired_file, set_aside

if TYPE_CHECKING:
    from pathlib import Path

KEYS = [new_key() for _ in range(3)]


def id_of(key: str) -> str:
    return parse_keys(key, origin="test")[0].key_id


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file as a person may have written it, with commas and empty lines."""
    file = tmp_path / "keys"
    file.write_text(f"{KEYS[0]}, {KEYS[1]}\n\n", encoding="ascii")
    file.chmod(0o600)
    return file


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_new_key_comes_first_and_the_file_remains_its_owners(path: Path, mode: int) -> None:
    path.chmod(mode)
    put_in_front(path, KEYS[2])
    assert lines(path) == [KEYS[2], KEYS[0], KEYS[1]]
    assert path.stat().st_mode & 0o777 == mode
    assert [found.name for found in path.parent.iterdir()] == ["keys"]


def test_all_keys_but_one_are_set_aside_with_those_of_before_behind_them(path: Path) -> None:
    assert set_aside(path, id_of(KEYS[0])) == (id_of(KEYS[1]),)
    put_in_front(path, KEYS[2])
    assert set_aside(path, id_of(KEYS[2])) == (id_of(KEYS[0]),)
    assert lines(path) == [KEYS[2]]
    assert lines(retired_file(path)) == [KEYS[0], KEYS[1]]
    assert retired_file(path).stat().st_mode & 0o777 == 0o600
    assert set_aside(path, id_of(KEYS[2])) == ()


def test_what_was_set_aside_before_it_was_broken_off_is_not_set_aside_twice(path: Path) -> None:
    before = path.read_bytes()
    set_aside(path, id_of(KEYS[0]))
    path.write_bytes(before)
    assert set_aside(path, id_of(KEYS[0])) == (id_of(KEYS[1]),)
    assert lines(retired_file(path)) == [KEYS[1]]


def test_a_link_to_the_keys_stays_a_link(path: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    link = home / "keys"
    link.symlink_to(path)
    put_in_front(link, KEYS[2])
    assert link.is_symlink()
    assert lines(path) == [KEYS[2], KEYS[0], KEYS[1]]


def test_a_disk_that_is_full_leaves_the_file_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: int) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(ConfigurationError, match=r"cannot be stored in .*: No space left on device"):
        put_in_front(path, KEYS[2])
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == ["keys"]
