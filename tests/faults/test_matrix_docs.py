"""What the README says was survived is what `make faults` measured, and that is the whole matrix."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.matrix.faults import all_faults
from tests.faults.matrix.flows import FLOWS
from tests.faults.matrix.parts import DATABASES
from tests.faults.matrix.results import RESULTS, by_fault, is_faultless, survived, total
from tests.test_docs import README


@pytest.fixture(scope="module")
def results() -> Any:
    """The figures of the last whole run."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def test_the_figures_cover_every_flow_and_fault_and_nothing_was_lost_doubled_or_wrong(results: Any) -> None:
    assert is_faultless(results["cells"])
    assert results["total"] == total(results["cells"])
    found = {(cell["flow"], cell["fault"], cell["database"]) for cell in results["cells"]}
    without_requests = {"purge"}
    for database in DATABASES:
        faults = {fault.name for fault in all_faults(1, database)}
        for flow in FLOWS:
            missing = {fault for fault in faults if (flow, fault, database) not in found}
            assert not missing or flow in without_requests, (flow, database, missing)


def test_the_readme_has_these_figures(results: Any) -> None:
    table = "\n".join(by_fault(results["cells"], tuple(FLOWS)))
    assert table in README, table
    assert survived(results) in README
