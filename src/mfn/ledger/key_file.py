"""The encryption keys as they are given: MFN_PII_KEYS, or a file in MFN_HOME that is made with the ledger."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from mfn.errors import ConfigurationError
from mfn.ledger.encryption import REMEDY, new_key, parse_keys

if TYPE_CHECKING:
    from pathlib import Path

    from mfn.ledger.encryption import Key
    from mfn.settings import Settings


def read_keys(settings: Settings, *, is_new: bool) -> tuple[Key, ...]:
    """The keys that are given, newest first.

    Args:
        settings: The settings in force.
        is_new: Whether the ledger is new: a key is made for it where there is none yet.

    Raises:
        ConfigurationError: There are none, one of them is none, or others may read them.
    """
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
