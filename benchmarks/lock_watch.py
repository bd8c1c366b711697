"""Who waits for whom in a PostgreSQL database, seen by looking many times a second."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_SECONDS = 0.02
SHOWN_CHARACTERS = 90

LOOK = """
SELECT waiting.application_name, waiting.wait_event_type, waiting.wait_event, left(waiting.query, %s),
    (SELECT max(holding.application_name) FROM pg_stat_activity AS holding
        WHERE waiting.wait_event_type = 'Lock' AND holding.pid = ANY (pg_blocking_pids(waiting.pid)))
FROM pg_stat_activity AS waiting
WHERE waiting.state = 'active' AND waiting.pid <> pg_backend_pid() AND waiting.backend_type = 'client backend'
"""


@dataclass
class Locks:
    """What was seen.

    Attributes:
        looks: How many times it was looked.
        active: Sessions that had a statement under way, counted at each look.
        own: Those of them that waited for a lock of their own process, as a lease's renewal does for its run.
        foreign: Those that waited for a lock of another process, by what they waited for and their statement.
        light: Those that waited for one of the server's own short locks (LWLock), by its name.
    """

    looks: int = 0
    active: int = 0
    own: int = 0
    foreign: Counter[tuple[str, str]] = field(default_factory=Counter)
    light: Counter[str] = field(default_factory=Counter)

    @property
    def foreign_percent(self) -> float:
        """How much of the time of active sessions was waiting for locks of other processes."""
        return 100 * self.foreign.total() / max(1, self.active)


@contextmanager
def lock_watch(url: str) -> Iterator[Locks]:
    """Look until the block ends.

    Args:
        url: A SQLAlchemy URL of the server, with the right to see its sessions. Processes are told apart by their
            `application_name`.
    """
    seen, stop = Locks(), threading.Event()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

    def look_on() -> None:
        with psycopg.connect(plain, autocommit=True) as server:
            while not stop.wait(EVERY_SECONDS):
                _note(seen, server.execute(LOOK, (SHOWN_CHARACTERS,)).fetchall())

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _note(seen: Locks, rows: list[tuple[str, str, str, str, str | None]]) -> None:
    seen.looks += 1
    for waiting, kind, event, statement, holding in rows:
        seen.active += 1
        if kind == "LWLock":
            seen.light[event] += 1
        if kind == "Lock" and holding == waiting:
            seen.own += 1
        elif kind == "Lock" and holding is not None:  # None: it was given back while this looked
            seen.foreign[event, " ".join(statement.split())] += 1
