"""The machines of docs/scaling.md once for all tests that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scaling.machines import missing_packages, running_machines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scaling.machines import Machines


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    """PostgreSQL, Redis and a Prefect server in parts; skipped where Debian's packages are missing."""
    if missing := missing_packages():
        pytest.skip(f"Debian's packages are missing: {' '.join(missing)} (make debian-packages)")
    with running_machines() as machines:
        yield machines
