"""Errors of a database or its driver, as this project's errors, without values, which may be a buyer's."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from mfn.errors import DataError, FatalError, MfnError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

URLS = "the warehouse: warehouse.url in connections.yaml; the ledger: MFN_LEDGER_URL"
LOST_REMEDY = f"Check that the database is running, has free disk space, and that its URL is right ({URLS}); then "
BUSY_REMEDY = "Another program is writing to it or keeps it locked: stop that program if it hangs; then "
AGAIN = "run the command again (a batch: mfn rerun --failed)."

SQLITE_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
"""Primary result codes of SQLite for faults that may be gone at the next try (sqlite.org/rescode.html)."""

SQLITE_WRONG_FILE = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}
"""Primary result codes of SQLite for a file that is not a database, or no longer one."""

SQLITE_ROW = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH}
"""Primary result codes of SQLite for a value or a row that is refused."""

DATA_EXCEPTION = "22"

UNTRANSLATABLE = "22P05"
"""PostgreSQL's code for a character that the database's encoding lacks; its message quotes encodings, but no value."""

CONSTRAINT_VIOLATION = "23"

RAISED_BY_TRIGGER = "P0001"

RAISE_STATEMENT = "exec_stmt_raise"
"""The place in PostgreSQL's source (pl_exec.c) of errors whose code and words a trigger chose."""

QUOTED = re.compile(r'["«»„“”].*["«»„“”]', re.DOTALL)
"""A value between quotation marks, whichever language the server speaks."""

NOT_ALLOWED = ("42501", "3F000")
"""PostgreSQL's codes for a login that lacks a right; the second if it may not even use the schema."""

LOCKED = "55P03"
"""PostgreSQL's code when a lock was not obtained in time."""

READ_ONLY = "25006"
"""PostgreSQL's code for a write where nothing may be written: on a standby, or during maintenance."""

ENDED = "57014"
"""PostgreSQL's code for a statement that took longer than its statement_timeout, or that somebody cancelled."""

REMEDIES = {
    LOCKED: BUSY_REMEDY,
    READ_ONLY: "It accepts no writes at present: it is a standby, or read-only during maintenance. Check that its"
    f" URL leads to the primary ({URLS}); then ",
    ENDED: "The statement was cancelled, or took longer than statement_timeout allows: raise the limit for the login"
    " (ALTER ROLE … SET statement_timeout), or find what slows it down, such as a trigger or a missing index; then ",
}
"""Remedies for cases in which more is known than that PostgreSQL cannot be used."""

URL_FAULTS = {
    "invalid connection option": f"Correct what follows the ? in its URL ({URLS}).",
    "unsupported startup parameter": "Set PgBouncer to pool sessions and to ignore this parameter"
    f" (ignore_startup_parameters = options), or point the URL at the server itself ({URLS}).",
}
"""libpq's words for an unknown parameter in a URL, and PgBouncer's for one that it does not pass on."""

COPY_COLUMN = re.compile(r"COPY \w+, line \d+, column (\w+)")


@contextmanager
def explained(engine: Engine, what: str, *, deed: str) -> Iterator[None]:
    """Raise this project's error for what a database or its driver raises.

    Args:
        engine: The database.
        what: How a person knows it, e.g. `the ledger`.
        deed: What is done there, as a participle: `read`, `written`.

    Raises:
        RetriableError: It cannot be reached, or was lost on the way.
        DataError: It refuses a row; others may be taken.
        FatalError: It refuses the statement, or is not such a database.
    """
    driver: Any = engine.dialect.loaded_dbapi
    try:
        yield
    except PoolTimeoutError:
        raise RetriableError(
            f"{what} cannot be used: all of this process's connections to it are busy.",
            remedy="Run the command again (a batch: mfn rerun --failed).",
        ) from None
    except DBAPIError as error:
        # `from None`: the driver's full message quotes the values, which may be a buyer's.
        raise _error(engine, what, error.orig, deed=deed, lost=error.connection_invalidated) from None
    except driver.Error as error:  # raised past SQLAlchemy: COPY, and SQLite's own settings
        raise _error(engine, what, error, deed=deed, lost=False) from None


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of an error (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _error(engine: Engine, what: str, error: Any, *, deed: str, lost: bool) -> MfnError:
    driver: Any = engine.dialect.loaded_dbapi
    said = _said(error)
    if isinstance(error, sqlite3.Error):
        code = primary_code(error)
        if code in SQLITE_WRONG_FILE:
            where = "" if str(engine.url.database) in what else f" from {engine.url.database}"
            return FatalError(
                f"{what} cannot be read{where}: {said}",
                remedy=f"Name the right file ({URLS}), or restore a good copy of it; then run the command again.",
            )
        passing, forbidden = code in SQLITE_PASSING, code == sqlite3.SQLITE_READONLY
        first = BUSY_REMEDY if code == sqlite3.SQLITE_BUSY else LOST_REMEDY
        deed = "written"  # also to read, it writes beside the file
    else:
        passing = isinstance(error, driver.OperationalError | driver.InterfaceError) or error.sqlstate == READ_ONLY
        forbidden, first = error.sqlstate in NOT_ALLOWED, REMEDIES.get(error.sqlstate or "", LOST_REMEDY)
    for words, remedy in URL_FAULTS.items():
        if words in said:
            return FatalError(f"{what} cannot be used: {said}", remedy=remedy)
    if passing or lost:
        return RetriableError(
            f"{what} cannot be used: {said}",
            remedy=first + AGAIN,
        )
    if forbidden:
        return FatalError(
            f"{what} may not be {deed}: {said}",
            remedy="Grant the login (a file: the user) that right; then run it again (a batch: mfn rerun --failed).",
        )
    if _is_about_a_row(error):
        return DataError(
            f"{what} refused a row: {said}",
            remedy="Widen the named column, relax the named constraint, or correct the value at its source.",
        )
    return FatalError(
        f"{what} refused a statement: {said}",
        remedy="Compare the named table with docs/warehouse.md (the ledger: with this version's migrations), "
        "correct it, and run the command again (a batch: mfn rerun --failed).",
    )


def _is_about_a_row(error: Any) -> bool:
    """Whether a value or a row was refused, so that other rows may be accepted."""
    if isinstance(error, sqlite3.Error):
        return primary_code(error) in SQLITE_ROW
    state = error.sqlstate or ""
    return state.startswith((DATA_EXCEPTION, CONSTRAINT_VIOLATION)) or _is_raised_by_trigger(error)


def _is_raised_by_trigger(error: Any) -> bool:
    diagnosis = getattr(error, "diag", None)
    by_statement = diagnosis is not None and diagnosis.source_function == RAISE_STATEMENT
    return by_statement or getattr(error, "sqlstate", None) == RAISED_BY_TRIGGER


def _said(error: Any) -> str:
    """The first line of a database's message, without the values that it quotes."""
    diagnosis = getattr(error, "diag", None)
    text = ((diagnosis and diagnosis.message_primary) or str(error)).strip()
    state = getattr(error, "sqlstate", None) or ""
    if _is_raised_by_trigger(error):
        return f"one of its triggers refused a row (SQLSTATE {state}); the server's log has the message."
    if state.startswith(DATA_EXCEPTION) and state != UNTRANSLATABLE:
        text = QUOTED.sub('"…"', text)
        column = COPY_COLUMN.match((diagnosis and diagnosis.context) or "")
        text += f" (column {column[1]})" if column else ""
    return text.splitlines()[0] if text else type(error).__name__
