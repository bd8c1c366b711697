"""What a trial may find: something lost, something doubled, something wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["lost", "doubled", "wrong"]


@dataclass(frozen=True)
class Deviation:
    """One way in which the world is not as it has to be.

    Attributes:
        kind: `lost`: what should have arrived did not; `doubled`: it arrived twice; `wrong`: anything else, also a
            message that leaves a person alone.
        what: In words.
    """

    kind: Kind
    what: str


def lost(what: str) -> Deviation:
    """Something that should have arrived and did not."""
    return Deviation("lost", what)


def doubled(what: str) -> Deviation:
    """Something that arrived twice."""
    return Deviation("doubled", what)


def wrong(what: str) -> Deviation:
    """Anything else that is not as it has to be."""
    return Deviation("wrong", what)
