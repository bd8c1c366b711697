"""How things stand after a search, for tests that let time pass without an Amazon."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mfn.rules.next_call import State


def after_search(state: State, orders: int, searched_to: datetime) -> State:
    """The state after a search, made at `state.now`.

    Args:
        state: The state before it.
        orders: How many new orders it brought.
        searched_to: Up to when everything has landed since.
    """
    span = searched_to - (state.searched_to or searched_to)
    lane = replace(state.search, tokens=state.search.tokens - 1)
    return replace(state, flow=state.flow.seen(orders, span, state.now), searched_to=searched_to, search=lane)
