"""A module beside this one, started as a process of its own: what it measures, and the most memory that it had."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import psutil

from benchmarks.goals import ROOT

SAMPLED_SECONDS = 0.05


def measured(module: str, **arguments: Any) -> dict[str, Any]:
    """What a module beside this one measures.

    Args:
        module: Its name; it takes one JSON document as its argument and answers with one.
        arguments: The document.
    """
    return watched(module, **arguments)[0]


def watched(module: str, **arguments: Any) -> tuple[dict[str, Any], float]:
    """What a module beside this one measures, and the most memory that it and its children had together, in MiB.

    What they share is counted for each of them: it is rather too much than too little.

    Args:
        module: As in `measured`.
        arguments: The document.
    """
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{module}", json.dumps(arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        peak, program = 0, psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(program))
            try:
                process.wait(SAMPLED_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        answer = process.stdout.read() if process.stdout else ""
    if process.returncode:
        sys.exit(f"benchmarks.{module} failed; what it said stands above.")
    return json.loads(answer), peak / 2**20


def _resident(program: psutil.Process) -> int:
    total = 0
    try:
        for process in (program, *program.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        return total
    return total
