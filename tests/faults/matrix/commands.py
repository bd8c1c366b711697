"""A command of `mfn` in a child process, as a schedule or a person runs it, and whether its words are good enough."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mfn.cli.application import run
from tests.faults.matrix.verdicts import Deviation, wrong
from tests.faults.processes import Child, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

UNFORESEEN = ("Traceback", "unexpected error", "failed unexpectedly")
"""What stands in the words of a program that did not foresee what happened."""
BATCH_TO_RERUN = re.compile(r"mfn rerun ([a-z]\S*-\d{8}-\d{6}-[0-9a-f]{6})")


@dataclass(frozen=True)
class Said:
    """How a command ended.

    Attributes:
        status: Its exit status; None where it was killed.
        out: What it printed to stdout.
        err: And to stderr.
    """

    status: int | None
    out: str = ""
    err: str = ""

    @property
    def document(self) -> Any:
        """Its one JSON document; None where there is none."""
        try:
            return json.loads(self.out)
        except ValueError:
            return None

    @property
    def remedies(self) -> list[tuple[str, ...]]:
        """The batches that its remedies say are to be run again, as the words of that command."""
        return [("rerun", batch_id) for batch_id in dict.fromkeys(BATCH_TO_RERUN.findall(self.out))]


def carry_out(words: Sequence[str]) -> tuple[int, str, str]:
    """A command with `--json` in this process: its exit status, and what it printed to stdout and stderr.

    Args:
        words: The words after `mfn`.
    """
    out, err = io.StringIO(), io.StringIO()
    logging.root.handlers[:] = []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([*words, "--json"])
    return status, out.getvalue(), err.getvalue()


def begin(words: Sequence[str], prepare: Callable[[], None] | None = None) -> Child:
    """Let a child begin a command with `--json`.

    Args:
        words: The words after `mfn`.
        prepare: Done in the child before.
    """

    def work() -> tuple[int, str, str]:
        if prepare is not None:
            prepare()
        return carry_out(words)

    return start(work)


def end(child: Child) -> Said:
    """How the command of a child ended; waits for it."""
    ended = child.ended()
    if ended.is_killed:
        return Said(None)
    if ended.error:
        return Said(1, "", f"Traceback: {ended.error}: {ended.message}")
    return Said(*ended.value)


def faults_of(said: Said, allowed: Iterable[int]) -> list[Deviation]:
    """What is wrong with how a command ended; what was killed could say nothing.

    Args:
        said: How it ended.
        allowed: The exit statuses that it may end with.
    """
    if said.status is None:
        return []
    text = f"status {said.status}: {said.out.strip()[-600:]} {said.err.strip()[-600:]}"
    document = said.document
    found = []
    if said.status not in set(allowed):
        found.append(wrong(f"it ended with {text}"))
    if document is None:
        found.append(wrong(f"no document, {text}"))
    elif said.status and not (document.get("error") and document.get("remedy")):
        found.append(wrong(f"no error with its remedy, {text}"))
    if any(word in said.out + said.err for word in UNFORESEEN):
        found.append(wrong(f"unforeseen, {text}"))
    return found
