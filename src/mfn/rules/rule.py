"""A rule of rules.yaml, parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.rules.conditions import Condition

DecisionKind = Literal["", "hold", "skip", "fail"]


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: Unique within its event.
        condition: Which records it applies to.
        changes: What it sets, by the dotted name of the field; times are aware, in UTC.
        decision: What to do with the record; "" for no decision.
        message: The reason, for readers of the report; "" without a decision.
        is_last: Whether no further rule is tried for the record; always so after a decision.
        is_enabled: Whether it is applied at all.
    """

    name: str
    condition: Condition
    changes: Mapping[str, Any]
    decision: DecisionKind = ""
    message: str = ""
    is_last: bool = False
    is_enabled: bool = True
