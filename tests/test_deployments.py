"""prefect.yaml: every entrypoint loads in a fresh process, and every connection gets its deployments."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from mfn.cli.batches import rerun
from mfn.cli.confirm import confirm
from mfn.cli.deployments import render
from mfn.cli.follow import follow
from mfn.cli.imports import import_orders
from mfn.cli.inventory import inventory
from mfn.cli.purge import purge
from mfn.cli.reconcile import reconcile
from mfn.cli.reprocess import reprocess
from mfn.cli.schedules import spread
from mfn.models import STAGES
from mfn.steps.stages import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
DOCUMENT = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
ENTRYPOINTS = sorted({entry["entrypoint"] for entry in DOCUMENT["deployments"]})

LOAD = """
import json, os, sys
import pandas, rapidfuzz, sqlalchemy.dialects.postgresql, sqlalchemy.dialects.sqlite, sqlalchemy.orm
import prefect.flow_engine, prefect.task_engine
from prefect.flows import load_flow_from_entrypoint
for entrypoint in sys.argv[1:]:
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    try:
        flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        runs = [flow.isasync, flow.flow_run_name, flow.retries]
        print(json.dumps([entrypoint, flow.name, runs, flow.parameters.model_dump()]), flush=True)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(0)
"""
"""Each in a process in which nothing of ours is loaded; what others wrote takes two seconds, once for all of them."""


@cache
def loaded() -> tuple[dict[str, Any], str]:
    """Of each flow, loaded as a worker does: its name, how its runs are, its parameters; and what went wrong."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *ENTRYPOINTS], cwd=ROOT, env=clean, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {entrypoint: found for entrypoint, *found in lines}, done.stderr


def load(entrypoint: str) -> Any:
    """One of them."""
    flows, said = loaded()
    assert entrypoint in flows, said
    return flows[entrypoint]


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
def test_every_entrypoint_loads_in_a_fresh_process(entrypoint: str) -> None:
    name, (is_async, run_name, retries), parameters = load(entrypoint)
    assert name == entrypoint.split(":")[1].replace("_", "-")
    assert (is_async, retries) == (True, 0), "its tasks are tried again, and only where that may help"
    fields = parameters["properties"]
    assert run_name == next((f"{{{field}}}" for field in ("connection", "batch") if field in fields), None)
    assert all(field.get("description") for field in fields.values())
    assert not any(field.get("default") for field in fields.values()), "nothing is asked for that nobody has asked for"
    commands: dict[str, Callable[..., Any]] = {
        "import-orders": import_orders,
        "follow-orders": follow,
        "confirm-shipments": confirm,
        "sync-inventory": inventory,
        "rerun-batches": rerun,
        "reconcile": reconcile,
        "purge-expired": purge,
        "reprocess-orders": reprocess,
    }
    if name == "reprocess-part":  # a person starts the run that starts it
        assert set(fields) == {"batch", "lease"}
        return
    of_command = inspect.signature(commands[name]).parameters
    assert not any(one.default for one in of_command.values() if one.default is not one.empty)
    options = set(of_command) - {"as_json"}
    named = {"batch": "batches"} | ({"connection": "connections"} if name == "reprocess-orders" else {})
    assert set(fields) == {named.get(option, option) for option in options}


def test_the_stages_to_choose_from_are_those_of_every_kind_of_run() -> None:
    _, _, parameters = load("flows/rerun_batches.py:rerun_batches")
    chosen = parameters["properties"]["from_stage"]["anyOf"][0]["enum"]
    assert chosen == list(dict.fromkeys(stage for kind in STEPS for stage in STAGES[kind]))


def test_every_connection_gets_every_deployment_that_names_one() -> None:
    rendered = render(DOCUMENT, ["us", "eu_west"])
    names = [(entry["entrypoint"].split(":")[1], entry["name"]) for entry in rendered["deployments"]]
    assert names == [
        ("import_orders", "us"),
        ("import_orders", "eu_west"),
        ("follow_orders", "us"),
        ("follow_orders", "eu_west"),
        ("confirm_shipments", "us"),
        ("confirm_shipments", "eu_west"),
        ("sync_inventory", "us"),
        ("sync_inventory", "eu_west"),
        ("reconcile", "us"),
        ("reconcile", "eu_west"),
        ("purge_expired", "default"),
        ("rerun_batches", "default"),
        ("reprocess_orders", "default"),
        ("reprocess_part", "default"),
    ]
    of_second = [entry for entry in rendered["deployments"] if entry["name"] == "eu_west"]
    assert all(entry["parameters"] == {"connection": "eu_west"} for entry in of_second)
    assert all(" of eu_west" in entry["description"] for entry in of_second)


def test_schedules_have_slugs_and_time_zones_and_one_run_works_at_a_time() -> None:
    for entry in DOCUMENT["deployments"]:
        is_part = entry["entrypoint"].endswith(":reprocess_part")
        assert entry.get("concurrency_limit", {}).get("limit") == (None if is_part else 1)
        for schedule in entry.get("schedules", []):
            assert schedule["slug"]
            assert schedule["timezone"]


def test_stock_is_sent_every_five_minutes_and_all_of_it_once_a_day() -> None:
    (entry,) = (entry for entry in DOCUMENT["deployments"] if entry["entrypoint"].endswith(":sync_inventory"))
    often, daily = entry["schedules"]
    assert (often["interval"], often.get("parameters")) == (300, None)
    assert daily["parameters"] == {"full": True}


def moments(connections: list[str], entrypoint: str, slug: str) -> dict[str, str]:
    """When the schedule of each connection begins."""
    return {
        entry["name"]: schedule.get("anchor_date") or schedule["cron"]
        for entry in render(DOCUMENT, connections)["deployments"]
        for schedule in entry.get("schedules", ())
        if (entry["entrypoint"], schedule["slug"]) == (entrypoint, slug)
    }


def test_runs_of_many_connections_do_not_begin_in_the_same_second() -> None:
    names = [f"shop_{number}" for number in range(200)]
    imports = moments(names, "flows/import_orders.py:import_orders", "every-15-minutes")
    assert max(Counter(imports.values()).values()) <= 4
    begins = [datetime.fromisoformat(moment) for moment in imports.values()]
    assert max(begins) - min(begins) < timedelta(minutes=15)
    assert max(Counter(moment.minute for moment in begins).values()) <= 30, "a fifteenth of them is 13"
    confirms = moments(names, "flows/confirm_shipments.py:confirm_shipments", "every-5-minutes")
    assert sum(confirms[name] == imports[name] for name in names) <= 4, "nor do those of one connection"
    nightly = moments(names, "flows/reconcile.py:reconcile", "daily")
    hours = [int(cron.split()[1]) + int(cron.split()[0]) / 60 for cron in nightly.values()]
    assert 4 + 20 / 60 <= min(hours) < 4.5
    assert 6 < max(hours) < 6 + 20 / 60


def test_when_a_connection_begins_is_not_moved_by_others() -> None:
    asked = ("flows/sync_inventory.py:sync_inventory", "daily-full")
    assert moments(["us"], *asked)["us"] == moments(["ca", "eu_west", "us"], *asked)["us"]


def test_a_schedule_that_is_neither_is_left_as_it_is() -> None:
    weekly = {"slug": "weekly", "cron": "0 3 * * 1", "timezone": "UTC"}
    assert spread(weekly, over="us") == weekly
