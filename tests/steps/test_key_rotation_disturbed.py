"""Keys rotate wherever the rotation is broken off, and whatever goes on meanwhile."""

from __future__ import annotations

import itertools
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update

from mfn.errors import LeaseHeldError, RetriableError
from mfn.ledger import resealing
from mfn.ledger.arrivals import read_arrival
from mfn.ledger.data_access import note_access
from mfn.ledger.encryption import new_key
from mfn.ledger.key_file import put_in_front, read_keys
from mfn.ledger.landing import WINDOW, land
from mfn.ledger.leases import lease
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import LandedPage, Lease
from mfn.steps.importing import validate
from mfn.steps.privacy import key_rotation
from mfn.steps.privacy.key_rotation import rotate_keys
from mfn.steps.rerunning.reruns import failed_batches, rerun_batch
from tests.faults.gates import Gate, stand_before
from tests.faults.processes import die_at_commit, in_child, start
from tests.steps.rotating import text
from tests.world import an_order

if TYPE_CHECKING:
    from tests.steps.rotating import Rotating
    from tests.world import World


def one_row_a_transaction(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resealing, "SEALED", tuple(replace(sealed, at_once=1) for sealed in resealing.SEALED))


def test_a_rotation_killed_at_any_commit_is_finished_by_the_next_without_another_key(
    rotating: Rotating, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_row_a_transaction(monkeypatch)
    rotating.fill(2, chunks=1)
    for number in itertools.count(1):
        (old,) = rotating.in_file()

        def rotate(number: int = number) -> None:
            die_at_commit(number)
            rotate_keys(rotating.settings)

        if not in_child(rotate).is_killed:
            break
        begun = [key for key in rotating.in_file() if key != old]
        is_done = rotating.in_file() == begun
        ended = rotate_keys(rotating.settings)
        assert is_done or not begun or begun == [ended.key_id], "another key was made"
        assert rotating.in_file() == [ended.key_id]
        assert old in rotating.set_aside()
        rotating.assert_whole(2, chunks=1)
    assert number > 9, "the lease taken, the key, the trail, three rows and two ends of tables, the retiring"


@pytest.mark.parametrize(("number", "before"), [(1, True), (1, False), (2, True), (2, False), (3, True)])
def test_a_rotation_killed_while_files_are_put_in_place_loses_no_key(
    rotating: Rotating, number: int, *, before: bool
) -> None:
    rotating.fill(1)
    (old,) = rotating.in_file()

    def rotate() -> None:
        original, calls = Path.replace, iter(range(1, 9))

        def replace_and_die(path: Path, target: Path) -> Path:
            is_last = next(calls) == number
            if is_last and before:
                os.kill(os.getpid(), signal.SIGKILL)
            original(path, target)
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
            return target

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "replace", replace_and_die)
            rotate_keys(rotating.settings)

    assert in_child(rotate).is_killed
    rotation = rotate_keys(rotating.settings)
    assert rotation.retired == (old,)
    rotating.assert_whole(1)
    assert (rotating.in_file(), rotating.set_aside()) == ([rotation.key_id], [old])
    assert {path.name for path in rotating.settings.home.glob("keys*")} == {"keys", "keys.retired"}, "drafts hold keys"


def test_a_run_that_lands_pages_in_the_meantime_loses_none_and_is_reported_in_the_end(rotating: Rotating) -> None:
    rotating.fill(5_000)
    begun = Gate()

    def import_on_and_on() -> int:
        ledger, landed = rotating.ledger, 0
        while True:
            arrivals = [read_arrival(text(5_001 + landed))]
            try:
                with ledger.writing() as database:
                    land(ledger, database, rotating.batch, arrivals, origin=WINDOW)
            except RetriableError as error:
                assert "keys were changed" in error.message  # noqa: PT017 - the loop ends here alone
                return landed
            landed += 1
            if landed == 1:
                begun.stand()

    child = start(import_on_and_on)
    begun.await_one()
    begun.open()
    rotation = rotate_keys(rotating.settings)
    ended = child.ended()
    assert ended.error == ""
    assert ended.value >= 1
    assert 5_002 <= rotation.reencrypted <= 5_002 + ended.value
    rotating.assert_whole(5_000)
    with rotating.ledger.reading() as database:
        assert database.execute(select(func.count()).select_from(LandedPage)).scalar_one() == 5_000 + ended.value


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_page_that_another_run_is_changing_is_waited_for_and_not_undone(rotating: Rotating) -> None:
    ledger = rotating.ledger
    rotating.fill(3)
    changing, resealed = Gate(), resealing.reseal

    def change() -> None:
        with rotating.ledger.writing() as database:
            database.execute(update(LandedPage).where(LandedPage.page == 2).values(texts=7))
            changing.stand()

    child = start(change)
    changing.await_one()

    def reseal_and_open(*arguments: Any, **options: Any) -> resealing.Resealed:
        result = resealed(*arguments, **options)
        changing.open()
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(key_rotation, "reseal", reseal_and_open)
        assert rotate_keys(rotating.settings).reencrypted == 5
    assert child.ended().error == ""
    rotating.assert_whole(3)
    with ledger.reading() as database:
        assert database.execute(select(LandedPage.texts).order_by(LandedPage.page)).scalars().all() == [1, 7, 1]


def test_no_key_is_retired_that_much_is_still_encrypted_with(rotating: Rotating) -> None:
    rotating.fill(25)
    (old,) = rotating.in_file()
    put_in_front(rotating.keys_file, new_key())
    ledger = rotating.ledger
    with lease(ledger, "*", "keys") as token:
        access = note_access(ledger, "test", connection=None, orders=25)
        assert resealing.retire(ledger, token, access) == resealing.Retired(21, None)
        assert rotating.registered() == {*rotating.in_file()}
        assert resealing.retire(ledger, token, access) == resealing.Retired(6, (old,))
    rotating.assert_whole(25)


def test_of_two_rotations_at_once_the_second_is_refused_and_makes_no_key(rotating: Rotating) -> None:
    rotating.fill(1)
    gate = Gate()

    def stand_then_rotate() -> str:
        stand_before(gate, key_rotation, "reseal")
        return rotate_keys(rotating.settings).key_id

    child = start(stand_then_rotate)
    gate.await_one()
    keys = rotating.in_file()
    with pytest.raises(LeaseHeldError, match="another rotation"):
        rotate_keys(rotating.settings)
    assert rotating.in_file() == keys
    gate.open()
    assert child.ended().value == keys[0]
    rotating.assert_whole(1)


def test_a_rotation_that_stalled_too_long_leaves_everything_to_the_other(rotating: Rotating) -> None:
    rotating.fill(1)
    gate = Gate()

    def stand_then_rotate() -> None:
        stand_before(gate, key_rotation, "reseal")
        rotate_keys(rotating.settings)

    child = start(stand_then_rotate)
    gate.await_one()
    keys = rotating.in_file()
    with rotating.ledger.writing() as database:
        database.execute(update(Lease).values(expires_at=0))
    assert rotate_keys(rotating.settings).key_id == keys[0]
    gate.open()
    ended = child.ended()
    assert (ended.error, ended.exit_code) == ("LeaseLostError", 1)
    assert "another rotation" in ended.message
    assert rotating.in_file() == keys[:1]
    rotating.assert_whole(1)


def test_a_run_that_opens_the_ledger_just_as_a_rotation_ends_finds_its_key(rotating: Rotating) -> None:
    rotating.fill(1)
    monkeypatch = pytest.MonkeyPatch()

    def read_late(*arguments: Any, **options: Any) -> Any:
        monkeypatch.undo()
        assert in_child(partial(rotate_keys, rotating.settings)).error == ""
        return read_keys(*arguments, **options)

    monkeypatch.setattr("mfn.ledger.opening.read_keys", read_late)
    open_ledger(rotating.settings)
    rotating.assert_whole(1)


def test_an_import_that_a_rotation_overtakes_ends_as_one_to_be_run_again(world: World) -> None:
    gate = Gate()
    world.put(an_order(), an_order(recipient=None))

    def run() -> None:
        stand_before(gate, validate, "landed_batch_orders")
        world.run()

    child = start(run)
    gate.await_one()
    rotate_keys(world.settings)
    gate.open()
    ended = child.ended()
    assert (ended.error, ended.exit_code) == ("RunFailedError", 1)
    assert "keys were changed" in ended.message
    assert "mfn rerun --failed" in ended.remedy
    (failed,) = failed_batches(world.settings)
    assert rerun_batch(world.settings, failed)["loaded"] == 1
    assert len(world.rows()) == 1
