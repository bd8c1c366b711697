"""Places where processes of a test stand still until they are let through."""

from __future__ import annotations

import os
from typing import Any


class Gate:
    """Where children stand still until they are let through.

    Attributes:
        arrived: A byte comes out of it for each child that stands there.
    """

    def __init__(self) -> None:
        self.arrived, self._arrive = os.pipe()
        self._pass, self._open = os.pipe()

    def stand(self) -> None:
        """Say that this process has come this far, and wait."""
        os.write(self._arrive, b"x")
        os.read(self._pass, 1)

    def await_one(self) -> None:
        """Wait until a child stands here."""
        assert os.read(self.arrived, 1) == b"x"

    def open(self) -> None:
        """Let one child through."""
        os.write(self._open, b"x")

    def close(self) -> None:
        """Close the pipes."""
        for end in (self.arrived, self._arrive, self._pass, self._open):
            os.close(end)


def stand_before(gate: Gate, place: Any, function: str) -> None:
    """Let this process stand still before its first call of a function, wherever that is: in a class or a module."""
    original = getattr(place, function)

    def stand_first(*arguments: Any, **options: Any) -> Any:
        setattr(place, function, original)
        gate.stand()
        return original(*arguments, **options)

    setattr(place, function, stand_first)
