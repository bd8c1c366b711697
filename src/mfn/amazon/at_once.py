"""Several calls under way at once, answered in their order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from concurrent.futures import Future

AT_ONCE = 4
"""Calls under way at once: Amazon's answer takes longer than a fast plan's next turn."""

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def several_at_once(
    things: Iterable[Thing], call: Callable[[Thing], Answer], *, name: str
) -> Generator[Answer, None, None]:
    """Call for many things, a few at a time; none begins more than a few before the oldest has been read.

    Close it where it is not read to its end: what has begun by then is waited for.

    Args:
        things: What is called for, in this order.
        call: The call; runs in a thread of its own.
        name: What the threads are called.

    Yields:
        What each call returns, in this order; what a call raises is raised in its place.
    """
    under_way: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=name) as pool:
        for thing in things:
            if len(under_way) == AT_ONCE:
                yield under_way.popleft().result()
            under_way.append(pool.submit(call, thing))
        while under_way:
            yield under_way.popleft().result()
