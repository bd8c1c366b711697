"""URLs of databases: which ones this project can use, and how they are shown."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mfn.errors import ConfigurationError
from mfn.plain_text import HARMFUL, UNSEEN


def resolve_database_url(url: str, base: Path, *, setting: str) -> str:
    """A database URL that this project can use, with a relative SQLite path resolved.

    Args:
        url: A SQLAlchemy URL; `postgresql://` gets the psycopg 3 driver.
        base: The folder that a relative SQLite path starts from.
        setting: The name of this URL for people, for the message.

    Raises:
        ConfigurationError: Not a URL, one with invisible characters, or neither SQLite nor PostgreSQL.
    """
    remedy = f"Set {setting} to sqlite:///path/to/file.db or postgresql://user:password@host/database."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: what is in place of a port may be a password
        raise ConfigurationError(f"{setting} is not a database URL.", remedy=remedy) from None
    if "@" in (parsed.host or ""):  # the rest of a password, which messages would show as the host
        raise ConfigurationError(
            f"{setting} has more than one @.", remedy=f"In the user and the password of {setting} write %40 for each @."
        )
    if any(map(HARMFUL.search, (url, *filter(None, (parsed.username, parsed.password, parsed.database))))):
        raise ConfigurationError(f"{setting} {UNSEEN}.", remedy=remedy)
    try:
        (parsed.host or "").encode("idna")
    except UnicodeError:
        raise ConfigurationError(f"{setting} has an impossible host name.", remedy=remedy) from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if backend != "sqlite":
        raise ConfigurationError(f"{setting} is a {backend} URL; SQLite and PostgreSQL are supported.", remedy=remedy)
    if not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError(
            f"{setting} does not name a file; a database in memory would lose orders.", remedy=remedy
        )
    return parsed.set(drivername="sqlite", database=str((base / parsed.database).absolute())).render_as_string()


def shown_database_url(url: str) -> str:
    """A database URL for messages: without its password, and without its options, which may contain one.

    Args:
        url: A SQLAlchemy URL.
    """
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for a database server."""
    parsed = make_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None
