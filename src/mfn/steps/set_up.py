"""The set-up, checked before a run: all its faults are reported at once, and nothing starts while there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.connections import with_its_credentials_alone
from mfn.errors import ConfigurationError, together, with_rows
from mfn.mappings import check_mappings
from mfn.settings import environment
from mfn.steps.workplace import open_workplace

if TYPE_CHECKING:
    from mfn.models import BatchKind
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

WITHOUT_AMAZON: frozenset[BatchKind] = frozenset({"purge"})
"""Kinds of run that need neither mappings nor credentials, and that no fault in these stops."""


def check_set_up(place: Workplace) -> None:
    """Raise every fault of the set-up at once, before anything is started.

    Raises:
        ConfigurationError: Mappings or credentials are wrong.
    """
    problems: list[ConfigurationError] = []
    for part in ("mappings", "amazon"):
        try:
            getattr(place, part)
        except ConfigurationError as error:
            problems.append(error)
    if problems:
        raise together(problems)


def place_of(settings: Settings, connection: str, kind: BatchKind) -> Workplace:
    """The workplace of a run; if it cannot be opened, faults of mapping files and secrets are reported along with that.

    Raises:
        ConfigurationError: The connections file is wrong, or the ledger's keys are.
        RetriableError: The ledger cannot be reached.
    """
    try:
        return open_workplace(settings, connection)
    except ConfigurationError as error:
        if not error.problems or kind in WITHOUT_AMAZON:
            raise
        of_files = with_rows(error, check_mappings(settings.mappings))
        raise together([of_files, *_wrong_secrets(settings, connection)]) from None


def _wrong_secrets(settings: Settings, connection: str) -> list[ConfigurationError]:
    from mfn.amazon.credentials import load_credentials  # noqa: PLC0415 - httpx is not needed where nothing is wrong

    known = with_its_credentials_alone(settings, connection)
    try:
        if known is not None:
            load_credentials(known, environment(), settings.base)
    except ConfigurationError as error:
        return [error]
    return []
