"""Values of a warehouse's own column types: selected as texts, converted to flags, times and numbers."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR
from typing import TYPE_CHECKING, Any

import pandas as pd

from mfn.models import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

NO = {"f", "false", "n", "no", "off"}
"""Words for no, in lower case; any zero means it too."""

MOST = 1e15
"""A larger number is not a count of anything, and the integers of a database end there or soon after."""

LONGER_THAN_A_MONTH = len("2026-11")
"""pandas also accepts a lone year or month, and the words `now` and `today`; none of them says when a parcel left."""


def as_text(connection: Connection, column: str) -> str:
    """An expression for a column's values as texts, of whatever type, cut to `LONGEST_TEXT` characters and one more."""
    # Through JSON, PostgreSQL writes ISO 8601, whatever its DateStyle is.
    is_time = connection.dialect.name == "postgresql" and column.endswith(("_at", "_by"))
    if is_time:
        return f"to_jsonb({column}) #>> '{{}}'"
    return f"substr(CAST({column} AS VARCHAR), 1, {LONGEST_TEXT + 1})"


def words(texts: Iterable[str | None]) -> pd.Series[Any]:
    """Texts without surrounding blanks; None if nothing is left."""
    given = list(texts)
    stripped = {text: (text.strip() or None) if text else None for text in set(given)}
    return pd.Series([stripped[text] for text in given], dtype="object")


def flags(texts: Iterable[str | None], *, missing: bool) -> pd.Series[bool]:
    """Whether each text means yes.

    Args:
        texts: 0 and 1, t and f, yes and no, …; anything but a known word for no means yes.
        missing: What NULL and blanks mean.
    """
    said = list(texts)
    meant = {text: _says_yes((text or "").strip().lower(), missing=missing) for text in set(said)}
    return pd.Series([meant[text] for text in said], dtype="bool")


def _says_yes(said: str, *, missing: bool) -> bool:
    return said not in NO and said.strip("0.") != "" if said else missing


def times(texts: Iterable[str | None]) -> pd.Series[Any]:
    """Times in UTC (`datetime64[us, UTC]`), NaT if there is none or it cannot be read.

    Args:
        texts: ISO 8601; without a zone it is UTC, without a time of the day it is midnight. The first and the last year
            of the calendar do not count: nobody shipped then, and not every program can represent them.
    """
    readable = [text if text and len(text) > LONGER_THAN_A_MONTH else None for text in texts]
    read = pd.to_datetime(pd.Series(readable, dtype="object"), format="ISO8601", utc=True, errors="coerce")
    return read.where(read.dt.year.between(MINYEAR + 1, MAXYEAR - 1)).astype("datetime64[us, UTC]")


def numbers(texts: Iterable[str | None]) -> pd.Series[float]:
    """Numbers as float64, NaN if there is none or it cannot be read."""
    given = pd.Series(list(texts), dtype="object")
    return pd.to_numeric(given, errors="coerce").astype("float64")


def whole_numbers(texts: Iterable[str | None], *, missing: int) -> pd.Series[int]:
    """Numbers as int64, fractions cut off.

    Args:
        texts: Decimal numbers.
        missing: The value for a number that is missing, cannot be read or is beyond `MOST`.
    """
    read = numbers(texts)
    return read.where(read.abs() <= MOST, missing).astype("int64")
