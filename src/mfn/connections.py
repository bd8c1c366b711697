"""connections.yaml: one entry for each seller account and region, checked as a whole, every fault with its line."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from mfn.connection import Connection, credentials_that_fit
from mfn.errors import ConfigurationError, Problem, shown_path
from mfn.file_faults import reading_fault, see_that_it_is_a_file
from mfn.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mfn.settings import Settings

NAME = re.compile(r"[a-z][a-z0-9_]*")


def load_connections(settings: Settings) -> dict[str, Connection]:
    """Every connection of the connections file.

    Args:
        settings: The settings in force.

    Returns:
        Connections by name, warehouse URLs resolved.

    Raises:
        ConfigurationError: The file is missing or wrong; every fault at once as file:line with its key and remedy.
    """
    return dict(_checked(settings.connections, _read(settings.connections)))


@lru_cache(maxsize=8)  # every step of a run reads the same text
def _checked(path: Path, text: str) -> Mapping[str, Connection]:
    shown = shown_path(path)
    document = parse_yaml(text, shown)
    if isinstance(document, Problem):
        raise ConfigurationError(problems=(document,))
    top, entries = (document, document.get("connections")) if isinstance(document, CommentedMap) else ({}, None)
    problems = [
        Problem(shown, _line(document, (key,)), str(key), "unknown key; valid keys are: connections.")
        for key in top
        if key != "connections"
    ]
    if not isinstance(entries, CommentedMap) or not entries:
        message, remedy = "expected a mapping with one entry per connection.", "Run mfn init for an example."
        raise ConfigurationError(problems=(Problem(shown, 1, "connections", message, remedy), *problems))
    connections = {}
    for name, entry in entries.items():
        found = _check(path, name, entry, entries)
        if isinstance(found, Connection):
            connections[found.name] = found
        else:
            problems += found
    if problems:
        raise ConfigurationError(problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)))
    return connections


def find_connection(settings: Settings, name: str) -> Connection:
    """One connection by its name.

    Raises:
        ConfigurationError: The file is wrong, or has no such connection.
    """
    connections = load_connections(settings)
    if name not in connections:
        raise ConfigurationError(
            f"{shown_path(settings.connections)} has no connection {name!r}; it has: {', '.join(connections)}.",
            remedy="Use one of these, or add an entry to the file.",
        )
    return connections[name]


def with_its_credentials_alone(settings: Settings, name: str) -> Connection | None:
    """A connection from a faulty file, with only its name and credentials, to see whether its secrets are there.

    Args:
        settings: The settings in force.
        name: The connection's name.

    Returns:
        None if the file has no such connection, or its `credentials` are among the faults.
    """
    try:
        document = parse_yaml(_read(settings.connections), shown_path(settings.connections))
        entry = document["connections"][name]
        where = entry.get("credentials") or Connection.model_fields["credentials"].default
        return Connection.model_construct(name=name, credentials=credentials_that_fit(where))
    except (ConfigurationError, TypeError, KeyError, AttributeError, ValueError):
        return None


def _read(path: Path) -> str:
    shown = shown_path(path)
    try:
        see_that_it_is_a_file(path)
        return path.read_text(encoding="utf-8")
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            remedy = "Run mfn init for an example, or set MFN_CONNECTIONS to the path of yours."
            raise ConfigurationError(f"{shown} does not exist.", remedy=remedy) from None
        message, remedy = reading_fault(path, error)
        raise ConfigurationError(f"{shown} {message}", remedy=remedy) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 (byte 0x{error.object[error.start]:02X})."
        raise ConfigurationError(problems=(Problem(shown, line, None, message, "Save it as UTF-8."),)) from None


def _check(path: Path, name: Any, entry: Any, entries: CommentedMap) -> Connection | list[Problem]:
    shown = shown_path(path)
    line = _line(entries, (name,))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return [
            Problem(
                shown,
                line,
                f"connections.{name}",
                "a connection's name has only lower case letters, digits and underscores, and starts with a letter.",
            )
        ]
    if not isinstance(entry, CommentedMap):
        return [Problem(shown, line, f"connections.{name}", "expected a mapping with seller_id and marketplaces.")]
    plain = {key: value for key, value in entry.items() if value is not None or key in {"endpoint", "lwa_endpoint"}}
    if "name" in plain:
        return [Problem(shown, _line(entry, ("name",)), f"connections.{name}.name", "unknown key.")]
    try:
        return Connection.model_validate({"warehouse": {}} | _plain(plain) | {"name": name}, context=path.parent)
    except ValidationError as error:
        return [_problem(shown, name, entry, found) for found in error.errors()]


def _problem(shown: str, name: str, entry: CommentedMap, found: Any) -> Problem:
    where = tuple(found["loc"])
    key = ".".join(str(part) for part in ("connections", name, *where))
    message = str(found["msg"]).removeprefix("Value error, ")
    got = "" if where[0] == "warehouse" else f", got {found['input']!r}"  # its URL may hold a password
    if found["type"] == "extra_forbidden":
        model: Any = Connection
        for part in where[:-1]:
            model = model.model_fields[part].annotation
        valid = ", ".join(field for field in model.model_fields if field != "name")
        message = f"unknown key; valid keys are: {valid}"
    elif found["type"] == "missing":
        message = "is required and missing"
    elif found["type"] == "model_type":
        section: Any = Connection.model_fields[where[0]].annotation
        keys = ", ".join(
            field for model in (section, *get_args(section)) for field in getattr(model, "model_fields", ())
        )
        message = f"expected a mapping with keys from: {keys}"
    elif found["type"] == "string_type":
        message += f"{got}: {'write a single text' if isinstance(found['input'], list | dict) else 'put it in quotes'}"
    elif found["type"] != "value_error":
        message += got
    return Problem(shown, _line(entry, where), key, message + ".")


def _line(node: Any, where: tuple[Any, ...]) -> int | None:
    """The line, from 1, of the deepest part of a path that the file has."""
    line = node.lc.line + 1 if isinstance(node, CommentedMap | CommentedSeq) else None
    for part in where:
        try:
            line = node.lc.key(part)[0] + 1 if isinstance(node, CommentedMap) else node.lc.item(part)[0] + 1
            node = node[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value
