"""How a flow run ends: the state that people see."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefect.states import Completed, Failed

from mfn.errors import MfnError
from mfn.settings import load_settings
from mfn.steps.summaries import failure_of, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect import State


class NothingToDoError(Exception):
    """Ends a flow run before its first step, and says why."""


@dataclass
class Ending:
    """How a flow run ends.

    Attributes:
        batch_id: The batch, once the run has one.
        state: What the flow returns.
    """

    batch_id: str | None = None
    state: State[Any] | None = None


@contextmanager
def ending() -> Iterator[Ending]:
    """Turn what ends a flow run into a state for people: skipped, or failed, with where, why and what to do.

    Unforeseen errors, and what ends a run from outside, are left to Prefect.
    """
    end = Ending()
    try:
        yield end
        if end.batch_id is not None:
            end.state = Completed(message=outcome_of(load_settings(), end.batch_id))
    except NothingToDoError as nothing:
        end.state = Completed(name="Skipped", message=str(nothing))
    except MfnError as error:
        words = f"Nothing was started: {error.message}\n{error.remedy}"
        end.state = Failed(message=failure_of(load_settings(), end.batch_id, error) if end.batch_id else words)


def verdict(names: list[str], failures: list[str | None], *, failed_how: str, nothing: str) -> State[Any]:
    """The state of a flow run that carried out several things: failed if one of them did, with how each failed.

    Args:
        names: What was carried out: batches, or connections.
        failures: How each failed, or None.
        failed_how: What to say of those that failed, e.g. `failed again`.
        nothing: What to say if there were none.
    """
    failed = [failure for failure in failures if failure is not None]
    done = [name for name, failure in zip(names, failures, strict=True) if failure is None]
    if failed:
        tail = [f"Done: {', '.join(done)}."] if done else []
        return Failed(message="\n\n".join([f"{len(failed)} of {len(names)} {failed_how}.", *failed, *tail]))
    return Completed(message=f"Done: {', '.join(done)}." if done else nothing)
