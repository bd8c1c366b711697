"""The age of a client secret of Login with Amazon, and the warnings before it expires.

Facts: Amazon's "Rotate your Application's LWA Credentials", 2026-11-29: a client secret has to be rotated every 180
days, or calls are refused; only the primary user can; the one before is good for seven days more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from mfn.amazon.credentials import CLIENT_SECRET, suffixed
from mfn.amazon.failures import DEVELOP_APPS
from mfn.errors import ConfigurationError, Problem
from mfn.secret_files import PLACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.connection import Connection

CREATED = f"{CLIENT_SECRET}_CREATED"
"""The variable with the day on which the secret was created."""

EXPIRES_AFTER = timedelta(days=180)
WARNED_AFTER = timedelta(days=150)


@dataclass(frozen=True)
class SecretAge:
    """How long a client secret has been in use.

    Attributes:
        connection: The connection's name.
        since: When it was created, or else first seen here; aware.
        is_given: Whether the environment says when it was created.
    """

    connection: str
    since: datetime
    is_given: bool

    def is_worth_a_word(self, now: datetime) -> bool:
        """Whether it has to be rotated soon."""
        return now - self.since >= WARNED_AFTER

    def is_over(self, now: datetime) -> bool:
        """Whether it has expired, as far as is known."""
        return now - self.since >= EXPIRES_AFTER

    def sentence(self, now: datetime) -> str:
        """How old it is and what will happen, without a full stop."""
        days, origin = (now - self.since).days, f"{CREATED} says {self.since:%Y-%m-%d}"
        age = f"{days} days old ({origin})"
        if not self.is_given:
            age = f"at least {days} days old (first seen here on {self.since:%Y-%m-%d})"
        ends = f"expires on {self.since + EXPIRES_AFTER:%Y-%m-%d}{'' if self.is_given else ' at the latest'}"
        if self.is_over(now):
            ends = f"has expired or is about to: Amazon's secrets are valid for {EXPIRES_AFTER.days} days"
        return f"the {CLIENT_SECRET} of {self.connection} is {age}: it {ends}, and every call fails after that"

    @property
    def remedy(self) -> str:
        """How to create a new one."""
        change = (
            f"Then correct {CREATED} too."
            if self.is_given
            else "The age of the new one is counted from when it is first seen."
        )
        return (
            f"As the primary user, rotate it in {DEVELOP_APPS} (or in the Solution Provider Portal), View under LWA"
            f" credentials, and replace {CLIENT_SECRET} of this connection with the new one; the old one stays valid"
            f" for seven more days. {change}"
        )


def given_day(connection: Connection, environ: Mapping[str, str], now: datetime) -> datetime | None:
    """The day on which a connection's client secret was created, according to the environment.

    Args:
        connection: The connection.
        environ: Environment variables, as `mfn.settings.environment` returns them.
        now: The present moment.

    Returns:
        The beginning of that day in UTC, or None.

    Raises:
        ConfigurationError: It is not a day, or one in the future.
    """
    for name in (suffixed(CREATED, connection), CREATED):
        if not (text := environ.get(name, "").strip()):
            continue
        try:
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
        except ValueError:
            raise _wrong(name, f"expected a day such as 2026-05-31, got {text!r}.") from None
        if day > now + timedelta(days=1):  # somewhere it may be tomorrow already
            raise _wrong(name, f"{text} is in the future.")
        return day
    return None


def _wrong(name: str, message: str) -> ConfigurationError:
    remedy = f"Set it to the day on which Amazon created {CLIENT_SECRET}, or remove the variable."
    return ConfigurationError(problems=(Problem(PLACE, None, name, message, remedy),))
