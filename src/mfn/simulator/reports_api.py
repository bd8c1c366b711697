"""createReport, getReport, getReports and getReportDocument, version 2021-06-30.

Rules: Amazon's model reports_2021-06-30.json of 2026-04-01.
"""

from operator import attrgetter
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.clock import amazon_time
from mfn.simulator.documents_api import describe
from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.queries import values
from mfn.simulator.replies import invalid_input, json_reply, not_found
from mfn.simulator.reports import Report

USUAL_PAGE = 10
MOST_PER_PAGE = 100
MOST_TYPES = 10

router = operations()


class ReportSpecification(msgspec.Struct, rename="camel"):
    """What createReport is sent."""

    report_type: str
    marketplace_ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=25)]
    report_options: dict[str, str] = {}


@router.post("/reports/2021-06-30/reports", operation_id="createReport")
async def create_report(request: Request) -> Response:
    """Order a report."""
    amazon = local_amazon(request)
    try:
        asked = msgspec.json.decode(await request.body(), type=ReportSpecification)
    except msgspec.DecodeError as error:
        raise invalid_input("The request body is not valid.", str(error)) from None
    known = {place.marketplace_id for place in amazon.marketplaces}
    if not known.issuperset(asked.marketplace_ids):
        raise invalid_input("marketplaceIds names a marketplace in which the seller does not take part.")
    report = amazon.reports.order(asked.report_type, asked.marketplace_ids, asked.report_options, amazon.clock.now())
    return json_reply({"reportId": report.report_id}, 202)


@router.get("/reports/2021-06-30/reports/{report_id}", operation_id="getReport")
async def get_report(request: Request) -> Response:
    """How far a report is."""
    report = local_amazon(request).reports.reports.get(request.path_params["report_id"])
    if report is None:
        raise not_found(f"Report {request.path_params['report_id']}")
    return json_reply(_document(report))


@router.get("/reports/2021-06-30/reports", operation_id="getReports")
async def get_reports(request: Request) -> Response:
    """The newest reports of some types, all on one page."""
    query = request.query_params
    types, size = values(query, "reportTypes"), query.get("pageSize") or str(USUAL_PAGE)
    if not 1 <= len(types) <= MOST_TYPES:
        raise invalid_input(f"reportTypes holds 1 to {MOST_TYPES} types, not {len(types)}.")
    if not size.isdigit() or not 1 <= int(size) <= MOST_PER_PAGE:
        raise invalid_input(f"pageSize must be between 1 and {MOST_PER_PAGE}, not {size}.")
    found = [report for report in local_amazon(request).reports.reports.values() if report.report_type in types]
    newest = sorted(found, key=attrgetter("created"), reverse=True)
    return json_reply({"reports": [_document(report) for report in newest[: int(size)]]})


def _document(report: Report) -> dict[str, Any]:
    body = {
        "reportId": report.report_id,
        "reportType": report.report_type,
        "marketplaceIds": report.marketplace_ids,
        "dataStartTime": amazon_time(report.created),
        "dataEndTime": amazon_time(report.created),
        "createdTime": amazon_time(report.created),
        "processingStatus": report.status,
        "processingStartTime": amazon_time(report.started) if report.started else None,
        "processingEndTime": amazon_time(report.ended) if report.ended else None,
        "reportDocumentId": report.document_id,
    }
    return {name: value for name, value in body.items() if value is not None}


@router.get("/reports/2021-06-30/documents/{document_id}", operation_id="getReportDocument")
async def get_report_document(request: Request) -> Response:
    """An address to download a report from within five minutes."""
    return json_reply(describe(request, request.path_params["document_id"], id_name="reportDocumentId"))
