"""List parameters of a query, as Amazon reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.simulator.replies import invalid_input

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams


def values(query: QueryParams, name: str) -> list[str]:
    """A list parameter: comma separated, repeated, or both."""
    return [value for text in query.getlist(name) for value in text.split(",") if value]


def choice(query: QueryParams, name: str, allowed: frozenset[str]) -> frozenset[str]:
    """A list parameter that takes certain values only.

    Args:
        query: The query.
        name: The parameter.
        allowed: What it may hold.

    Raises:
        AmazonError: 400, it holds something else.
    """
    chosen = frozenset(values(query, name))
    unknown = sorted(chosen - allowed)
    if unknown:
        raise invalid_input(f"{name} has no value {', '.join(unknown)}.", f"Possible: {', '.join(sorted(allowed))}.")
    return chosen
