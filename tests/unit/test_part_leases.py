"""Leases of parts: under that of a connection's imports, ended with it, and apart from each other."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mfn.errors import LeaseHeldError, LeaseLostError
from mfn.ledger.leases import assert_held, lease, part_lease
from mfn.ledger.schema import Lease

if TYPE_CHECKING:
    from mfn.ledger.opening import Ledger


def run_out(ledger: Ledger, token: str) -> None:
    """A lease runs out, as if nobody had renewed it."""
    with ledger.writing() as database:
        database.execute(update(Lease).where(Lease.token == token).values(expires_at=0.0))


def test_an_import_that_takes_the_lease_over_ends_what_parts_may_commit(ledger: Ledger) -> None:
    with ExitStack() as stack:
        wave = stack.enter_context(lease(ledger, "us", "import"))
        part = stack.enter_context(part_lease(ledger, "us", "one", under=wave))
        elsewhere = stack.enter_context(lease(ledger, "eu", "import"))
        other = stack.enter_context(part_lease(ledger, "eu", "one", under=elsewhere))
        run_out(ledger, wave)
        with pytest.raises(LeaseLostError, match="has ended"):
            stack.enter_context(part_lease(ledger, "us", "two", under=wave))
        with ledger.writing() as database:
            assert_held(database, part)
        stack.enter_context(lease(ledger, "us", "import"))
        with pytest.raises(LeaseLostError), ledger.writing() as database:
            assert_held(database, part)
        with ledger.writing() as database:
            assert_held(database, other)


def test_an_import_that_is_refused_leaves_the_parts_to_their_processes(ledger: Ledger) -> None:
    with ExitStack() as stack:
        wave = stack.enter_context(lease(ledger, "us", "import"))
        part = stack.enter_context(part_lease(ledger, "us", "one", under=wave))
        with pytest.raises(LeaseHeldError):
            stack.enter_context(lease(ledger, "us", "import"))
        with ledger.writing() as database:
            assert_held(database, part)


def test_one_process_at_a_time_works_on_a_part(ledger: Ledger) -> None:
    with ExitStack() as stack:
        wave = stack.enter_context(lease(ledger, "us", "import"))
        stack.enter_context(part_lease(ledger, "us", "one", under=wave))
        with pytest.raises(LeaseHeldError):
            stack.enter_context(part_lease(ledger, "us", "one", under=wave))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_commit_of_one_part_waits_for_no_commit_of_another(ledger: Ledger) -> None:
    with ExitStack() as stack:
        wave = stack.enter_context(lease(ledger, "us", "import"))
        one, two = (stack.enter_context(part_lease(ledger, "us", part, under=wave)) for part in ("one", "two"))
        first = stack.enter_context(ledger.engine.begin())
        assert_held(first, one)
        with ledger.engine.begin() as second:
            second.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
            assert_held(second, two)
            assert_held(second, wave)
