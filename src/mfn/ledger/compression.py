"""What is encrypted in the ledger is made small first: a day of orders takes a tenth of the room, stored and moved."""

from __future__ import annotations

import zstandard

LEVEL = 1
"""More would save a hundredth, and cost half as much again."""


def compressed(content: bytes) -> bytes:
    """Content as it is encrypted.

    Args:
        content: MessagePack of an array, as pages and chunks are.
    """
    return zstandard.compress(content, level=LEVEL)


def decompressed(stored: bytes) -> bytes:
    """The content of what was decrypted; what earlier versions wrote stands there as it is.

    Args:
        stored: What `compressed` returned, or MessagePack of an array, which never begins like that.
    """
    return zstandard.decompress(stored) if stored.startswith(zstandard.FRAME_HEADER) else stored
