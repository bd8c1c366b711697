"""Programs as quick as tests need them: while they load, and later, they look for rubbish a hundredth as often."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE_ALL_ELSE = "import gc\n\ngc.set_threshold(100_000, 20, 100)\n"


@contextmanager
def seldom_tidied() -> Iterator[None]:
    """Let every program in Python that this process starts spend less on rubbish, of which loading leaves none.

    Prefect, pandas and Great Expectations are thousands of classes, which stay: a tenth of what it costs to load them.
    """
    with tempfile.TemporaryDirectory(prefix="mfn-programs-") as folder, pytest.MonkeyPatch.context() as patch:
        (Path(folder) / "sitecustomize.py").write_text(BEFORE_ALL_ELSE, encoding="utf-8")
        patch.setenv("PYTHONPATH", folder, prepend=os.pathsep)
        yield
