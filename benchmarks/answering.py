"""A module as a process of its own that goes on, and answers each line of its input with one."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.goals import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class AnsweringProcess:
    """A module that was started.

    Args:
        process: As `answering` starts it.
        module: Its name, for who reads why it ended.
    """

    def __init__(self, process: subprocess.Popen[str], module: str) -> None:
        self._process = process
        self._module = module

    def ask(self, line: object) -> str:
        """Write it a line, and wait for its answer."""
        print(line, file=self._process.stdin, flush=True)
        return self.answer()

    def answer(self) -> str:
        """The next line that it writes, such as the one with which it begins."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        if not answer:
            sys.exit(f"{self._module} did not start or has stopped; what it said stands above.")
        return answer


@contextmanager
def answering(module: str, *words: str, environ: Mapping[str, str] | None = None) -> Iterator[AnsweringProcess]:
    """A module in a process of its own, until the block ends.

    Args:
        module: Its whole name.
        words: Its arguments.
        environ: What it has in its environment besides.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT, env={**os.environ, **(environ or {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield AnsweringProcess(process, module)
        finally:
            process.terminate()
