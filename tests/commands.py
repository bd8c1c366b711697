"""Commands of `mfn` in the tests' own process, where nothing depends on a program: to start one takes a second."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.matrix.commands import carry_out

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def mfn(*words: str, folder: Path, environ: Mapping[str, str]) -> tuple[int, Any]:
    """How a command with `--json` ends: its exit status, and the document that it prints.

    Args:
        words: The words after `mfn`.
        folder: Where it is called.
        environ: Its whole environment.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(logging.root, "handlers", [])
        for name in os.environ.keys() - environ.keys():
            patch.delenv(name)
        for name, text in environ.items():
            patch.setenv(name, text)
        status, out, _ = carry_out(words)
    return status, json.loads(out)
