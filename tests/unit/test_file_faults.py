"""Why a file could not be read or written: each cause with its own remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mfn.connections import load_connections
from mfn.errors import ConfigurationError
from mfn.file_faults import REMEDIES, reading_fault, writing_remedy
from mfn.mappings import load_mappings
from mfn.settings import load_settings


def test_each_way_in_which_reading_fails_has_its_own_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("folder").mkdir()
    Path("circle").symlink_to("circle")
    Path("link").symlink_to("moved-away")
    messages = {}
    for name in ("folder", "file/below", "circle", "link", "nothing", "x" * 300):
        with pytest.raises(OSError, match=r"Errno") as failed:
            Path(name).read_text(encoding="utf-8")
        message, messages[name] = reading_fault(Path(name), failed.value)
        assert message.startswith("cannot be read: ")
    assert len(set(messages.values())) == len(messages)
    assert "remove the link link" in messages["link"]


def test_what_this_user_may_not_do_is_reported_with_the_file_concerned(tmp_path: Path) -> None:
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    message, remedy = reading_fault(tmp_path / "rules.yaml", error)
    assert message == "cannot be read: Permission denied."
    assert remedy.startswith(f"Allow this user to read {tmp_path / 'rules.yaml'}")
    assert writing_remedy(error, "Name another one.") == "Name another one."
    assert "Free space" in writing_remedy(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "Name another one.")


def test_no_remedy_is_for_what_this_user_may_not_do() -> None:
    assert {errno.EACCES, errno.EPERM}.isdisjoint(REMEDIES)


@pytest.mark.parametrize("name", ["connections.yaml", "mappings/carriers.csv", "mappings/rules.yaml"])
@pytest.mark.parametrize("is_pipe", [True, False])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, is_pipe: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mappings").mkdir()
    if is_pipe:
        os.mkfifo(name)
    else:
        Path(name).symlink_to("/dev/zero")
    settings = load_settings()
    with pytest.raises(ConfigurationError, match=f"{name}.* it is a pipe, a socket or a device") as refused:
        load_connections(settings) if name == "connections.yaml" else load_mappings(settings.mappings)
    assert "Replace it with a regular file" in f"{refused.value} {refused.value.remedy}"
