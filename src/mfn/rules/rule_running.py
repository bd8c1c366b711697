"""Applying rules: each is evaluated once for every distinct combination of the fields that it reads; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mfn.rules.fields import Field
    from mfn.rules.rule import Rule

    Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RuleRun:
    """The result of applying rules to records.

    Attributes:
        records: The records, with what was set; index and columns as they were.
        decisions: One row for each record, with the records' index: `decision` ("", `hold`, `skip` or `fail`),
            `message` and `rule` (the name of the one that decided, or "").
        fired: One row for each rule that was true of a record, rules in their order: `record` (its position, from 0)
            and `rule`.
        changes: One row for each value that changed, in the same order: `record`, `rule`, `field`, `before`, `after`.
    """

    records: pd.DataFrame
    decisions: pd.DataFrame
    fired: pd.DataFrame
    changes: pd.DataFrame


def apply_rules(rules: Sequence[Rule], records: pd.DataFrame) -> RuleRun:
    """Try rules, in their order, on every record.

    The rules after a rule see what it set. After hold, skip, fail or stop, no further rule is tried for that record.
    Rules that are not enabled are skipped.

    Args:
        rules: The rules of one event.
        records: One row a record; a column for each field of the event (`mfn.rules.fields.EVENTS`), named as in
            conditions. Cells may be None, NaN or NaT where something is absent; lists are tuples.

    Returns:
        The result; the given records are not changed.
    """
    table = _Table(records)
    is_open = np.ones(len(records), dtype=bool)
    decisions = {name: np.full(len(records), "", dtype=object) for name in ("decision", "message", "rule")}
    fired, changes = [], []
    for rule in rules:
        if not rule.is_enabled:
            continue
        hit = _hits(rule, table, np.flatnonzero(is_open))
        if not len(hit):
            continue
        fired.append(pd.DataFrame({"record": hit, "rule": rule.name}))
        changes += [_changed(rule, table, name, hit) for name in rule.changes]
        if rule.decision:
            for name, value in (("decision", rule.decision), ("message", rule.message), ("rule", rule.name)):
                decisions[name][hit] = value
        if rule.is_last:
            is_open[hit] = False
    return RuleRun(
        records=table.frame(),
        decisions=pd.DataFrame(decisions, index=records.index, dtype="object"),
        fired=_joined(fired, ("record", "rule")),
        changes=_joined(changes, ("record", "rule", "field", "before", "after")),
    )


class _Table:
    """The records while rules work on them."""

    def __init__(self, records: pd.DataFrame) -> None:
        self._records = records
        self._set: dict[str, NDArray[Any]] = {}
        self._distinct: dict[str, tuple[Positions, list[Any]]] = {}

    def distinct(self, name: str, field: Field) -> tuple[Positions, list[Any]]:
        """A column as the numbers of its distinct values, and these values as conditions see them."""
        if name not in self._distinct:
            column: Any = self._set[name] if name in self._set else self._records[name].array
            codes, values = pd.factorize(column, use_na_sentinel=False)
            self._distinct[name] = codes, [field.read(value) for value in values]
        return self._distinct[name]

    def put(self, name: str, positions: Positions, value: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """Set a field of some records; returns those that had a different value before, and these values."""
        if name not in self._set:
            self._set[name] = self._records[name].to_numpy(dtype=object, copy=True)
        before = self._set[name][positions]
        is_changed = np.fromiter((_differs(cell, value) for cell in before), dtype=bool, count=len(before))
        self._set[name][positions] = value
        self._distinct.pop(name, None)
        return is_changed, before[is_changed]

    def frame(self) -> pd.DataFrame:
        """The records as they are now."""
        return self._records.assign(**{name: self._series(name, values) for name, values in self._set.items()})

    def _series(self, name: str, values: NDArray[Any]) -> pd.Series[Any]:
        """A column that was set, in its former type if that can hold the values."""
        before = self._records[name]
        series = pd.Series(values, index=before.index, dtype="object")
        has_none = bool(series.isna().any())
        return series if has_none and before.dtype.kind in "iub" else series.astype(before.dtype)


def _hits(rule: Rule, table: _Table, positions: Positions) -> Positions:
    """The positions, of those given, of the records that a rule is true of."""
    numbers = np.zeros(len(positions), dtype=np.intp)
    columns = {name: table.distinct(name, field) for name, field in rule.condition.reads.items()}
    for codes, values in columns.values():
        # Renumbered after each field, they stay below the number of records and never overflow.
        numbers = pd.factorize(numbers * len(values) + codes[positions])[0]
    examples = positions[np.unique(numbers, return_index=True)[1]]
    holds = [
        rule.condition.holds({name: values[codes[example]] for name, (codes, values) in columns.items()})
        for example in examples
    ]
    hit: Positions = positions[np.array(holds, dtype=bool)[numbers]]
    return hit


def _changed(rule: Rule, table: _Table, name: str, hit: Positions) -> pd.DataFrame:
    value = rule.changes[name]
    is_changed, before = table.put(name, hit, value)
    after = pd.Series([value] * len(before), dtype="object")
    return pd.DataFrame({"record": hit[is_changed], "rule": rule.name, "field": name, "before": before, "after": after})


def _differs(cell: Any, value: Any) -> bool:
    return not (cell == value or (value is None and pd.isna(cell)))


def _joined(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns), dtype="object")
