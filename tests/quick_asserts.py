"""Assertions as quick as tests need them: rewritten once, before the processes begin that each load every test."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from _pytest.assertion import rewrite
from _pytest.assertion.rewrite import assertstate_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

PROCESSES = 2


def rewritten_beforehand(config: pytest.Config, folder: Path) -> None:
    """Keep the rewritten tests of a folder where pytest keeps them; those that it has are left.

    On a new checkout each of pytest-xdist's processes would do it itself, all of them at the same time.

    Args:
        config: Of the process that starts the others.
        folder: Where the tests are.
    """
    if sys.dont_write_bytecode:
        return
    paths = sorted({*folder.rglob("test_*.py"), *folder.rglob("conftest.py")})
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if not child:
            try:
                _rewrite(config, paths[number::PROCESSES])
            finally:
                os._exit(0)  # what could not be kept is rewritten by whoever loads it
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _rewrite(config: pytest.Config, paths: Sequence[Path]) -> None:
    for path in paths:
        kept = rewrite.get_cache_dir(path) / f"{path.stem}{rewrite.PYC_TAIL}"
        if rewrite._read_pyc(path, kept) is None and rewrite.try_makedirs(kept.parent):
            source_hash, code = rewrite._rewrite_test(path, config)
            rewrite._write_pyc(config.stash[assertstate_key], code, source_hash, kept)
