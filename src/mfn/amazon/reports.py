"""Reports: requested, waited for, downloaded.

Operations: Amazon's model reports_2021-06-30.json of 2026-04-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from msgspec import Struct
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from mfn.amazon.documents import UNDER_WAY, Described
from mfn.amazon.failures import AmazonUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.amazon.documents import Document
    from mfn.amazon.session import Session

PATH = "/reports/2021-06-30"
TIMES = 45
"""How many times the state of a report is requested: after 2 s at first, every 30 s in the end, for twenty minutes."""

LATER = "Nothing was changed. The next run requests it again; Amazon makes the same report at most every half hour."


class _Created(Struct, rename="camel"):
    report_id: str


class _Report(Struct, rename="camel"):
    processing_status: str
    report_document_id: str | None = None


def read_report(session: Session, report_type: str, marketplace_id: str, options: Mapping[str, str]) -> Document:
    """Have a report of one marketplace made, and download it.

    Args:
        session: The account.
        report_type: Amazon's name for it.
        marketplace_id: Which marketplace.
        options: Amazon's `reportOptions`.

    Raises:
        RetriableError: Amazon did not make it within twenty minutes, cancelled it, or could not be reached.
        FatalError: A role is missing, or the credentials or the request are refused.
    """
    what = f"the report {report_type} in {marketplace_id} for the connection {session.connection.name}"
    body: dict[str, Any] = {"reportType": report_type, "marketplaceIds": [marketplace_id], "reportOptions": {**options}}
    created = session.ask(
        "createReport",
        f"createReport, {what}",
        lambda: session.library.post(f"{PATH}/reports", **body),
        _Created,
        status=httpx.codes.ACCEPTED,
    )
    document_id = _await_report(session, f"{what} ({created.report_id})", created.report_id)
    path, name = f"{PATH}/documents/{quote(document_id, safe='')}", "getReportDocument"
    return session.documents.fetch(
        what, lambda: session.ask(name, f"{name}, {what}", lambda: session.library.get(path), Described)
    )


def _await_report(session: Session, what: str, report_id: str) -> str:
    """Wait until a report is done; returns the id of its document."""
    path = f"{PATH}/reports/{quote(report_id, safe='')}"
    patience = Retrying(
        stop=stop_after_attempt(TIMES),
        retry=retry_if_result(lambda report: report.processing_status in UNDER_WAY),
        wait=wait_exponential(multiplier=2, exp_base=1.5, max=30),
        sleep=session.wait,
    )
    try:
        report = patience(
            lambda: session.ask("getReport", f"getReport, {what}", lambda: session.library.get(path), _Report)
        )
    except RetryError as error:
        status = error.last_attempt.result().processing_status
        raise AmazonUnavailableError(f"{what} is still {status} after twenty minutes.", remedy=LATER) from None
    if report.processing_status != "DONE" or report.report_document_id is None:
        ended = f"ended as {report.processing_status}" if report.processing_status != "DONE" else "has no document"
        raise AmazonUnavailableError(f"{what} {ended}.", remedy=LATER)
    return report.report_document_id
