"""What a flow holds while it runs: the lease and the batch; and its name in the Prefect UI."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from mfn.settings import load_settings
from mfn.steps.runs import import_run, rerun_of, was_just_fetched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mfn.models import BatchRef


@contextmanager
def import_batch(connection: str, *, since: datetime | None, order_id: str | None, dry_run: bool) -> Iterator[BatchRef]:
    """Hold the lease of a connection's imports, and a batch to work on; see `mfn.steps.runs.import_run`."""
    with import_run(load_settings(), connection, since=since, order_id=order_id, dry_run=dry_run) as batch:
        yield batch


@contextmanager
def batch_again(batch_id: str, *, from_stage: str | None) -> Iterator[BatchRef]:
    """Hold the lease of a batch that exists; see `mfn.steps.runs.rerun_of`."""
    with rerun_of(load_settings(), batch_id, from_stage=from_stage) as batch:
        yield batch
