"""The ledger for the site: never created here, and opened again for each page, so that no page is stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.ledger.opening import is_there, open_ledger

if TYPE_CHECKING:
    from fastapi import Request

    from mfn.ledger.opening import Ledger


class NoLedgerError(Exception):
    """Nothing has run here yet."""


class NotFoundError(Exception):
    """What a URL names does not exist.

    Args:
        message: What is not there.
        remedy: What to do.
        root: The way back to the site's first page.
    """

    def __init__(self, message: str, *, remedy: str, root: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.root = root


def ledger_of(request: Request) -> Ledger:
    """The ledger of the settings that the site was started with.

    Raises:
        NoLedgerError: There is none.
        MfnError: It cannot be used.
    """
    if not is_there(request.app.state.settings):
        raise NoLedgerError
    return open_ledger(request.app.state.settings)
