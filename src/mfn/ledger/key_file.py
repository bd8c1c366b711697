"""The encryption keys from MFN_PII_KEYS, or from a file in MFN_HOME that is created together with the ledger."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mfn.errors import ConfigurationError
from mfn.file_faults import reading_fault, writing_remedy
from mfn.ledger.encryption import REMEDY, new_key, parse_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.ledger.encryption import Key
    from mfn.settings import Settings


RETIRED_SUFFIX = ".retired"
"""The end of the name of the file with the keys that nothing is encrypted with any more."""

DRAFT_SUFFIX = ".draft"
"""The end of the names of drafts that are not in place yet; a process that is killed leaves its draft behind."""


def read_keys(settings: Settings, *, is_new: bool) -> tuple[Key, ...]:
    """The configured keys, newest first.

    For a new ledger a key is created if there is none yet.

    Raises:
        ConfigurationError: There is no key, one of them is not a key, or others may read them.
    """
    if settings.pii_keys is not None:
        return parse_keys(settings.pii_keys.get_secret_value(), origin="MFN_PII_KEYS")
    path = settings.keys_file
    try:
        if is_new and not path.exists():
            _make_keys(path)
    except OSError as error:
        raise _cannot_be_kept(path, error) from None
    try:
        mode, written = path.stat().st_mode, path.read_bytes().decode("ascii", errors="replace")
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            message = f"the ledger holds encrypted data, but {path} is missing."
            raise ConfigurationError(message, remedy=REMEDY) from None
        message, remedy = reading_fault(path, error)
        raise ConfigurationError(f"{path}, the file of the encryption keys, {message}", remedy=remedy) from None
    if mode & 0o077:
        raise ConfigurationError(f"{path} may be read by others.", remedy=f"Run chmod 600 {path}.")
    return parse_keys(written, origin=str(path))


def _make_keys(path: Path) -> None:
    """Write a new key, completely or not at all; if another process was first, its key stays."""
    with tempfile.NamedTemporaryFile(  # made with mode 0600
        "w", encoding="ascii", dir=path.parent, prefix=f"{path.name}.", suffix=DRAFT_SUFFIX
    ) as file:
        file.write(new_key() + "\n")
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def put_in_front(path: Path, key: str) -> None:
    """Write a new key, made by `new_key`, in front of those in the file: in one go and flushed to disk, or not at all.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    _replace(path, [key, *_entries(path)], like=path)


def set_aside(path: Path, newest: str) -> tuple[str, ...]:
    """Move every key but that with the id `newest` into another file, `keys.retired`, for backups from before.

    If it is interrupted, the next call finishes it: every key is always in at least one of the two files. Drafts that
    earlier calls left behind are removed.

    Returns:
        The ids of those that were moved.

    Raises:
        ConfigurationError: A file cannot be written.
    """
    entries = _entries(path)
    ids = {entry: parse_keys(entry, origin=str(path))[0].key_id for entry in entries}
    old = [entry for entry in entries if ids[entry] != newest]
    if old:
        retired = retired_file(path)
        kept = _entries(retired) if retired.exists() else []
        _replace(retired, [*(entry for entry in old if entry not in kept), *kept], like=path)
        _replace(path, [entry for entry in entries if entry not in old], like=path)
    place = path.resolve()
    for leftover in place.parent.glob(f"{place.name}.*{DRAFT_SUFFIX}"):
        leftover.unlink(missing_ok=True)
    return tuple(ids[entry] for entry in old)


def retired_file(path: Path) -> Path:
    """The file of the retired keys, next to a file with keys."""
    return path.with_name(path.name + RETIRED_SUFFIX)


def retired_ids(path: Path) -> frozenset[str]:
    """The ids of the retired keys of a file with keys; none if they cannot be read."""
    retired = retired_file(path)
    try:
        return frozenset(key.key_id for key in parse_keys(",".join(_entries(retired)), origin=str(retired)))
    except ConfigurationError:
        return frozenset()


def _entries(path: Path) -> list[str]:
    try:
        written = path.read_text(encoding="ascii").replace("\n", ",").split(",")
    except OSError as error:
        message, remedy = reading_fault(path, error)
        raise ConfigurationError(f"{path}, a file of encryption keys, {message}", remedy=remedy) from None
    except UnicodeDecodeError:
        remedy = "Restore it from a backup; a file without a key can be deleted. Then run mfn keys rotate again."
        raise ConfigurationError(f"{path} does not contain encryption keys.", remedy=remedy) from None
    return list(dict.fromkeys(filter(None, map(str.strip, written))))


def _replace(path: Path, entries: Sequence[str], *, like: Path) -> None:
    """Write keys, one a line, replacing a file that may exist; with the permissions of another file."""
    path = path.resolve()
    try:
        owned = like.stat()
        draft, name = tempfile.mkstemp(DRAFT_SUFFIX, f"{path.name}.", path.parent)  # made with mode 0600
        try:
            with os.fdopen(draft, "w", encoding="ascii") as file:
                os.fchown(draft, owned.st_uid, owned.st_gid)
                os.fchmod(draft, owned.st_mode & 0o700)
                file.write("".join(f"{entry}\n" for entry in entries))
                file.flush()
                os.fsync(draft)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _cannot_be_kept(path, error) from None


def _cannot_be_kept(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the encryption keys cannot be stored in {path}: {error.strerror}.",
        remedy=writing_remedy(error, "Allow this user to read and write MFN_HOME, or set MFN_PII_KEYS."),
    )
