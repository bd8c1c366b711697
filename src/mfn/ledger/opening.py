"""Opening the ledger: made when it is new, migrated when it is older, refused when its keys are not there."""

from __future__ import annotations

import os
import tempfile
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.engine import make_url

from mfn.database.bulk import utc_text
from mfn.database.engines import engine_for, reading, writing
from mfn.errors import ConfigurationError
from mfn.ledger.encryption import REMEDY, Cipher, Key, new_key, parse_keys
from mfn.ledger.schema import EncryptionKey
from mfn.settings import shown_database_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mfn.settings import Settings

HEAD = "0008"
"""The newest migration; a test holds it to ledger/migrations."""
SECRET_BYTES = 32
MIGRATION_LOCK = 5_201_107


@dataclass(frozen=True)
class Ledger:
    """The open ledger.

    Attributes:
        engine: Its database.
        cipher: What encrypts and decrypts buyers' data.
    """

    engine: Engine
    cipher: Cipher


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of these settings, at the newest schema, its keys proven to fit.

    Encryption keys are made only together with a new, empty ledger.

    Args:
        settings: The settings in force.

    Raises:
        ConfigurationError: No key fits a ledger that has data, or it was written by a newer version.
        RetriableError: Its database cannot be reached.
    """
    make_home(settings.home)
    url = settings.ledger_url.get_secret_value()
    engine, what = ledger_engine(url), f"the ledger {shown_database_url(url)}"
    with reading(engine, what=what) as connection:
        version = _version(connection)
    if version != HEAD:
        _migrate(engine, what)
    with reading(engine, what=what) as connection:
        proofs = dict(connection.execute(select(EncryptionKey.key_id, EncryptionKey.proof)).all())
    keys = _keys(settings, is_new=not proofs)
    missing = sorted(set(proofs) - {key.key_id for key in keys})
    if missing:
        raise ConfigurationError(
            f"the ledger holds data encrypted with keys that are not here: {', '.join(missing)}.", remedy=REMEDY
        )
    with writing(engine, what=what) if set(proofs) != {key.key_id for key in keys} else nullcontext() as connection:
        secret = _secret(keys, proofs) if connection is None else _register(connection, keys)
    return Ledger(engine, Cipher(keys, secret))


def ledger_engine(url: str) -> Engine:
    """The engine of a ledger.

    A power cut may take its last commits with it: they go together, the watermark with what had landed, and what the
    warehouse has is asked for again. The warehouse itself always waits for its disk: it never knows less than the
    ledger.

    Args:
        url: Its URL.
    """
    return engine_for(url, survives_power_cut=False)


def is_there(settings: Settings) -> bool:
    """Whether there is a ledger to be read; a database server is asked when it is opened.

    Args:
        settings: The settings in force.
    """
    url = make_url(settings.ledger_url.get_secret_value())
    return url.get_backend_name() != "sqlite" or Path(str(url.database)).exists()


def make_home(home: Path) -> None:
    """Make the home directory, readable by its owner only."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"MFN_HOME {home} cannot be made: {error.strerror}.",
            remedy="Set MFN_HOME to a directory that may be written to.",
        ) from None


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, what: str) -> None:
    from alembic import command  # noqa: PLC0415 - a third of a second that only a new or older ledger needs
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine, what=what) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                f"{what} was written by another version of mfn: {error}",
                remedy="Install the version that wrote it, or a newer one.",
            ) from None


def _keys(settings: Settings, *, is_new: bool) -> tuple[Key, ...]:
    if settings.pii_keys is not None:
        return parse_keys(settings.pii_keys.get_secret_value(), origin="MFN_PII_KEYS")
    path = settings.keys_file
    try:
        if is_new and not path.exists():
            _make_keys(path)
        mode, written = path.stat().st_mode, path.read_bytes().decode("ascii", errors="replace")
    except FileNotFoundError:
        raise ConfigurationError(f"the ledger holds encrypted data, and {path} is not there.", remedy=REMEDY) from None
    except OSError as error:
        raise ConfigurationError(
            f"the encryption keys cannot be kept in {path}: {error.strerror}.",
            remedy="Let this user read and write MFN_HOME, or set MFN_PII_KEYS.",
        ) from None
    if mode & 0o077:
        raise ConfigurationError(f"{path} may be read by others.", remedy=f"Run chmod 600 {path}.")
    return parse_keys(written, origin=str(path))


def _make_keys(path: Path) -> None:
    """Write a fresh key, whole or not at all; where another process was first, its key stays."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as file:  # made with mode 0600
        file.write(new_key() + "\n")
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def _secret(keys: Sequence[Key], proofs: Mapping[str, bytes]) -> bytes:
    """The ledger's own secret, which is kept under each of its keys: a key that opens it is proven to fit."""
    fitting = next((key for key in keys if key.key_id in proofs), None)
    if fitting is None:
        raise ConfigurationError("another process has just made this ledger, with other keys.", remedy=REMEDY)
    return Cipher([fitting]).decrypt(proofs[fitting.key_id], context=fitting.key_id)


def _register(connection: Connection, keys: Sequence[Key]) -> bytes:
    """Keep the ledger's secret under each key that does not have it yet; made with the ledger's first key."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    proofs = {row.key_id: row.proof for row in connection.execute(select(EncryptionKey.key_id, EncryptionKey.proof))}
    secret = _secret(keys, proofs) if proofs else os.urandom(SECRET_BYTES)
    for key in keys:
        if key.key_id in proofs:
            continue
        proof = Cipher([key]).encrypt(secret, context=key.key_id)
        connection.execute(
            text(
                "INSERT INTO encryption_key (key_id, proof, added_at) VALUES (:key_id, :proof, :added_at)"
                " ON CONFLICT (key_id) DO NOTHING"
            ),
            {"key_id": key.key_id, "proof": proof, "added_at": utc_text(datetime.now(UTC))},
        )
    return secret
