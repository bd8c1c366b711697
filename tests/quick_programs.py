"""Programs as quick as tests need them: less looking for rubbish, and a Prefect server's database as it was kept."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = "DATABASE_OF_PREFECT_IN_TESTS"
"""The variable that tells every process of pytest-xdist the same file."""

BEFORE_ALL_ELSE = """\
import gc
import os
import sys

gc.set_threshold(100_000, 20, 100)

KEPT = {database!r}


def begin_with_copy(home):
    import shutil

    path = os.path.join(home, "prefect.db")
    if not os.path.exists(path):
        os.makedirs(home, exist_ok=True)
        shutil.copyfile(KEPT, path)


if sys.orig_argv[2:4] == ["server", "start"] and "PREFECT_HOME" in os.environ and os.path.exists(KEPT):
    if "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in os.environ:
        begin_with_copy(os.environ["PREFECT_HOME"])
"""
"""What Python does at first in every program; a Prefect server's database is made where it would make it itself."""


@contextmanager
def seldom_tidied() -> Iterator[None]:
    """Let every program in Python that this process starts spend less on rubbish, of which loading leaves none.

    Prefect, pandas and Great Expectations are thousands of classes, which stay: a tenth of what it costs to load them.
    """
    with tempfile.TemporaryDirectory(prefix="mfn-programs-") as folder, pytest.MonkeyPatch.context() as patch:
        database = os.environ.get(DATABASE, str(Path(folder) / "prefect.db"))
        patch.setenv(DATABASE, database)
        text = BEFORE_ALL_ELSE.format(database=database)
        (Path(folder) / "sitecustomize.py").write_text(text, encoding="utf-8")
        patch.setenv("PYTHONPATH", folder, prepend=os.pathsep)
        yield


def database_of_prefect() -> Path:
    """With what a Prefect server begins, once it is there."""
    return Path(os.environ[DATABASE])
