"""The keys that the ledger's data may be encrypted with: a proof of each, and no writing under a retired one."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, text

from mfn.errors import ConfigurationError, RetriableError
from mfn.ledger.encryption import REMEDY, proof_of, proven_secret
from mfn.ledger.schema import EncryptionKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from mfn.ledger.encryption import Cipher, Key

SCHEMA_LOCK = 5_201_107
SECRET_BYTES = 32

KEYS_CHANGED = "the encryption keys were changed while this run was working."
KEYS_CHANGED_REMEDY = "Run the command again (a batch: mfn rerun --failed); it uses the new keys."

# Retiring the key and this transaction wait for each other. SQLite has one writer at a time.
_CURRENT = (
    select(EncryptionKey.key_id)
    .where(EncryptionKey.key_id == bindparam("newest"))
    .with_for_update(read=True, key_share=True)
)


def registered_keys(database: Connection) -> dict[str, bytes]:
    """The proof of every key that the ledger's data may be encrypted with, by the key's id."""
    return {row.key_id: row.proof for row in database.execute(select(EncryptionKey.key_id, EncryptionKey.proof))}


def assert_current(database: Connection, cipher: Cipher) -> None:
    """Make sure, inside a transaction that writes encrypted data, that its key was not retired meanwhile.

    Raises:
        RetriableError: It was retired; nothing of this transaction may stay.
    """
    if database.execute(_CURRENT, {"newest": cipher.newest}).first() is None:
        raise RetriableError(KEYS_CHANGED, remedy=KEYS_CHANGED_REMEDY)


def secret_of(keys: Sequence[Key], proofs: Mapping[str, bytes]) -> bytes:
    """The ledger's own secret, stored under each of its keys: a key that decrypts it is proven to fit.

    Args:
        keys: The configured keys.
        proofs: As `registered_keys` returns them.

    Raises:
        ConfigurationError: None of the keys is the ledger's.
        FatalError: A proof was changed.
    """
    fitting = next((key for key in keys if key.key_id in proofs), None)
    if fitting is None:
        raise ConfigurationError("another process has just created this ledger with other keys.", remedy=REMEDY)
    return proven_secret(fitting, proofs[fitting.key_id])


def register_newest(database: Connection, keys: Sequence[Key]) -> bytes:
    """Store the ledger's secret under the first of the keys, the newest; it is created with the ledger's first key.

    A configured older key that is not registered was retired: it only decrypts.

    Returns:
        The ledger's secret.
    """
    lock_schema(database)
    proofs = registered_keys(database)
    secret = secret_of(keys, proofs) if proofs else os.urandom(SECRET_BYTES)
    newest = keys[0]
    if newest.key_id not in proofs:
        proof = proof_of(newest, secret)
        values = {"key_id": newest.key_id, "proof": proof, "added_at": datetime.now(UTC)}
        database.execute(insert(EncryptionKey), values)
    return secret


def lock_schema(database: Connection) -> None:
    """Keep others from creating the ledger, migrating it or giving it new keys until this transaction ends.

    Args:
        database: The open transaction; on SQLite it is the only one that writes anyway.
    """
    if database.dialect.name == "postgresql":
        database.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
