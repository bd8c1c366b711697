"""One of each kind of fault, as `make faults` has them by the hundred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.matrix.faults import all_faults
from tests.faults.matrix.flows import FLOWS
from tests.faults.matrix.trials import trials

if TYPE_CHECKING:
    from collections.abc import Callable

ONLY_THERE = ("database", "commit is lost")
"""What of the faults on PostgreSQL is another thing than on SQLite."""


def one_of_each(flow: str, database: str, server_url: str | None, is_wanted: Callable[[str], bool]) -> set[str]:
    """The faults of which a flow met one; whatever it did not get over fails the test."""
    faults = [fault for fault in all_faults(1, database) if is_wanted(fault.name)]
    done = list(trials(FLOWS[flow], faults, database=database, server_url=server_url, most=1))
    assert {trial.fault for trial in done} == {fault.name for fault in faults}
    assert all(trial.has_struck for trial in done), [trial for trial in done if not trial.has_struck]
    assert not [trial for trial in done if trial.deviations]
    return {trial.fault for trial in done}


def test_an_import_gets_over_one_of_each_fault(tmp_path: object) -> None:
    assert len(one_of_each("import", "sqlite", None, lambda fault: "reply" not in fault)) >= 14


def test_confirmations_get_over_lost_replies() -> None:
    assert len(one_of_each("confirm", "sqlite", None, lambda fault: "reply" in fault)) == 2


@pytest.mark.parametrize("flow", ["purge"])
def test_a_run_on_postgresql_gets_over_what_only_a_server_does(postgres_server: str, flow: str) -> None:
    def is_wanted(fault: str) -> bool:
        return any(word in fault for word in ONLY_THERE) and "killed" not in fault

    assert len(one_of_each(flow, "postgresql", postgres_server, is_wanted)) == 4
