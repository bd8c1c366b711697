"""Where a process works, found by looking at it now and then."""

from __future__ import annotations

import signal
import sysconfig
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import mfn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

LOOKED_AFTER_SECONDS = 0.002
"""Of the processor's time; what a look costs is a hundredth of it."""

OWN = Path(mfn.__file__).parent
PACKAGES = Path(sysconfig.get_path("purelib"))
STANDARD = "Python"
"""What is neither of this project nor of a package."""

Place = tuple[str, str, str]
"""(package, function that was at work, innermost function of this project that had called it)."""


@contextmanager
def sampled(into: dict[Place, float]) -> Iterator[None]:
    """Note what the main thread works on while the block runs.

    The signal of the processor's timer comes as soon as Python code goes on: what C code took until then is put down to
    the function that had called it.

    Args:
        into: Gets the seconds of CPU by place.
    """
    last = time.thread_time()

    def look(_signal: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.thread_time()
        if frame is not None:
            place = _place(frame)
            into[place] = into.get(place, 0.0) + now - last
        last = time.thread_time()  # what the look itself took is nobody's

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, LOOKED_AFTER_SECONDS, LOOKED_AFTER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(frame: FrameType) -> Place:
    package, at_work = _named(frame.f_code)
    above: FrameType | None = frame
    while above is not None and _named(above.f_code)[0] != OWN.name:
        above = above.f_back
    return package, at_work, _named(above.f_code)[1] if above is not None else ""


@cache
def _named(code: CodeType) -> tuple[str, str]:
    """The package and the name of a function; what it has inside of it is called like it."""
    path, name = Path(code.co_filename), code.co_qualname.split(".<locals>")[0]
    if path.is_relative_to(OWN):
        return OWN.name, f"{'.'.join(path.relative_to(OWN).with_suffix('').parts)}.{name}"
    if path.is_relative_to(PACKAGES):
        parts = path.relative_to(PACKAGES).with_suffix("").parts
        return parts[0], f"{'.'.join(parts)}.{name}"
    return STANDARD, f"{path.stem}.{name}"
