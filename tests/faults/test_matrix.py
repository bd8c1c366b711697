"""One of each kind of fault, as `make faults` has them by the hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.matrix import databases, disks
from tests.faults.matrix.faults import all_faults
from tests.faults.matrix.flows import FLOWS
from tests.faults.matrix.trials import trials

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.faults.matrix.trials import Fault

SHARED_OUT = {
    "import": ("SIGKILL", "copies"),
    "confirm": ("request", "reply", "network", "Amazon"),
    "purge": ("database", "disk", "reports", "commit is lost"),
}
"""Which flow meets which faults here: every fault once."""


def one_of_each(flow: str, faults: Iterable[Fault], database: str, server_url: str | None = None) -> None:
    """One trial of each fault; whatever the flow did not get over fails the test."""
    chosen = tuple(faults)
    done = list(trials(FLOWS[flow], chosen, database=database, server_url=server_url, most=1))
    assert [trial.fault for trial in done] == [fault.name for fault in chosen]
    assert not [trial for trial in done if trial.deviations or not trial.has_struck]


def shared_out(flow: str) -> list[Fault]:
    return [fault for fault in all_faults(1, "sqlite") if any(word in fault.name for word in SHARED_OUT[flow])]


@pytest.mark.parametrize("flow", SHARED_OUT)
def test_a_flow_survives_one_of_each_of_its_faults(flow: str) -> None:
    one_of_each(flow, shared_out(flow), "sqlite")


def test_every_fault_is_tried() -> None:
    assert sorted(fault.name for flow in SHARED_OUT for fault in shared_out(flow)) == sorted(
        fault.name for fault in all_faults(1, "sqlite")
    )


def test_a_purge_survives_faults_that_only_a_database_server_has(postgres_server: str) -> None:
    # A server that is killed would be missed by the tests that share it.
    faults = [fault for fault in databases.ON_POSTGRESQL if "killed" not in fault.name]
    one_of_each("purge", (*faults, *disks.ON_POSTGRESQL), "postgresql", postgres_server)
