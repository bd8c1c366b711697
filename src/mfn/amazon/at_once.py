"""Several calls at once, with their answers in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from concurrent.futures import Future

AT_ONCE = 4
"""How many calls are under way at once: an answer takes longer than the next turn of a fast plan does to come."""

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def several_at_once(
    things: Iterable[Thing], call: Callable[[Thing], Answer], *, name: str
) -> Generator[Answer, None, None]:
    """Make a call for each of many things, a few at a time, never more than that ahead of the oldest unread answer.

    Close it if it is not read to its end; that waits for the calls that have started.

    Args:
        things: The things, in this order.
        call: The call; runs in a thread of its own.
        name: The name of the threads.

    Yields:
        The result of each call, in this order; what a call raises is raised in its place.
    """
    under_way: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix=name) as pool:
        for thing in things:
            if len(under_way) == AT_ONCE:
                yield under_way.popleft().result()
            under_way.append(pool.submit(call, thing))
        while under_way:
            yield under_way.popleft().result()
