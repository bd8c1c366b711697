"""The checks' findings as plain data: no type of Great Expectations and no value of an order leaves this package."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from mfn.errors import FatalError

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """The finding of one expectation.

    Attributes:
        suite: The name of its suite: `orders`, `lines`, `parcels`, `stock` or `items`.
        expectation: Great Expectations' name of the rule, e.g. `expect_column_values_to_be_unique`.
        column: The frame's columns that it reads, comma separated.
        meaning: What is expected, for the report.
        severity: `critical` holds the order, the parcel or the SKU; `warning` is shown and lets it pass.
        checked: How many rows the rule applied to; 0 means that nothing was examined, not that all is well.
        unexpected: How many of them broke it.
        problem: Why the rule could not run at all (a missing column, a wrong type), or None. This is different from
            rows that failed: with a problem nobody knows whether the rows are good.
        code: The reason or warning code that a hit of this rule stands for.
    """

    suite: str
    expectation: str
    column: str
    meaning: str
    severity: Severity
    checked: int
    unexpected: int
    problem: str | None = None
    code: str = ""

    @property
    def rule(self) -> tuple[str, str, str, str]:
        """The identity of the rule, by which findings of several chunks are matched."""
        return self.suite, self.expectation, self.column, self.code


@dataclass(frozen=True)
class QualityReport:
    """The findings of all expectations of a run.

    Attributes:
        findings: One for each rule, in the order of the suites.
    """

    findings: tuple[Finding, ...] = ()

    @property
    def not_run(self) -> tuple[Finding, ...]:
        """The rules that hold something and could not run: what they guard is unchecked, and must not go on."""
        return tuple(finding for finding in self.findings if finding.problem and finding.severity == "critical")

    def assert_ran(self, what: str, *, undone: str) -> None:
        """Refuse to go on if a rule that holds something could not run: what it guards is unchecked.

        Args:
            what: What such a rule holds, for the message: `orders`.
            undone: What was therefore not done, as a sentence.

        Raises:
            FatalError: Names each of these rules, and why it could not run.
        """
        if self.not_run:
            named = "; ".join(f"{finding.meaning} ({finding.problem})" for finding in self.not_run)
            remedy = f"{undone} Run it with --debug and report what it prints."
            raise FatalError(f"checks that decide whether {what} are held could not run: {named}", remedy=remedy)

    def merged(self, other: QualityReport) -> QualityReport:
        """Merge two reports: the figures of the same rule are added up, and the first problem of a rule is kept.

        Args:
            other: The report of another chunk of the same run.
        """
        found = {finding.rule: finding for finding in self.findings}
        for finding in other.findings:
            before = found.get(finding.rule)
            found[finding.rule] = finding if before is None else _sum(before, finding)
        return QualityReport(tuple(found.values()))

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON: `{"findings": [{…}, …]}`."""
        return {"findings": [asdict(finding) for finding in self.findings]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> QualityReport:
        """The report that `to_dict` wrote; an empty mapping is an empty report."""
        return cls(tuple(Finding(**finding) for finding in stored.get("findings", ())))


def _sum(one: Finding, other: Finding) -> Finding:
    return Finding(
        suite=one.suite,
        expectation=one.expectation,
        column=one.column,
        meaning=one.meaning,
        severity=one.severity,
        checked=one.checked + other.checked,
        unexpected=one.unexpected + other.unexpected,
        problem=one.problem or other.problem,
        code=one.code,
    )
