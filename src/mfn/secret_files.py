"""Secrets in files: those that `NAME_FILE` names, and who else may read files with secrets."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

from mfn.errors import ConfigurationError, Problem, shown_path
from mfn.file_faults import see_that_it_is_a_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.settings import Settings

FILE = "_FILE"
"""The end of the name of a variable that names the file of a secret."""

PLACE = "the environment"
MOST_BYTES = 65_536
FOR_OTHERS = stat.S_IROTH | stat.S_IWOTH
NOT_FOR_OWNER = stat.S_IRWXG | stat.S_IRWXO
PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:[^\s@]+@")


def secret_of(name: str, environ: Mapping[str, str], base: Path) -> str:
    """A secret from the variable of its name, or from the file that `NAME_FILE` names; empty if neither is set.

    Args:
        name: The variable's name, e.g. `LWA_CLIENT_SECRET_US`.
        environ: Environment variables, as `mfn.settings.environment` returns them.
        base: The folder that a relative path starts from.

    Raises:
        ConfigurationError: Both are set, the file cannot be used, or it holds more than one line of text; its one
            problem names the variable.
    """
    value, path = environ.get(name, "").strip(), environ.get(name + FILE, "").strip()
    if value and path:
        raise both_set(name)
    if not path:
        return value
    secret = read_secret(base / path, variable=name + FILE)
    if not secret.isprintable():
        raise _wrong(
            name + FILE,
            "the file that it names holds more than one line, or non-printable characters.",
            "Write only the secret into it.",
        )
    return secret


def read_secret(path: Path, *, variable: str) -> str:
    """A secret from its file, without the blanks and line breaks around it.

    The value of the variable is never shown: by mistake, it may be the secret itself.

    Args:
        path: The file.
        variable: The variable that names it.

    Raises:
        ConfigurationError: It cannot be read, is empty, or others may read or write it; its one problem names the
            variable.
    """
    try:
        with path.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read(MOST_BYTES + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path that no system accepts
        why = getattr(error, "strerror", None) or "it is not text"
        remedy = "Set it to a file that holds only the secret."
        if isinstance(error, PermissionError):
            remedy = "Allow this user to read it and to enter the folders above it."
        raise _wrong(variable, f"names a file that cannot be read ({why}).", remedy) from None
    if mode & FOR_OTHERS:
        shown = shown_path(path)
        raise _wrong(variable, f"{shown} can be read or written by everybody.", f"Run chmod o-rw {shown}.")
    if not text or len(content) > MOST_BYTES:
        what = "is empty" if not text else f"is longer than {MOST_BYTES:,} bytes"
        raise _wrong(variable, f"the file that it names {what}.", "Write only the secret into it.")
    return text


def both_set(name: str) -> ConfigurationError:
    """The problem of a secret that is set both as a value and as a file.

    Args:
        name: The variable's name.
    """
    return _wrong(name, f"is set, and so is {name}{FILE}.", "Keep one of the two.")


def exposed_files(settings: Settings) -> list[Problem]:
    """Those of `.env` and the connections file that contain secrets and that others may read or write.

    Args:
        settings: The settings in force.

    Returns:
        One problem for each file; files without a secret, and those that cannot be examined, are left out.
    """
    found = []
    for path, has_secret in ((Path(".env"), _has_values), (settings.connections, _has_password)):
        try:
            is_exposed = bool(path.stat().st_mode & NOT_FOR_OWNER) and has_secret(path)
        except (OSError, UnicodeDecodeError):
            continue
        if is_exposed:
            shown = shown_path(path)
            found.append(
                Problem(
                    shown, None, None, "other users can read this file, which holds secrets.", f"Run chmod 600 {shown}."
                )
            )
    return found


def _has_values(path: Path) -> bool:
    return any(dotenv_values(path).values())


def _has_password(path: Path) -> bool:
    see_that_it_is_a_file(path)
    return PASSWORD_IN_URL.search(path.read_text(encoding="utf-8")) is not None


def _wrong(variable: str, message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(problems=(Problem(PLACE, None, variable, message, remedy),))
