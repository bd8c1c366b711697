"""The steps of each kind of run, in order, and how one of them is carried out."""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from mfn.errors import LeaseLostError, MfnError
from mfn.ledger.batch_failures import record_failure
from mfn.ledger.batches import OPENED, update_batch
from mfn.ledger.opening import open_ledger
from mfn.ledger.orders import count_outcomes, figures_of
from mfn.models import STAGES
from mfn.steps.confirming.collect import collect
from mfn.steps.confirming.confirm import confirm
from mfn.steps.confirming.normalize import normalize
from mfn.steps.confirming.verify import verify
from mfn.steps.importing.extract import extract
from mfn.steps.importing.load import load
from mfn.steps.importing.transform import transform
from mfn.steps.importing.validate import validate
from mfn.steps.privacy.purge import purge
from mfn.steps.privacy.scrub import scrub
from mfn.steps.reconciling.compare import compare as compare_orders
from mfn.steps.reconciling.search import search
from mfn.steps.stock.compare import compare
from mfn.steps.stock.push import push
from mfn.steps.stock.read import read
from mfn.steps.stock.verify import verify as verify_stock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mfn.models import BatchKind, BatchRef
    from mfn.settings import Settings

    Step = Callable[[BatchRef, Settings], BatchRef]

log = logging.getLogger(__name__)

IMPORT_STEPS: tuple[Step, ...] = (extract, validate, transform, load)
"""The report follows in any case, as it does for the other kinds."""

CONFIRM_STEPS: tuple[Step, ...] = (collect, normalize, confirm, verify)

INVENTORY_STEPS: tuple[Step, ...] = (read, compare, push, verify_stock)

PURGE_STEPS: tuple[Step, ...] = (purge, scrub)

RECONCILE_STEPS: tuple[Step, ...] = (search, compare_orders)

STEPS: dict[BatchKind, tuple[Step, ...]] = {
    "import": IMPORT_STEPS,
    "confirm": CONFIRM_STEPS,
    "inventory": INVENTORY_STEPS,
    "reconcile": RECONCILE_STEPS,
    "purge": PURGE_STEPS,
}


ALLOCATED_AT_ONCE = 500_000
"""How many new objects make Python search for cycles; its default of 700 suits small programs."""


def is_finished(step: Step, batch: BatchRef) -> bool:
    """Whether a step of a batch, one of its kind, has been finished by an earlier run of it."""
    names = STAGES[batch.kind]
    return batch.stage != OPENED and names.index(step.__name__) <= names.index(batch.stage)


def perform(step: Step, batch: BatchRef, settings: Settings) -> BatchRef:
    """Carry out one step, and record in the ledger that it was finished, or why it failed.

    Args:
        step: One of the steps of the batch's kind.
        batch: The batch.
        settings: The settings in force.

    Raises:
        LeaseLostError: Another run has taken over the batch; whatever went wrong here is that run's doing.
        MfnError: What the step raised.
    """
    ledger = open_ledger(settings)
    try:
        with modules_at_rest():
            done = step(batch, settings)
        with ledger.writing() as database:
            update_batch(database, done, stage=step.__name__, status="running", error=None, remedy=None)
    except MfnError as error:
        _record(settings, batch, error.message, error.remedy)
        raise
    except Exception as error:
        _record(
            settings,
            batch,
            f"{step.__name__} failed unexpectedly: {type(error).__name__}.",
            "Run it with --debug and report what it prints.",
        )
        raise
    except BaseException:  # Ctrl-C, or what Prefect makes of SIGTERM
        with suppress(LeaseLostError):
            _record(settings, batch, f"interrupted in {step.__name__}.", "The next run resumes it.")
        raise
    figures = ", ".join(f"{name} {count}" for name, count in done.counts.items())
    log.info("%s %s: %s", step.__name__, batch.batch_id, figures)
    return replace(done, stage=step.__name__)


@contextmanager
def modules_at_rest() -> Iterator[None]:
    """Exempt everything loaded so far from Python's search for reference cycles, and let the search run less often.

    A chunk is hundreds of thousands of rows and texts without a cycle; searching them as often as usual takes a tenth
    of the time of a run.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(ALLOCATED_AT_ONCE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _record(settings: Settings, batch: BatchRef, error: str, remedy: str) -> None:
    try:
        ledger = open_ledger(settings)
        decided = figures_of(count_outcomes(ledger, batch.batch_id)) if batch.kind == "import" else {}
        record_failure(ledger, batch, error=error, remedy=remedy, **decided)
    except LeaseLostError:
        raise
    except MfnError as lost:
        # The ledger itself is gone: the next run finds the batch still running, and its lease free.
        log.warning("the failure of %s could not be recorded: %s", batch.batch_id, lost.message)
