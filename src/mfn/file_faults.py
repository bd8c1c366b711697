"""Why a file could not be read or written, and what to do about it: one remedy for each cause."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from mfn.errors import shown_path

if TYPE_CHECKING:
    from pathlib import Path

MAKE_ROOM = "Make room on that disk."
TOO_MANY_OPEN = "Close what holds so many files open, or raise its limit (ulimit -n)."
ANOTHER_DISK = "See that its disk or share is there and whole; otherwise put the file back from a backup."
REMEDIES = {
    errno.EISDIR: "Put a file in the place of this directory.",
    errno.ENOTDIR: "A part of its path is a file where a directory was expected: correct the path.",
    errno.ENOENT: "Put a file there, or correct the path.",
    errno.EEXIST: "A file stands where a directory was expected: take it away, or name another place.",
    errno.ELOOP: "Links lead round in a circle here: put a file in the place of one of them.",
    errno.ENAMETOOLONG: "Take a shorter path.",
    errno.ENXIO: "Put a file in its place: it is no file that can be read.",
    errno.EMFILE: TOO_MANY_OPEN,
    errno.ENFILE: TOO_MANY_OPEN,
    errno.EIO: ANOTHER_DISK,
    errno.ESTALE: ANOTHER_DISK,
    errno.ENOTCONN: ANOTHER_DISK,
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: MAKE_ROOM,
    errno.EFBIG: MAKE_ROOM,
    errno.EROFS: "Nothing can be written on that disk: name a place on another one.",
}


def see_that_it_is_a_file(path: Path) -> None:
    """Refuse what is no file: reading a pipe may wait for ever, and reading a device may never end.

    Args:
        path: What is to be read; a folder passes, since reading it fails by itself.

    Raises:
        OSError: It is neither a file nor a folder, or cannot be looked at.
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
        message = f"cannot be read: it is a link to {to}, which is not there."
        return message, f"Put back what it leads to, or take away the link {shown_path(path)}."
    may_not = f"Let this user read {shown_path(path)}, and look into the folders above it."
    return f"cannot be read: {error.strerror}.", REMEDIES.get(error.errno or 0, may_not)


def writing_remedy(error: OSError, otherwise: str) -> str:
    """What to do about a file or folder that cannot be written or created.

    Args:
        error: What writing or creating it raised.
        otherwise: What to do if this user may not write there, or for a rare cause.
    """
    return REMEDIES.get(error.errno or 0, otherwise)
