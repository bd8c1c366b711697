"""Clients of HTTP as quick as tests need them: they trust one authority instead of all that everybody trusts."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_authority() -> Iterator[None]:
    """Let the clients of this process, and of the programs that it starts, read one authority.

    Each client reads them all again, on plain HTTP, too: thirty milliseconds, a dozen times in a run on Prefect.
    """
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    with tempfile.TemporaryDirectory(prefix="mfn-authority-") as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "authority.pem"
        path.write_text(first + end, encoding="utf-8")
        patch.setenv("SSL_CERT_FILE", str(path))
        yield
