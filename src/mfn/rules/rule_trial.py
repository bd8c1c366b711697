"""What each rule does with one record, step by step; pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mfn.rules.rule_running import apply_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from mfn.rules.fields import Field
    from mfn.rules.rule import Rule


def try_rules(rules: Sequence[Rule], record: pd.DataFrame, fields: Mapping[str, Field]) -> list[dict[str, Any]]:
    """Try rules, in their order, on one record.

    A rule that is not enabled is tried in its place as if it were, but later rules do not see what it would do.

    Args:
        rules: The rules of one event.
        record: One row, with a column for each field of the event.
        fields: The fields of the event.

    Returns:
        One entry for each rule: `name`, `enabled`, `tried` (false after a rule that ended it), `fired`, `values` (the
        fields that it reads, as it found them), `changed` (by field `before` and `after`), `decision` and `message` (""
        where it did not fire or decides nothing), `stops`.
    """
    entries, is_open = [], True
    for rule in rules:
        entry = {"name": rule.name, "enabled": rule.is_enabled, "tried": is_open, "fired": False, "values": {}}
        entry |= {"changed": {}, "decision": "", "message": "", "stops": False}
        entries.append(entry)
        if not is_open:
            continue
        run = apply_rules([replace(rule, is_enabled=True)], record)
        entry["values"] = {name: field.read(record[name].array[0]) for name, field in rule.condition.reads.items()}
        if run.fired.empty:
            continue
        changes = zip(run.changes["field"], run.changes["before"], run.changes["after"], strict=True)
        entry |= {
            "fired": True,
            "changed": {
                name: {"before": fields[name].read(before), "after": fields[name].read(after)}
                for name, before, after in changes
            },
            "decision": rule.decision,
            "message": rule.message,
            "stops": rule.is_last,
        }
        if rule.is_enabled:
            record, is_open = run.records, not rule.is_last
    return entries
