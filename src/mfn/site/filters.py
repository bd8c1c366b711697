"""The filters of the site's pages, read from the URL; all wrong values are reported at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, get_args

from mfn.errors import ConfigurationError, Problem
from mfn.ledger.order_listing import OPEN
from mfn.ledger.run_listing import OUTCOMES
from mfn.models import BatchKind, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = get_args(BatchKind)
STATUSES = ("open", "any", *(status.value for status in OrderStatus))
REASON = re.compile(r"[a-z][a-z0-9_]*")
LAST_PAGE = 10_000


@dataclass(frozen=True)
class RunFilter:
    """Which runs to show; None for any.

    Attributes:
        connection: The connection's name.
        kind: The kind of run.
        outcome: One of `mfn.ledger.run_listing.OUTCOMES`.
        first: The first day, in UTC.
        last: The last day, in UTC.
        page: Which page of them, from 1.
    """

    connection: str | None
    kind: str | None
    outcome: str
    first: date | None
    last: date | None
    page: int

    @property
    def since(self) -> datetime | None:
        """The beginning of the first day."""
        return None if self.first is None else datetime.combine(self.first, time(), UTC)

    @property
    def until(self) -> datetime | None:
        """The last moment of the last day."""
        return None if self.last is None else datetime.combine(self.last, time.max, UTC)


@dataclass(frozen=True)
class OrderFilter:
    """Which orders to show; None for any.

    Attributes:
        connection: The connection's name.
        status: One of `STATUSES`: a status, `open` for what has not left yet, or `any`.
        reason: A reason code.
        sfp: Whether only Seller Fulfilled Prime.
        text: A part of the order id.
        page: Which page of them, from 1.
    """

    connection: str | None
    status: str
    reason: str | None
    sfp: bool
    text: str | None
    page: int

    @property
    def statuses(self) -> tuple[str, ...] | None:
        """The statuses that are meant; None: all."""
        return {"any": None, "open": OPEN}.get(self.status, (self.status,))


def read_run_filter(given: Mapping[str, str], connections: Sequence[str]) -> RunFilter:
    """The filter of an address.

    Args:
        given: The values of the address; unknown names are ignored.
        connections: The connections that there are.

    Raises:
        ConfigurationError: Values that do not exist; names all of them and what is valid.
    """
    reading = _Reading(given)
    found = RunFilter(
        connection=reading.choice("connection", connections),
        kind=reading.choice("kind", KINDS),
        outcome=reading.choice("outcome", OUTCOMES) or OUTCOMES[0],
        first=reading.day("from"),
        last=reading.day("to"),
        page=reading.page(),
    )
    reading.refuse_wrong()
    return found


def read_order_filter(given: Mapping[str, str], connections: Sequence[str]) -> OrderFilter:
    """The filter of an address; with a part of an id every status is meant, otherwise what has not left yet.

    Args:
        given: As for `read_run_filter`.
        connections: Likewise.

    Raises:
        ConfigurationError: As there.
    """
    reading = _Reading(given)
    text = reading.text("order")
    found = OrderFilter(
        connection=reading.choice("connection", connections),
        status=reading.choice("status", STATUSES) or ("any" if text else "open"),
        reason=reading.code("reason"),
        sfp=reading.choice("sfp", ("1",)) is not None,
        text=text,
        page=reading.page(),
    )
    reading.refuse_wrong()
    return found


def read_choice(given: Mapping[str, str], name: str, valid: Sequence[str]) -> str | None:
    """One value of an address, or None.

    Raises:
        ConfigurationError: It is none of the valid ones, which it names.
    """
    reading = _Reading(given)
    found = reading.choice(name, valid)
    reading.refuse_wrong()
    return found


class _Reading:
    """The values of one address, and what is wrong with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._problems: list[Problem] = []

    def text(self, name: str) -> str | None:
        value = self._given.get(name, "").strip() or None
        if value is not None and not value.isprintable():
            self._wrong(name, value, "Valid values contain only printable characters.")
            return None
        return value

    def choice(self, name: str, valid: Sequence[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in valid:
            self._wrong(name, value, f"Valid values are: {', '.join(valid) or 'none yet'}.")
        return value

    def code(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and not REASON.fullmatch(value):
            self._wrong(name, value, "Valid values are reason codes like sku_unknown; docs/runbook.md has them all.")
        return value

    def day(self, name: str) -> date | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self._wrong(name, value, "Valid values are days like 2026-11-24.")
            return None

    def page(self) -> int:
        value = self.text("page") or "1"
        if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= LAST_PAGE:
            return int(value[:9])
        self._wrong("page", value, f"Valid values are whole numbers from 1 to {LAST_PAGE}.")
        return 1

    def refuse_wrong(self) -> None:
        if self._problems:
            raise ConfigurationError(
                problems=tuple(self._problems), remedy="Correct the address, or start from the first page."
            )

    def _wrong(self, name: str, value: str, valid: str) -> None:
        self._problems.append(Problem("the address", None, name, f"received invalid value {value!r}.", valid))
