"""How a peer's program ran, and what had arrived when it had ended."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMIT_SECONDS = 420
"""When a run is ended that does not end."""

ERROR = re.compile(r"[\w.]+: ")
LAUNCHER = Path(__file__).with_name("programs.py")


@dataclass(frozen=True)
class Run:
    """One run of a program.

    Attributes:
        status: Its exit status; negative where a signal ended it.
        seconds: How long it took, its start and all it loads included.
        cpu: How many seconds it worked.
        peak_mib: The most memory it had.
        said: Its last words.
        waited: Seconds that it would have waited besides, had its waits not been cut short.
    """

    status: int
    seconds: float
    cpu: float
    peak_mib: float
    said: str
    waited: float = 0.0


@dataclass(frozen=True)
class Arrived:
    """What stands where a peer puts it.

    Attributes:
        items: The ids of the order items of every order that is there for use.
        repeated: Orders of which something is there more than once.
        reasons: Why an order is kept back, for those that are.
        waiting: Orders that are known and not to be shipped: not paid yet, or cancelled.
    """

    items: Mapping[str, frozenset[str]]
    repeated: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()


class Peer(Protocol):
    """One way to get Amazon's orders.

    Attributes:
        name: As the table names it.
        does: What it does with the orders.
    """

    name: str
    does: str

    def prepare(self, folder: Path, endpoint: str) -> None:
        """Make ready what it needs, before the clock runs.

        Args:
            folder: An empty folder of its own.
            endpoint: Base URL of the local Amazon.
        """

    def run(self) -> Run:
        """Run it once, as a schedule would."""

    def arrived(self) -> Arrived:
        """What is there now."""


def run_program(words: Sequence[str], *, cwd: Path, output: Path, environment: Mapping[str, str]) -> Run:
    """Run a program and measure it.

    Args:
        words: The program and its arguments.
        cwd: Where.
        output: The file that gets all it says.
        environment: All of it.
    """
    with output.open("wb") as said:
        done = subprocess.run(
            [sys.executable, "-S", str(LAUNCHER), str(LIMIT_SECONDS), *words],
            cwd=cwd, env=dict(environment), stdout=subprocess.PIPE, stderr=said, check=True,
        )  # fmt: skip
    return Run(**json.loads(done.stdout), said=last_words(output.read_text(encoding="utf-8", errors="replace")))


def last_words(text: str) -> str:
    """The last line that names an error, `KeyError: …`; where none does, the last line."""
    lines = text.strip().splitlines() or [""]
    return next((line for line in reversed(lines) if ERROR.match(line)), lines[-1])
