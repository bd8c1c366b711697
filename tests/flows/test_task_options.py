"""How the tasks run: nothing of a run is kept or taken from an earlier one, and only steps are tried again."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prefect import Task
from prefect.cache_policies import NO_CACHE

import tasks
from mfn.models import STAGES
from tasks.running import is_retriable

FOLDER = Path(str(tasks.__file__)).parent
MODULES = [import_module(f"tasks.{path.stem}") for path in sorted(FOLDER.glob("*.py")) if path.stem != "__init__"]
TASKS: dict[str, Task[Any, Any]] = {
    task.name: task for module in MODULES for task in vars(module).values() if isinstance(task, Task)
}
STEPS = {stage for stages in STAGES.values() for stage in stages}
OTHERS = {"follow": "connection", "reprocess": "connection", "rerun": "batch_id", "report": "batch.batch_id"}
OTHERS |= {"part": "part.batch_id"}


def test_every_step_is_a_task_and_so_is_the_work_around_them() -> None:
    assert TASKS.keys() == STEPS | OTHERS.keys()


@pytest.mark.parametrize("name", sorted(STEPS | OTHERS.keys()))
def test_a_task_is_named_after_its_work_stores_nothing_and_is_retried_only_if_it_is_a_step(name: str) -> None:
    task = TASKS[name]
    assert task.task_run_name == f"{name} {{{OTHERS.get(name, 'batch.batch_id')}}}"
    assert (task.cache_policy, task.persist_result) == (NO_CACHE, False)
    retries = (task.retries, task.retry_delay_seconds, task.retry_jitter_factor, task.retry_condition_fn)
    assert retries == ((2, [10, 60], 0.3, is_retriable) if name in STEPS else (0, 0, None, None))
