"""Reprocessing of the ledger's orders: in waves of parts, each a batch of its own; here one after the other."""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mfn.connections import load_connections
from mfn.errors import ConfigurationError, MfnError, RunFailedError
from mfn.ledger.batch_opening import reopen_batch
from mfn.ledger.batches import get_batch
from mfn.ledger.landing import index_pages
from mfn.ledger.leases import is_held, lease, part_kind, part_lease
from mfn.ledger.opening import open_ledger
from mfn.ledger.orders import UNFINISHED
from mfn.ledger.reprocessing import PART_ORDERS, cut_part, new_plan, unfinished_plan
from mfn.mappings import FILES
from mfn.models import STAGES, SUMMED, BatchRef, OrderStatus
from mfn.steps.rerunning.reprocessed import failed_parts, summary_of_parts
from mfn.steps.runs import carried_out, moment_text
from mfn.steps.waiting import LOOK_AGAIN_SECONDS, imports_at_rest
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from mfn.ledger.opening import Ledger
    from mfn.ledger.reprocessing import Plan
    from mfn.settings import Settings

log = logging.getLogger(__name__)

WAVE_SECONDS = 60.0
"""After this time a wave starts no further part: a waiting import gives up after 300 seconds."""
TURN_SECONDS = 2 * LOOK_AGAIN_SECONDS
"""How long the lease is free between two waves: a run that waits for it tries every second."""
LONGEST_IMPORT_SECONDS = 4 * 3600.0
"""How long a wave waits for an import that is at work."""


def reprocess_parameters(
    *, since: datetime | None = None, before: datetime | None = None, status: str | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """The parameters of a reprocessing, as they are stored with its parts.

    Args:
        since: Only orders that changed at Amazon then or later; without a zone it is UTC.
        before: Only orders that changed at Amazon before then; without a zone it is UTC.
        status: Only orders with this status.
        dry_run: Say what would be loaded again, and change nothing.

    Raises:
        ConfigurationError: There is no such status, or its orders cannot be reprocessed; or nothing lies between since
            and before.
    """
    allowed = [known.value for known in OrderStatus if known not in UNFINISHED]
    if status in UNFINISHED:
        raise ConfigurationError(
            f"{status} orders are not reprocessed, because every import checks all of them again.",
            remedy="Run mfn import CONNECTION: it reads them from Amazon again and loads those that now pass.",
        )
    if status is not None and status not in allowed:
        raise ConfigurationError(f"there is no status {status!r}.", remedy=f"Valid values: {', '.join(allowed)}.")
    asked = {"since": moment_text(since), "before": moment_text(before), "status": status}
    if asked["since"] and asked["before"] and asked["since"] >= asked["before"]:
        raise ConfigurationError("since is not earlier than before.", remedy="Give a later time as before.")
    # Without `dry_run`, rather than with False: imports pick up the orders that failed batches with False have left.
    return {**asked, "dry_run": True} if dry_run else asked


def connections_to_reprocess(settings: Settings, named: Sequence[str]) -> list[str]:
    """The connections to reprocess, each once; all of them if none is named.

    Args:
        settings: The settings in force.
        named: Names of connections.

    Raises:
        ConfigurationError: One of them is not in connections.yaml, or its mappings are wrong.
    """
    chosen = list(dict.fromkeys(named)) or list(load_connections(settings))
    for name in chosen:
        _ = open_workplace(settings, name).mappings  # a fault in the mappings would hold every order
    return chosen


@dataclass
class Reprocessing:
    """The reprocessing of one connection, under its lease `reprocess`.

    Attributes:
        ledger: The open ledger.
        plan: How far it has come.
        left: Parts that were cut before and are not done.
        begun: Parts that this run has begun, in order.
        size: How many orders a part has at most.
    """

    ledger: Ledger
    plan: Plan
    left: list[str]
    begun: list[str] = field(default_factory=list)
    size: int = PART_ORDERS

    @property
    def is_over(self) -> bool:
        """Whether every part has been begun."""
        return self.plan.is_cut and not self.left

    @contextmanager
    def wave(self) -> Iterator[str]:
        """Hold the lease of the connection's imports; yields its token, under which parts work.

        Before every wave but the first it is free for a moment, so that a waiting import gets its turn.

        Raises:
            RetriableError: An import worked on for hours.
        """
        if self.begun:
            time.sleep(TURN_SECONDS)
        name = self.plan.connection
        with imports_at_rest(self.ledger, name, patience_seconds=LONGEST_IMPORT_SECONDS) as token:
            # What an interrupted import has left is indexed here: parts must not do that concurrently.
            index_pages(self.ledger, BatchRef("", name, "import", "", token))
            yield token

    def next_part(self, token: str) -> str | None:
        """The next batch to work on under the token of a wave, or None if none is left."""
        if self.left:
            batch_id: str | None = self.left.pop(0)
        else:
            self.plan, batch_id = cut_part(self.ledger, self.plan, lease=token, size=self.size)
        if batch_id is not None:
            self.begun.append(batch_id)
        return batch_id

    def is_at_work(self, batch_id: str) -> bool:
        """Whether a live process is working on a part."""
        with self.ledger.reading() as database:
            return is_held(database, self.plan.connection, part_kind(batch_id))

    def put_back(self, batch_id: str) -> None:
        """Return a part that nobody has begun, for a later wave."""
        self.begun.remove(batch_id)
        self.left.append(batch_id)


@contextmanager
def reprocessing_of(
    settings: Settings, connection: str, asked: Mapping[str, Any], *, size: int = PART_ORDERS
) -> Iterator[Reprocessing]:
    """Reprocess orders of a connection, exclusively: by an interrupted plan with the same parameters, or a new one.

    A plan that was begun with other mappings is not resumed: the parts of it that are done were done with those.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        asked: What `reprocess_parameters` returned.
        size: How many orders a part has at most.

    Raises:
        LeaseHeldError: Another run processes orders of this connection again.
    """
    ledger = open_ledger(settings)
    asked = {**asked, "mappings": _digest_of_files(settings.mappings)}
    with lease(ledger, connection, "reprocess"):
        found = unfinished_plan(ledger, connection, asked)
        if found is not None:
            log.info("%s: resuming an interrupted run, %d parts of it first", connection, len(found[1]))
        plan, left = found or (new_plan(ledger, connection, asked), [])
        yield Reprocessing(ledger, plan, left, size=size)


def _digest_of_files(directory: Path) -> str:
    """A digest of all mapping files and rules, without other files there, such as an editor's lock."""
    found = [path for name in FILES if (path := directory / name).is_file()]
    contents = [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in found]
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()[:16]


@contextmanager
def part_run(settings: Settings, batch_id: str, lease: str, *, flow_run_id: str | None = None) -> Iterator[BatchRef]:
    """Hold a part, to be worked on from its second stage; the orders that it has loaded before stay loaded.

    Args:
        settings: The settings in force.
        batch_id: The part.
        lease: The token of the wave that it belongs to.
        flow_run_id: The flow run that does so, if Prefect runs it.

    Raises:
        LeaseLostError: The wave has ended.
        LeaseHeldError: Another process works on this part.
        ConfigurationError: There is no such batch.
    """
    ledger = open_ledger(settings)
    row = get_batch(ledger, batch_id)
    with part_lease(ledger, row.connection, batch_id, under=lease) as token:
        yield reopen_batch(ledger, batch_id, lease=token, stage=STAGES["import"][0], flow_run_id=flow_run_id)


def do_part(settings: Settings, batch_id: str, lease: str) -> str | None:
    """Do a part in this process, including its report.

    Args:
        settings: The settings in force.
        batch_id: The part.
        lease: The token of the wave that it belongs to.

    Returns:
        How it failed, or None.
    """
    try:
        done = carried_out(settings, part_run(settings, batch_id, lease))
    except MfnError as error:
        log.warning("%s failed: %s", batch_id, error.message)
        return f"{batch_id}: {error.message}\n{error.remedy}"
    log.info("%s: %s", batch_id, ", ".join(f"{name} {done[name]}" for name in SUMMED["import"]))
    return None


def reprocess(
    settings: Settings, connection: str, asked: Mapping[str, Any], *, size: int = PART_ORDERS
) -> dict[str, Any]:
    """Reprocess orders of a connection, one part after the other, without Prefect.

    Args:
        settings: The settings in force.
        connection: The connection's name.
        asked: What `reprocess_parameters` returned.
        size: How many orders a part has at most.

    Returns:
        As `summary_of_parts`.

    Raises:
        LeaseHeldError: Another run processes orders of this connection again; nothing was started.
        RetriableError: An import was at work for hours, or the ledger could not be reached.
        RunFailedError: Parts failed; the error has what the others did.
    """
    failures: list[str] = []
    with reprocessing_of(settings, connection, asked, size=size) as work:
        while not work.is_over:
            with work.wave() as token:
                ends_at = time.monotonic() + WAVE_SECONDS
                while time.monotonic() < ends_at and (batch_id := work.next_part(token)) is not None:
                    failure = do_part(settings, batch_id, token)
                    if failure is not None:
                        failures.append(failure)
    summary = summary_of_parts(settings, connection, work.begun)
    if failures:
        raise RunFailedError(failed_parts(connection, failures, work.begun), summary)
    return summary
