"""The one place that reads the environment and `.env`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL

from mfn.database.urls import resolve_database_url, shown_database_url
from mfn.errors import ConfigurationError, Problem
from mfn.file_faults import reading_fault
from mfn.mistyped import fault_of, mistyped_names
from mfn.plain_text import HARMFUL, UNSEEN
from mfn.secret_files import FILE, both_set, read_secret

PREFIX = "MFN_"
IN_FILES = ("ledger_url", "pii_keys")
"""The settings that may be in files of their own."""


def _from_home(path: Path) -> Path:
    """Expand a ~, as a shell would; `.env` has it unexpanded."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(
            f"begins with a ~, but no home folder is known for {path.parts[0]}; write the path out"
        ) from None


def _matching(pattern: str, expected: str) -> AfterValidator:
    """A check of a text's form; the error does not show the text, which may be the address of a webhook."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


File = Annotated[Path, AfterValidator(_from_home)]


class Settings(BaseSettings):
    """The settings in force.

    Attributes:
        home: The ledger, reports and keys live here; absolute once loaded.
        ledger_url: Any SQLAlchemy URL of SQLite or PostgreSQL.
        connections: The connections file; absolute once loaded.
        mappings: The mappings directory; absolute once loaded.
        ledger_url_file: The file that holds that URL instead; absolute once loaded.
        pii_keys: Encryption keys for buyers' data, newest first, comma separated; None for the file in `home`.
        pii_keys_file: The file that holds them instead; it is only read, never written.
        reports_url: The address at which people reach the report site, for links in Prefect; without it links name
            files.
        notification_block: Prefect's notification block for alerts, as `block-type/name`; None for no alerts.
        work_pool: Prefect's work pool for the deployments; the one with the default name is created if it is missing.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", env_file_encoding="utf-8", extra="ignore")

    home: File = Field(default=Path(".mfn"), description="state: the ledger, reports, keys")
    ledger_url: SecretStr = Field(default=SecretStr(""), description="SQLAlchemy URL of the ledger")
    ledger_url_file: File | None = Field(default=None, description="a file that holds the ledger's URL")
    connections: File = Field(default=Path("connections.yaml"), description="the connections file")
    mappings: File = Field(default=Path("mappings"), description="the mappings directory")
    pii_keys: SecretStr | None = Field(default=None, description="encryption keys for buyers' data, newest first")
    pii_keys_file: File | None = Field(default=None, description="a file that holds the encryption keys")
    reports_url: (
        Annotated[str, _matching(r"https?://[^\s/]+(/\S*)?", "an address such as http://127.0.0.1:8400")] | None
    ) = Field(default=None, description="where people reach the report site")
    notification_block: (
        Annotated[str, _matching(r"[a-z0-9-]+/[^/\s]+", "block-type/name, such as slack-webhook/operations")] | None
    ) = Field(default=None, description="Prefect's notification block that alerts go through, as block-type/name")
    work_pool: Annotated[str, _matching(r"[\w.-]+", "the name of a work pool, such as mfn")] = Field(
        default="mfn", description="Prefect's work pool that the deployments go to"
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_ones(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Treat empty values as not set, except keys: a ledger must not start without those that were meant for it."""
        empty = {name for name, value in values.items() if value == ""} - {"pii_keys"}
        beneath = {name.upper(): value for name, value in dotenv_values(".env").items()} if empty else {}
        values = values | {name: beneath.get(PREFIX + name.upper()) for name in empty}
        return {name: value for name, value in values.items() if value or name not in empty}

    @property
    def base(self) -> Path:
        """The folder from which relative paths are resolved: the connections file's, or the working directory."""
        return self.connections.parent if self.connections.is_file() else Path.cwd()

    @property
    def keys_file(self) -> Path:
        """The file of the encryption keys if `MFN_PII_KEYS` is not set."""
        return self.home / "keys"

    @property
    def reports(self) -> Path:
        """The folder of the data-quality reports."""
        return self.home / "reports"


def load_settings() -> Settings:
    """The settings in force, with every path absolute.

    Returns:
        Settings read from the environment and `.env` in the working directory.

    Raises:
        ConfigurationError: Settings cannot be used, all of which it names; `.env` or a file with a secret cannot be
            read; or everybody may read a secret.
    """
    try:
        _see_that_it_can_be_read(Path(".env"))
        settings = Settings()
    except ValidationError as error:
        raise ConfigurationError(
            problems=tuple(
                fault_of(PREFIX + str(entry["loc"][0]).upper(), str(entry["msg"]).removeprefix("Value error, ") + ".")
                for entry in error.errors()
            )
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 (byte 0x{error.object[error.start]:02X})."
        raise ConfigurationError(problems=(Problem(".env", line, None, message, "Save it as UTF-8."),)) from None
    except OSError as error:
        raise ConfigurationError(problems=(Problem(".env", None, None, *reading_fault(Path(".env"), error)),)) from None
    if wrong := [*mistyped_names(_names(), PREFIX), *_unseen(settings)]:
        raise ConfigurationError(problems=tuple(wrong))
    settings.connections = _here() / settings.connections
    base = settings.base
    _see_that_it_can_be_written(base)
    settings.home = (base / settings.home).absolute()
    settings.mappings = (base / settings.mappings).absolute()
    _read_secrets(settings, base)
    beside = URL.create("sqlite", database=str(settings.home / "ledger.db"))  # a folder's name may have a ? or a %41
    url = settings.ledger_url.get_secret_value() or beside.render_as_string()
    settings.ledger_url = SecretStr(resolve_database_url(url, base, setting="MFN_LEDGER_URL"))
    return settings


def _see_that_it_can_be_read(path: Path) -> None:
    """Raise for a link that leads nowhere, which the library would take for a missing file."""
    if path.is_symlink():
        path.stat()


def _here() -> Path:
    """The working directory; it may have been removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigurationError(
            f"the working directory does not exist: {error.strerror}.",
            remedy="Change into the folder of connections.yaml, then run the command again.",
        ) from None


def _see_that_it_can_be_written(folder: Path) -> None:
    """Raise if the name of a folder is not UTF-8, as the URL of a database in it has to be."""
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"the name of the folder {folder} is not UTF-8, or this machine's locale is not.",
            remedy="Set LC_ALL=C.UTF-8, or rename the folder, then run the command again.",
        ) from None


def _names() -> set[str]:
    return {PREFIX + name.upper() for name in Settings.model_fields}


def _unseen(settings: Settings) -> list[Problem]:
    """Settings that cannot be a file, URL or name: with control characters, or bytes that are not UTF-8."""
    values = ((name, getattr(settings, name)) for name in Settings.model_fields if name not in IN_FILES)
    return [
        fault_of(PREFIX + name.upper(), f"{UNSEEN}.", "Enter it again.")
        for name, value in values
        if value is not None and HARMFUL.search(str(value))
    ]


def _read_secrets(settings: Settings, base: Path) -> None:
    """Read the values of settings that are in files; all faults at once."""
    problems: list[Problem] = []
    for name in IN_FILES:
        path: Path | None = getattr(settings, name + FILE.lower())
        if path is None:
            continue
        variable, value = PREFIX + name.upper(), getattr(settings, name)
        try:
            if value is not None and value.get_secret_value():
                raise both_set(variable)
            setattr(settings, name + FILE.lower(), (base / path).absolute())
            setattr(settings, name, SecretStr(read_secret(base / path, variable=variable + FILE)))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems=tuple(problems))


def environment() -> dict[str, str]:
    """The environment over `.env` in the working directory, for names that are not this project's own.

    Returns:
        Every variable; an environment variable wins over the same one in `.env`, unless it is empty.
    """
    from_file = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return from_file | {name: value for name, value in os.environ.items() if value or name not in from_file}


def describe_settings(settings: Settings) -> list[dict[str, Any]]:
    """Each setting with its value (secrets masked) and its origin, for `mfn settings`.

    Args:
        settings: What `load_settings` returned.

    Returns:
        One `{setting, value, origin, meaning}` for each setting.
    """
    from_file = {name.upper() for name, value in dotenv_values(".env").items() if value}
    given = {name.upper() for name, value in os.environ.items() if value}
    rows = []
    for name, info in Settings.model_fields.items():
        variable = PREFIX + name.upper()
        origin = "environment" if variable in given else ".env" if variable in from_file else "default"
        if origin == "default" and getattr(settings, name + FILE.lower(), None) is not None:
            origin = variable + FILE
        rows.append(
            {"setting": variable, "value": _shown(name, settings), "origin": origin, "meaning": info.description}
        )
    return rows


def _shown(name: str, settings: Settings) -> str | None:
    value = getattr(settings, name)
    if name == "ledger_url":
        return shown_database_url(settings.ledger_url.get_secret_value())
    if isinstance(value, SecretStr):
        return "**********"
    if name == "pii_keys":
        return f"file {settings.keys_file}"
    return None if value is None else str(value)
