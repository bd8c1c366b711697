"""Opening the ledger: created if it is new, migrated if it is older, refused if its keys are missing."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVarTuple

from sqlalchemy import Connection, Engine, inspect, text

from mfn.database.engines import engine_for, reading, writing
from mfn.database.urls import shown_database_url, sqlite_file
from mfn.errors import ConfigurationError, FatalError
from mfn.file_faults import writing_remedy
from mfn.ledger.encryption import REMEDY, Cipher
from mfn.ledger.key_file import read_keys, retired_file, retired_ids
from mfn.ledger.keys import lock_schema, register_newest, registered_keys, secret_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Row, Select

    from mfn.ledger.encryption import Key
    from mfn.settings import Settings

Columns = TypeVarTuple("Columns")

HEAD = "0014"
"""The newest migration; a test compares it with ledger/migrations."""
READINGS = 2
"""How often to try: a rotation of the keys may end between reading the ledger and reading the file, but not twice."""


@dataclass(frozen=True)
class Ledger:
    """The open ledger.

    Attributes:
        engine: Its database.
        cipher: Encrypts and decrypts buyers' data.
    """

    engine: Engine
    cipher: Cipher

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads: it never waits for a writer on SQLite.

        Raises:
            RetriableError: The ledger cannot be reached.
            FatalError: It lacks tables or columns of the statement.
        """
        return reading(self.engine, what="the ledger")

    def rows(self, statement: Select[*Columns]) -> Sequence[Row[*Columns]]:
        """What a statement finds, in a transaction that only reads; raises what `reading` does."""
        with self.reading() as database:
            return database.execute(statement).all()

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that commits at the end, or leaves nothing behind.

        Raises:
            RetriableError: The ledger cannot be reached, or was lost on the way.
            DataError: It refuses a row; others may be taken.
            FatalError: It refuses what is written.
        """
        return writing(self.engine, what="the ledger")


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of these settings, at the newest schema, its keys proven to fit.

    Encryption keys are created only together with a new, empty ledger.

    Raises:
        ConfigurationError: No key fits a ledger that has data, or it was written by a newer version.
        RetriableError: Its database cannot be reached.
    """
    make_home(settings.home)
    url = settings.ledger_url.get_secret_value()
    _make_private(url)
    engine, what = ledger_engine(url), f"the ledger {shown_database_url(url)}"
    with reading(engine, what=what) as connection:
        is_current = _version(connection) == HEAD
        proofs = registered_keys(connection) if is_current else None
    if not is_current:
        _migrate(engine, what)
    keys, proofs = _keys_and_proofs(engine, what, settings, proofs)
    if keys[0].key_id in proofs:
        secret = secret_of(keys, proofs)
    else:
        with writing(engine, what=what) as connection:
            secret = register_newest(connection, keys)
    return Ledger(engine, Cipher(keys, secret))


def _keys_and_proofs(
    engine: Engine, what: str, settings: Settings, proofs: dict[str, bytes] | None
) -> tuple[tuple[Key, ...], dict[str, bytes]]:
    """The configured keys, newest first, and the ledger's proof of each key that its data may be encrypted with.

    What was just read is not read again: a run opens its ledger a dozen times.
    """
    missing: list[str] = []
    for _ in range(READINGS):
        if proofs is None:
            with reading(engine, what=what) as connection:
                proofs = registered_keys(connection)
        keys = read_keys(settings, is_new=not proofs)
        missing = sorted(set(proofs) - {key.key_id for key in keys})
        if not missing:
            return keys, proofs
        proofs = None
    remedy = REMEDY
    if settings.pii_keys is None and retired_ids(settings.keys_file).issuperset(missing):  # restored from a backup
        remedy = (
            f"They are in {retired_file(settings.keys_file)}: append its lines to {settings.keys_file},"
            " and run mfn keys rotate."
        )
    raise ConfigurationError(
        f"the ledger holds data encrypted with keys that are missing: {', '.join(missing)}.", remedy=remedy
    )


def ledger_engine(url: str) -> Engine:
    """The engine of a ledger.

    A power cut may lose its last commits, but consistently, the watermark with what had landed; and what the warehouse
    has is read again. The warehouse itself always waits for its disk: it never knows less than the ledger.
    """
    return engine_for(url, survives_power_cut=False, is_shared=False)


def is_there(settings: Settings) -> bool:
    """Whether there is a ledger to read; for a database server, opening it will tell.

    Raises:
        ConfigurationError: MFN_HOME is not a directory, for instance because its disk is not mounted.
    """
    file = sqlite_file(settings.ledger_url.get_secret_value())
    if file is None or file.exists():
        return True
    if os.path.lexists(settings.home):
        make_home(settings.home)
    return False


def ledger_if_any(settings: Settings) -> Ledger | None:
    """The ledger of these settings, for listings; None, without creating one, if nothing ever ran.

    Raises:
        FatalError: MFN_LEDGER_URL names a file in a folder that does not exist.
        ConfigurationError: It cannot be opened, see `open_ledger`.
        RetriableError: Its database cannot be reached.
    """
    if is_there(settings):
        return open_ledger(settings)
    url = settings.ledger_url.get_secret_value()
    file = sqlite_file(url)
    if file is not None and settings.home not in file.parents and not file.parent.is_dir():
        raise FatalError(
            f"the ledger {shown_database_url(url)} cannot be opened: its folder {file.parent} does not exist.",
            remedy="Restore it (a disk that is not mounted?), or correct MFN_LEDGER_URL.",
        )
    return None


def existing_ledger(settings: Settings) -> Ledger:
    """The ledger of these settings, for reading or changing what it has; it is not created if there is none.

    Raises:
        ConfigurationError: There is none, or it cannot be opened, see `open_ledger`.
        RetriableError: Its database cannot be reached.
    """
    if not is_there(settings):
        raise ConfigurationError(
            f"there is no ledger {shown_database_url(settings.ledger_url.get_secret_value())} yet.",
            remedy="Run the command in the folder where your runs are started, or set MFN_HOME and MFN_LEDGER_URL as"
            " they do; mfn init creates one.",
        )
    return open_ledger(settings)


def make_home(home: Path) -> None:
    """Create the home directory, readable by its owner only."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        if home.is_symlink():
            message = f"MFN_HOME {home} is a link to {home.readlink()}, which is not an existing directory."
            remedy = "Restore the link's target (a disk that is not mounted?), or set MFN_HOME to another directory."
            raise ConfigurationError(message, remedy=remedy) from None
        raise ConfigurationError(
            f"MFN_HOME {home} cannot be created: {error.strerror}.",
            remedy=writing_remedy(error, "Set MFN_HOME to a directory that this user may write to."),
        ) from None


def _make_private(url: str) -> None:
    """Make a new SQLite file accessible to its owner only, even in a home that others may look into."""
    file = sqlite_file(url)
    if file is not None:
        with suppress(OSError):  # the database reports what cannot be created
            # Only if it is new: closing a file drops every lock that this process holds on it through SQLite.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))


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
        lock_schema(connection)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                f"{what} was written by another version of mfn: {error}",
                remedy="Install the version that wrote it, or a newer one.",
            ) from None
