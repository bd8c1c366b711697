"""Why a file could not be read or written, and what to do about it: one remedy for each cause."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from mfn.errors import shown_path

if TYPE_CHECKING:
    from pathlib import Path

MAKE_ROOM = "Free space on that disk."
TOO_MANY_OPEN = "Stop the program that keeps too many files open, or raise its limit (ulimit -n)."
ANOTHER_DISK = "Check that its disk or share is mounted and healthy; otherwise restore the file from a backup."
REMEDIES = {
    errno.EISDIR: "Replace this directory with a file.",
    errno.ENOTDIR: "Part of its path is a file where a directory was expected: correct the path.",
    errno.ENOENT: "Put a file there, or correct the path.",
    errno.EEXIST: "There is a file where a directory was expected: remove it, or use another path.",
    errno.ELOOP: "The links form a loop: replace one of them with a file.",
    errno.ENAMETOOLONG: "Use a shorter path.",
    errno.ENXIO: "Replace it with a regular file: this one cannot be read.",
    errno.EMFILE: TOO_MANY_OPEN,
    errno.ENFILE: TOO_MANY_OPEN,
    errno.EIO: ANOTHER_DISK,
    errno.ESTALE: ANOTHER_DISK,
    errno.ENOTCONN: ANOTHER_DISK,
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: MAKE_ROOM,
    errno.EFBIG: MAKE_ROOM,
    errno.EROFS: "That disk is read-only: use a path on another one.",
}


def see_that_it_is_a_file(path: Path) -> None:
    """Refuse what is not a file: reading a pipe may wait forever, and reading a device may never end.

    Args:
        path: What is to be read; a folder passes, since reading it fails anyway.

    Raises:
        OSError: It is neither a file nor a folder, or cannot be examined.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.ENXIO, "it is a pipe, a socket or a device")


def reading_fault(path: Path, error: OSError) -> tuple[str, str]:
    """Why a file cannot be read: a message to follow its name, and what to do.

    Args:
        path: The file.
        error: What reading it raised.
    """
    if error.errno == errno.ENOENT and path.is_symlink():
        to = path.readlink()
        message = f"cannot be read: it is a link to {to}, which does not exist."
        return message, f"Restore the link's target, or remove the link {shown_path(path)}."
    may_not = f"Allow this user to read {shown_path(path)} and to enter the folders above it."
    return f"cannot be read: {error.strerror}.", REMEDIES.get(error.errno or 0, may_not)


def writing_remedy(error: OSError, otherwise: str) -> str:
    """What to do about a file or folder that cannot be written or created.

    Args:
        error: What writing or creating it raised.
        otherwise: What to do if this user may not write there, or for a rare cause.
    """
    return REMEDIES.get(error.errno or 0, otherwise)
