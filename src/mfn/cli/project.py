"""The folder of the project's flows, tasks and prefect.yaml, and the `prefect` program next to this one."""

from __future__ import annotations

import sys
from pathlib import Path

import mfn
from mfn.errors import ConfigurationError


def project_root() -> Path:
    """The folder with prefect.yaml and flows/: the working directory, or the checkout that mfn is installed from.

    Raises:
        ConfigurationError: Neither has them.
    """
    for folder in (Path.cwd(), Path(mfn.__file__).parents[2]):
        if (folder / "prefect.yaml").is_file() and (folder / "flows").is_dir():
            return folder
    raise ConfigurationError(
        "prefect.yaml and flows/ not found here.", remedy="Run this command in a checkout of mfn, set up by make setup."
    )


def prefect_program() -> str:
    """The path of the `prefect` program that is installed with this one."""
    return str(Path(sys.executable).with_name("prefect"))
