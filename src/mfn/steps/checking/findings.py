"""The findings of a check: the nine steps, and each finding as ok, warning or failed, with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mfn.steps.remedies import remedy_without_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfn.errors import MfnError, Problem

SKUS = "SKUs"
METHODS = "shipping methods"
ROLES = "roles"
ACCOUNT = "credentials and marketplaces"
ACCESS = "API access"
ORDERS = "order status and channel"
CARRIERS = "carriers"
PRIME = "Seller Fulfilled Prime"
STOCK = "inventory"

STEPS = (SKUS, METHODS, ROLES, ACCOUNT, ACCESS, ORDERS, CARRIERS, PRIME, STOCK)
"""The steps by their public names, in the order in which they are shown."""

SHOWN = 5
"""How many items of a list a sentence names."""


class Status(StrEnum):
    """The status of a step, from the best to the worst."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One thing that was checked.

    Attributes:
        status: Its status.
        detail: What was found, as a sentence without a full stop.
        remedy: What to do; empty if it is ok.
    """

    status: Status
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a connection's check.

    Attributes:
        name: One of `STEPS`.
        connection: The connection's name.
        findings: At least one.
    """

    name: str
    connection: str
    findings: tuple[Finding, ...]

    @property
    def status(self) -> Status:
        """The status of its worst finding."""
        return max((finding.status for finding in self.findings), key=list(Status).index)

    @property
    def detail(self) -> str:
        """Everything that was found, the worst first."""
        return "; ".join(finding.detail for finding in self.sorted_findings)

    @property
    def remedy(self) -> str:
        """Everything that has to be done, the most urgent first; empty if the step is ok."""
        return " ".join(dict.fromkeys(finding.remedy for finding in self.sorted_findings if finding.remedy))

    @property
    def sorted_findings(self) -> list[Finding]:
        """Its findings, the worst first."""
        return sorted(self.findings, key=lambda finding: -list(Status).index(finding.status))


def ok(detail: str) -> Finding:
    """Something that is as it should be."""
    return Finding(Status.OK, detail)


def warning(detail: str, remedy: str) -> Finding:
    """Something that a person should check, but that stops nothing."""
    return Finding(Status.WARNING, detail, remedy)


def failed(detail: str, remedy: str) -> Finding:
    """Something that has to be fixed before this connection works."""
    return Finding(Status.FAILED, detail, remedy)


def failure(error: MfnError) -> Finding:
    """An error as a finding."""
    lines = [line.rstrip(".") for line in error.message.splitlines()]
    return failed("; ".join(lines), remedy_of(error))


def remedy_of(error: MfnError) -> str:
    """What to do about an error in a check, which has no batch to run again."""
    return remedy_without_batch(error, command="mfn check")


def not_looked_at(step: str, *, what: str = "") -> Finding:
    """What could not be judged because something failed that another step reports.

    Args:
        step: That step.
        what: What could not be judged; empty for the whole step.
    """
    text = f"{what}: not checked, see {step}" if what else f"not checked, see {step}"
    return failed(text, f"Fix what {step} reports, then run mfn check again.")


def mapping_findings(problems: Sequence[Problem]) -> list[Finding]:
    """Wrong rows of mapping files as one finding, or none."""
    if not problems:
        return []
    shown = "; ".join(str(problem).rstrip(".") for problem in problems[:SHOWN])
    return [failed(shown + more(len(problems)), "Correct these rows; mfn mappings check lists all of them.")]


def more(count: int) -> str:
    """The end of a list that names `SHOWN` of a number of items."""
    return f" and {count - SHOWN} more" if count > SHOWN else ""


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 order`, `2 orders`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
