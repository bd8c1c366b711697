"""Moments in UTC: as other programs write them, and as they are written for other programs and for people."""

from __future__ import annotations

from datetime import UTC, datetime

from mfn.errors import ConfigurationError


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without a zone is taken as UTC, which is what Amazon writes.

    Raises:
        OverflowError: It is outside of the calendar in UTC.
    """
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def moment_in(value: object) -> datetime | None:
    """The moment that a value of somebody else's JSON is, in UTC; None for one that is none.

    Args:
        value: ISO 8601 where it is a moment, in any of its forms: without seconds, `+0000`, a date alone.
    """
    try:
        return in_utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError):  # the first and the last hours of the calendar may be none in UTC
        return None


def iso(moment: datetime | None) -> str | None:
    """A moment as JSON documents have it: ISO 8601 in UTC with a Z; None for none."""
    return None if moment is None else _with_z(in_utc(moment).isoformat())


def iso_seconds(moment: datetime) -> str:
    """A moment as Amazon takes it: ISO 8601 in UTC with a Z, without fractions of a second."""
    return _with_z(in_utc(moment).isoformat(timespec="seconds"))


def _with_z(text: str) -> str:
    return text.removesuffix("+00:00") + "Z"


def parse_moment(text: str | None, *, option: str) -> datetime | None:
    """A moment from a command line: ISO 8601; without a zone it is UTC.

    Args:
        text: What was given; None where the option was left out.
        option: Its name, for the message.

    Raises:
        ConfigurationError: It is no moment.
    """
    try:
        return None if text is None else in_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # the first and the last hours of the calendar may be none in UTC
        raise ConfigurationError(
            f"{option} {text!r} is not a date or a time.", remedy="Write it like 2026-11-24 or 2026-11-24T08:00:00Z."
        ) from None
