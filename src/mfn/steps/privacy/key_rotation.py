"""`mfn keys rotate`: a new encryption key, everything encrypted again under it, the old ones retired; runs go on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_random

from mfn.database.forgetting import empty_log
from mfn.errors import ConfigurationError, LeaseHeldError, LeaseLostError, RetriableError, RunFailedError
from mfn.ledger.data_access import note_access
from mfn.ledger.encryption import new_key, parse_keys
from mfn.ledger.key_file import put_in_front, read_keys, set_aside
from mfn.ledger.keys import KEYS_CHANGED, KEYS_CHANGED_REMEDY, lock_schema, register_newest, registered_keys
from mfn.ledger.leases import assert_held, lease
from mfn.ledger.opening import existing_ledger, open_ledger
from mfn.ledger.resealing import count_others, reseal, retire
from mfn.ledger.schema import LandedOrder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.errors import MfnError
    from mfn.ledger.opening import Ledger
    from mfn.settings import Settings

PURPOSE = "keys rotate"
PATIENCE_SECONDS = 60.0
"""How long runs may go on writing under an old key, or keep rows locked, before the rotation gives up."""

STILL_WRITING = RetriableError(
    "runs that began before this rotation still write under an old key.",
    remedy="Wait until they have ended (mfn batches), then run mfn keys rotate again: it resumes.",
)


@dataclass(frozen=True)
class Rotation:
    """What a rotation did.

    Attributes:
        key_id: The key that encrypts now.
        reencrypted: How many pages and chunks were encrypted again.
        remaining: How many are still encrypted with another key: none unless it failed.
        retired: The ids of the keys that the ledger no longer uses.
    """

    key_id: str
    reencrypted: int
    remaining: int
    retired: tuple[str, ...]


def rotate_keys(settings: Settings) -> Rotation:
    """Add a new encryption key, encrypt everything again under it, and retire the old ones.

    An interrupted rotation is resumed, without another new key. Keys set in the environment are only read: everything
    is encrypted again under the first of them.

    Returns:
        What was done.

    Raises:
        ConfigurationError: There is no ledger; the keys are set, and everything is under the first of them already; or
            the file cannot be written.
        LeaseHeldError: Another rotation is under way.
        LeaseLostError: Another rotation has taken over while this one stalled.
        RetriableError: The ledger cannot be reached.
        RunFailedError: Runs kept on writing under an old key; or something is stored that no key decrypts, and
            everything else is under the newest one.
    """
    with _alone(existing_ledger(settings)) as token:
        ledger = open_ledger(settings)  # another rotation may have ended a moment ago
        if not _is_begun(ledger, settings):
            _add_key(ledger, settings, token)
            ledger = open_ledger(settings)
        done, retired = _reseal_all(ledger, token)
        moved = set_aside(settings.keys_file, ledger.cipher.newest) if settings.pii_keys is None else ()
    empty_log(ledger.engine)
    return Rotation(ledger.cipher.newest, done, 0, tuple(sorted({*retired, *moved})))


@contextmanager
def _alone(ledger: Ledger) -> Iterator[str]:
    try:
        with lease(ledger, "*", "keys") as token:
            yield token
    except LeaseHeldError as error:
        raise LeaseHeldError("another rotation of the encryption keys is under way.", remedy=error.remedy) from None
    except LeaseLostError:
        raise LeaseLostError(
            "another rotation of the encryption keys has taken over because this one stalled.",
            remedy="Nothing to do: the other one finishes the work.",
        ) from None


def _is_begun(ledger: Ledger, settings: Settings) -> bool:
    """Whether any key but the newest is not retired yet, or something is encrypted with one."""
    with ledger.reading() as database:
        if len(registered_keys(database)) > 1 or count_others(database, ledger):
            return True
    return settings.pii_keys is None and len(read_keys(settings, is_new=False)) > 1


def _add_key(ledger: Ledger, settings: Settings, token: str) -> None:
    """Add a new key at the top of the file and to the ledger; killed in between, the next opening does the latter."""
    if settings.pii_keys is not None:
        raise ConfigurationError(
            "everything is encrypted with the first of the keys that are set, and it alone is the ledger's.",
            remedy="The keys after it can be removed. To change it: add a new key (mfn keys new prints one) after it on"
            " every machine, comma separated, so that each can read it; then move the new key to the front on every"
            " machine; then run mfn keys rotate again.",
        )
    with ledger.writing() as database:
        lock_schema(database)
        assert_held(database, token)
        keys, added = read_keys(settings, is_new=False), new_key()
        if keys[0].key_id != ledger.cipher.newest:
            raise RetriableError(KEYS_CHANGED, remedy=KEYS_CHANGED_REMEDY)
        put_in_front(settings.keys_file, added)
        register_newest(database, (*parse_keys(added, origin="mfn keys rotate"), *keys))


def _reseal_all(ledger: Ledger, token: str) -> tuple[int, tuple[str, ...]]:
    """Encrypt again until nothing is under another key, and retire the others; returns how many, and which."""
    with ledger.reading() as database:
        orders = database.execute(select(func.count()).select_from(LandedOrder)).scalar_one()
    access = note_access(ledger, PURPOSE, connection=None, orders=orders)
    done = 0

    def once() -> tuple[str, ...] | None:
        nonlocal done
        resealed = reseal(ledger, token, access)
        done += resealed.done
        if resealed.unreadable:
            raise _failed(ledger, resealed.unreadable[0], done)
        retired = retire(ledger, token, access)
        done += retired.done
        return retired.keys

    patiently = Retrying(
        retry=retry_if_result(lambda keys: keys is None),
        wait=wait_random(0, 0.1),
        stop=stop_after_delay(PATIENCE_SECONDS),
    )
    try:
        keys = patiently(once)
    except RetryError:
        raise _failed(ledger, STILL_WRITING, done) from None
    return done, keys or ()


def _failed(ledger: Ledger, cause: MfnError, done: int) -> RunFailedError:
    with ledger.reading() as database:
        remaining = count_others(database, ledger)
    return RunFailedError(cause, asdict(Rotation(ledger.cipher.newest, done, remaining, ())))
