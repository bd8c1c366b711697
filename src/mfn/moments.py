"""Times in UTC: read from other programs and people, and written for them."""

from __future__ import annotations

from datetime import UTC, datetime

from mfn.errors import ConfigurationError

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before any other time: stands for one that never was."""


def in_utc(moment: datetime) -> datetime:
    """A time in UTC; one without a zone counts as UTC, which is what Amazon writes.

    Raises:
        OverflowError: In UTC it falls outside the calendar.
    """
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def moment_in(value: object) -> datetime | None:
    """A time from somebody else's JSON, in UTC; None if the value is not a time.

    Args:
        value: A time is ISO 8601 in any of its forms: without seconds, with `+0000`, a date alone.
    """
    try:
        return in_utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError):  # the first and the last hours of the calendar may be none in UTC
        return None


def iso(moment: datetime | None) -> str | None:
    """A time for JSON documents: ISO 8601 in UTC with a Z; None for None."""
    return None if moment is None else _with_z(in_utc(moment).isoformat())


def iso_seconds(moment: datetime) -> str:
    """A time for Amazon: ISO 8601 in UTC with a Z, without fractions of a second."""
    return _with_z(in_utc(moment).isoformat(timespec="seconds"))


def _with_z(text: str) -> str:
    return text.removesuffix("+00:00") + "Z"


def parse_moment(text: str | None, *, option: str) -> datetime | None:
    """A time from a command line: ISO 8601; without a zone it is UTC.

    Args:
        text: What was given; None if the option was left out.
        option: Its name, for the message.

    Raises:
        ConfigurationError: It is not a time.
    """
    try:
        return None if text is None else in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # the first and the last hours of the calendar may be none in UTC
        raise ConfigurationError(
            f"{option} {text!r} is not a date or a time.", remedy="Write it as 2026-11-24 or 2026-11-24T08:00:00Z."
        ) from None
