"""One run at a time: who holds a connection, who may take it, and who may still commit."""

from __future__ import annotations

import os
import platform
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from sqlalchemy import select, update

from mfn import processes
from mfn.database.engines import engine_for
from mfn.errors import LeaseHeldError, LeaseLostError
from mfn.ledger import leases
from mfn.ledger.clock import LedgerTime
from mfn.ledger.leases import Watch, assert_held, assert_not_taken_over, is_held, lease
from mfn.ledger.opening import Ledger
from mfn.ledger.schema import Base, Lease
from tests.faults.processes import in_child, start, wait_until_one_lives

if TYPE_CHECKING:
    from pathlib import Path


def reopened(ledger: Ledger) -> Ledger:
    """The same ledger in a child, which must not use its parent's connections."""
    url = ledger.engine.url.render_as_string(hide_password=False)
    return Ledger(engine_for(url), ledger.cipher)


def row(ledger: Ledger) -> Any:
    """The lease, with `left`: the seconds until it runs out."""
    left = (Lease.expires_at - LedgerTime()).label("left")
    with ledger.reading() as database:
        return database.execute(select(Lease, left)).one()


def change(ledger: Ledger, *, left: float | None = None, **values: Any) -> None:
    """Change the lease; `left`: in how many seconds it runs out."""
    moment = {} if left is None else {"expires_at": LedgerTime() + left}
    with ledger.writing() as database:
        database.execute(update(Lease).values(**values, **moment))


def work_on(ledger: Ledger, token: str) -> None:
    with ledger.writing() as database:
        database.execute(update(Lease).values(holder="nobody"))
        assert_held(database, token)


def hold_and_die(ledger: Ledger) -> None:
    with lease(reopened(ledger), "us", "import"):
        os.kill(os.getpid(), 9)


def try_to_hold(ledger: Ledger, reader: int) -> str:
    with lease(reopened(ledger), "us", "import") as token:
        os.read(reader, 1)  # until the others have tried
        return token


def test_a_second_run_is_refused_and_told_who_holds_the_connection(ledger: Ledger) -> None:
    with lease(ledger, "us", "import"), pytest.raises(LeaseHeldError) as caught, lease(ledger, "us", "import"):
        pass
    assert f"process {os.getpid()}" in caught.value.message
    assert "last seen" in caught.value.message
    assert caught.value.exit_code == 3


def test_a_lease_that_cannot_be_given_back_does_not_hide_how_the_run_ended(ledger: Ledger) -> None:
    def run_and_lose_the_ledger() -> None:
        with lease(ledger, "us", "import"):
            Base.metadata.drop_all(ledger.engine)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_and_lose_the_ledger()


def test_other_connections_and_other_kinds_are_not_in_the_way(ledger: Ledger) -> None:
    with lease(ledger, "us", "import"), lease(ledger, "eu", "import"), lease(ledger, "us", "confirm"):
        pass


def test_a_lease_is_free_at_once_after_its_run_also_after_one_that_failed(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="broken"), lease(ledger, "us", "import"):
        raise ValueError("broken")
    with lease(ledger, "us", "import"):
        pass


def test_of_several_processes_that_start_together_exactly_one_works(ledger: Ledger) -> None:
    reader, writer = os.pipe()
    children = [start(partial(try_to_hold, ledger, reader)) for _ in range(4)]
    # The holder waits for a byte; all others end by themselves, whoever they are.
    wait_until_one_lives(children)
    os.write(writer, b"x")
    ended = [child.ended() for child in children]
    os.close(reader)
    os.close(writer)
    assert sorted(end.error for end in ended) == ["", *["LeaseHeldError"] * 3]


def test_a_holder_that_was_killed_on_this_machine_is_noticed_at_once(ledger: Ledger) -> None:
    assert in_child(partial(hold_and_die, ledger)).is_killed
    assert row(ledger).left > 30
    with ledger.reading() as database:
        assert not is_held(database, "us", "import")
    with lease(ledger, "us", "import"), ledger.reading() as database:
        assert is_held(database, "us", "import")


def test_a_killed_holder_that_nobody_has_waited_for_counts_as_dead(ledger: Ledger) -> None:
    child = start(partial(hold_and_die, ledger))
    process = psutil.Process(child.process)
    while process.status() != psutil.STATUS_ZOMBIE:
        os.sched_yield()
    with lease(ledger, "us", "import"):
        pass
    assert child.ended().is_killed


def test_a_later_process_with_the_number_of_a_dead_holder_is_not_taken_for_it(ledger: Ledger) -> None:
    with lease(ledger, "us", "import"):
        holder = row(ledger).holder
    process, _, where = holder.partition(" in ")
    machine_and_number, _, started = process.rpartition(" ")
    change(ledger, holder=f"{machine_and_number} {int(started) + 3600} in {where}", left=60)
    with lease(ledger, "us", "import"):
        pass


@pytest.mark.parametrize(
    "holder", ["elsewhere process 1 started 1 in another/pid:[1]", "elsewhere", "", "a process b started c in d"]
)
def test_a_holder_on_another_machine_is_honoured_until_its_lease_ends(ledger: Ledger, holder: str) -> None:
    with lease(ledger, "us", "import"):
        pass
    change(ledger, holder=holder, left=30)
    with pytest.raises(LeaseHeldError), lease(ledger, "us", "import"):
        pass
    change(ledger, left=-0.001)
    with lease(ledger, "us", "import"):
        pass


def test_every_commit_renews_the_lease(ledger: Ledger) -> None:
    with lease(ledger, "us", "import") as token:
        change(ledger, left=1)
        with ledger.writing() as database:
            assert_held(database, token)
        assert row(ledger).left > 30


def test_a_lease_is_renewed_while_its_holder_only_waits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEWAL_SECONDS", 0.01)
    with lease(ledger, "us", "import"):
        change(ledger, left=1)
        while row(ledger).left < 30:
            os.sched_yield()


def test_a_run_whose_lease_was_taken_over_commits_nothing_and_gives_back_nothing(ledger: Ledger) -> None:
    with lease(ledger, "us", "import") as token:
        change(ledger, holder="elsewhere", expires_at=0.0)
        with lease(ledger, "us", "import") as taken:
            with pytest.raises(LeaseLostError, match="another run took over"):
                work_on(ledger, token)
            assert row(ledger).holder != "nobody"
    assert taken != token


def test_the_end_of_a_run_that_lost_its_lease_does_not_free_the_other_ones(ledger: Ledger) -> None:
    with lease(ledger, "us", "import"):
        change(ledger, token="another", left=60)
    assert row(ledger).token == "another"
    assert row(ledger).left > 30


def test_only_one_takes_over_what_a_dead_holder_left(ledger: Ledger) -> None:
    assert in_child(partial(hold_and_die, ledger)).is_killed
    reader, writer = os.pipe()
    children = [start(partial(try_to_hold, ledger, reader)) for _ in range(3)]
    wait_until_one_lives(children)
    os.write(writer, b"x")
    ended = [child.ended() for child in children]
    os.close(reader)
    os.close(writer)
    assert sorted(end.error for end in ended) == ["", "LeaseHeldError", "LeaseHeldError"]


HOURS = 5 * 3600.0


def set_this_machines_clock(monkeypatch: pytest.MonkeyPatch, by: float) -> None:
    """The clock of this machine jumps, as everything sees it that reads it: Python, and psutil in /proc/stat."""
    present, booted = time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: present() + by)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + by)


@pytest.mark.parametrize("by", [HOURS, -HOURS, 61.0, -61.0])
def test_a_clock_that_jumps_neither_lets_a_second_run_in_nor_keeps_one_out(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, by: float
) -> None:
    with lease(ledger, "us", "import"):
        set_this_machines_clock(monkeypatch, by)
        with pytest.raises(LeaseHeldError), lease(ledger, "us", "import"):
            pass
        with ledger.reading() as database:
            assert is_held(database, "us", "import")
    with lease(ledger, "us", "import"):
        monkeypatch.undo()  # and back again
        assert 50 < row(ledger).left <= 60


def test_a_dead_holder_is_noticed_although_the_clock_was_changed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_child(partial(hold_and_die, ledger)).is_killed
    set_this_machines_clock(monkeypatch, HOURS)
    with lease(ledger, "us", "import"):
        pass


@pytest.mark.parametrize("left", [2 * leases.LEASE_SECONDS, HOURS])
def test_a_lease_from_before_the_ledgers_clock_was_put_back_keeps_nobody_out(ledger: Ledger, left: float) -> None:
    with lease(ledger, "us", "import") as token:
        change(ledger, left=left, holder="elsewhere process 1 started 1 in another/pid:[1]")
        with ledger.reading() as database:
            assert not is_held(database, "us", "import")
        with lease(ledger, "us", "import"), pytest.raises(LeaseLostError):
            work_on(ledger, token)


def test_a_holder_on_another_machine_of_the_same_name_is_not_taken_for_dead(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cloned machines are called the same, and the first processes of each are of the same namespace."""
    assert in_child(partial(hold_and_die, ledger)).is_killed
    (tmp_path / "boot_id").write_text("0b5b1c0e-0000-4000-8000-000000000001\n", encoding="ascii")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(processes, "BOOT_ID", tmp_path / "boot_id")
        with pytest.raises(LeaseHeldError), lease(ledger, "us", "import"):
            pass
    with lease(ledger, "us", "import"):
        pass


def test_the_working_machine_and_process_are_named_without_their_distinguishing_suffix(ledger: Ledger) -> None:
    with lease(ledger, "us", "import"), pytest.raises(LeaseHeldError) as caught, lease(ledger, "us", "import"):
        pass
    assert f": {platform.node()} process {os.getpid()}, last seen 20" in caught.value.message


def test_the_watch_asks_again_only_when_what_it_knows_may_be_outdated(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(leases, "seconds_since_start", lambda: now)
    with lease(ledger, "us", "import") as token:
        watch = Watch(ledger, token)
        watch.assert_held()
        change(ledger, left=1)
        watch.assert_held()
        assert row(ledger).left <= 1, "it was renewed a moment ago"
        now += leases.TRUSTED_SECONDS
        watch.assert_held()
        assert row(ledger).left > 30
        change(ledger, token="another")
        now += leases.TRUSTED_SECONDS
        with pytest.raises(LeaseLostError):
            watch.assert_held()
        with pytest.raises(LeaseLostError):
            assert_not_taken_over(ledger, token)
