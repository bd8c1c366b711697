"""What `mfn up` has running, recorded in MFN_HOME/up.json, so that other commands find it and nothing is orphaned."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import psutil

from mfn.processes import Started  # noqa: TC001 - msgspec reads the types when it runs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mfn.settings import Settings

STOP_SECONDS = 30.0


class Running(msgspec.Struct, frozen=True):
    """One `mfn up`.

    Attributes:
        up: Its own process.
        api: Where Prefect's API is.
        programs: The programs that it started, by name.
    """

    up: Started
    api: str
    programs: dict[str, Started]


def running_here(settings: Settings) -> Running | None:
    """The `mfn up` that runs with this MFN_HOME.

    Args:
        settings: The settings in force.
    """
    known = written_down(settings)
    return known if known is not None and known.up.process is not None else None


def written_down(settings: Settings) -> Running | None:
    """The last `mfn up` with this MFN_HOME, if it still runs or did not end cleanly.

    Args:
        settings: The settings in force.
    """
    with suppress(FileNotFoundError, msgspec.MsgspecError):
        return msgspec.json.decode(_file(settings).read_bytes(), type=Running)
    return None


def write_down(settings: Settings, running: Running) -> None:
    """Record what runs, in a file that only its owner can read.

    Args:
        settings: The settings in force.
        running: What runs.
    """
    path = _file(settings)
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(running))
    draft.replace(path)


def forget(settings: Settings) -> None:
    """Record that nothing runs any more.

    Args:
        settings: The settings in force.
    """
    _file(settings).unlink(missing_ok=True)


def stop_processes(processes: Iterable[psutil.Process]) -> None:
    """Ask processes to end, and kill those that have not done so within `STOP_SECONDS`.

    Args:
        processes: They may have ended already.
    """
    asked = list(dict.fromkeys(processes))  # each only once: a second signal would interrupt a run's own ending
    for process in asked:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(asked, timeout=STOP_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=STOP_SECONDS)


def with_children(process: psutil.Process) -> list[psutil.Process]:
    """A process and everything that it started and that still lives.

    Args:
        process: It may have ended already.
    """
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def flow_runs_of(api: str) -> list[psutil.Process]:
    """The processes of flow runs on this machine that report to a Prefect API, also those whose worker is gone.

    Args:
        api: Where it is.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # another user's
            environ = process.environ()
            if environ.get("PREFECT__FLOW_RUN_ID") and environ.get("PREFECT_API_URL") == api:
                found.append(process)
    return found


def _file(settings: Settings) -> Path:
    return settings.home / "up.json"
