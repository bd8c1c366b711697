"""How flow runs and tasks end: in words for people, and with errors that are written for them."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from mfn.errors import ConfigurationError, FatalError, LeaseHeldError, RetriableError
from mfn.models import BatchRef
from mfn.steps.runs import new_run
from tasks.endings import Ending, NothingToDoError, ending, verdict
from tasks.running import named_only
from tasks.runs import held_batch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mfn.models import BatchKind
    from tests.world import World

BATCH = BatchRef("us-1", "us", "import", stage="opened", lease="")


@pytest.mark.parametrize(
    ("failures", "kind", "message"),
    [
        ([], "COMPLETED", "There was none."),
        ([None, None], "COMPLETED", "Done: a, b."),
        ([None, "b broke."], "FAILED", "1 of 2 failed again.\n\nb broke.\n\nDone: a."),
        (["a broke.", "b broke."], "FAILED", "2 of 2 failed again.\n\na broke.\n\nb broke."),
    ],
)
def test_a_run_of_several_things_fails_if_one_does_and_says_how_each_ended(
    failures: list[str | None], kind: str, message: str
) -> None:
    state = verdict(["a", "b"][: len(failures)], failures, failed_how="failed again", nothing="There was none.")
    assert (state.type.value, state.message) == (kind, message)


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (NothingToDoError("It was just done."), "Skipped", "It was just done."),
        (LeaseHeldError("another run.", remedy="Wait."), "Failed", "Nothing was started: another run.\nWait."),
        (ConfigurationError("no file.", remedy="Make it."), "Failed", "Nothing was started: no file.\nMake it."),
    ],
)
def test_an_error_before_the_first_step_becomes_the_state_of_the_flow_run(
    error: Exception, name: str, message: str
) -> None:
    with ending() as end:
        raise error
    state: Any = end.state
    assert (state.is_failed(), state.name, state.message) == (name == "Failed", name, message)


def test_unexpected_errors_are_left_to_prefect_and_without_a_batch_no_state_is_set() -> None:
    with pytest.raises(ValueError, match="odd"), ending():
        raise ValueError("odd")
    with ending() as end:
        pass
    assert end.state is None


@pytest.mark.parametrize("error", [RetriableError("gone.", remedy="Wait."), FatalError("denied.", remedy="Grant it.")])
def test_errors_written_for_people_leave_a_task_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, named_only("load", BATCH):
        raise error
    assert caught.value is error


def test_any_other_error_leaves_a_task_as_its_name_only() -> None:
    with pytest.raises(FatalError) as caught, named_only("load", BATCH):
        raise KeyError("7 Planted Lane")
    assert caught.value.message == "load failed unexpectedly: KeyError."
    assert caught.value.remedy == "Run it by hand to see where: mfn rerun us-1 --debug."
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


def a_flow_run(*, hours: int = 1, is_scheduled: bool = True, run_count: int = 1) -> FlowRunContext:
    """The context of a flow run, as the schedule or a person starts it, that is due so many hours from now."""
    due_at: Any = datetime.now(UTC) + timedelta(hours=hours)
    flow_run = FlowRun(flow_id=uuid4(), auto_scheduled=is_scheduled, run_count=run_count, expected_start_time=due_at)
    return FlowRunContext.model_construct(flow_run=flow_run)


@pytest.mark.parametrize(
    ("kind", "context", "ends"),
    [
        ("import", a_flow_run(), NothingToDoError),
        ("import", a_flow_run(run_count=0), NothingToDoError),
        ("import", a_flow_run(run_count=2), LeaseHeldError),
        ("import", a_flow_run(is_scheduled=False), LeaseHeldError),
        ("import", nullcontext(), LeaseHeldError),
        ("confirm", a_flow_run(), LeaseHeldError),
        ("confirm", a_flow_run(hours=-1), NothingToDoError),  # the one that holds it has begun since
        ("confirm", a_flow_run(hours=-1, is_scheduled=False), LeaseHeldError),
    ],
)
def test_only_scheduled_runs_leave_their_work_to_the_run_that_holds_the_connection(
    world: World, kind: BatchKind, context: AbstractContextManager[Any], ends: type[Exception]
) -> None:
    end = Ending()
    with new_run(world.settings, "us", kind, {}), context, pytest.raises(ends), held_batch(end, "us", kind, {}):
        pass
    assert end.batch_id is None
