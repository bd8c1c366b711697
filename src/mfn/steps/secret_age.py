"""The age of a connection's client secret, for the warnings of runs and checks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mfn.ledger.seen_secrets import first_seen
from mfn.settings import environment

if TYPE_CHECKING:
    from mfn.amazon.secret_age import SecretAge
    from mfn.steps.workplace import Workplace

log = logging.getLogger(__name__)


def secret_age(place: Workplace) -> SecretAge:
    """How long a connection's client secret has been in use; a secret seen for the first time is recorded.

    Raises:
        ConfigurationError: Secrets are missing, or the day on which it was made is not a date.
        RetriableError: The ledger cannot be reached.
    """
    from mfn.amazon.secret_age import SecretAge, given_day  # noqa: PLC0415 - as the credentials, not for every command

    seen = first_seen(place.ledger, place.connection.name, place.credentials.lwa_client_secret)
    given = given_day(place.connection, environment(), datetime.now(UTC))
    return SecretAge(place.connection.name, given or seen, given is not None)


def warn_of_secret_age(place: Workplace) -> None:
    """Log a warning where the client secret has to be rotated soon.

    Raises:
        ConfigurationError: Secrets are missing, or the day on which it was made is not a date.
        RetriableError: The ledger cannot be reached.
    """
    age, now = secret_age(place), datetime.now(UTC)
    if age.is_worth_a_word(now):
        log.warning("warning: %s. %s", age.sentence(now), age.remedy)
