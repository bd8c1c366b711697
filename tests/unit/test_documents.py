"""The documents of commands to the letter, and what a person reads at the top of the report site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from mfn.cli import batches, check, orders
from mfn.models import Reason
from mfn.settings import Settings
from mfn.site.app import _is_known_host as is_known_host
from mfn.site.runs import _headline as headline
from mfn.steps.checking.findings import Finding, Status, Step
from mfn.steps.orders.timeline import Moment, OrderStanding, ParcelStanding

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
WHY, ODD = Reason("why", "Why.", "Do."), Reason("odd", "Odd.", "See.")
SHOWN_WHY, SHOWN_ODD = (
    {"code": "why", "detail": "Why.", "remedy": "Do."},
    {"code": "odd", "detail": "Odd.", "remedy": "See."},
)


def test_an_order_shows_its_status_and_why() -> None:
    standing = OrderStanding("O", "us", "held", (WHY,), True, NOON, "M", "Standard", "PRIME", "B", NOON)
    assert orders._shown(standing, standing.reasons) == {
        "order_id": "O",
        "connection": "us",
        "status": "held",
        "reasons": [SHOWN_WHY],
        "is_sfp": True,
        "ship_by": "2026-11-01T12:00:00Z",
        "marketplace_id": "M",
        "batch_id": "B",
    }


def test_an_event_of_an_order_says_what_was_done_and_by_whom_only_if_it_was_a_person() -> None:
    run = {
        "at": "2026-11-01T12:00:00Z",
        "connection": "us",
        "batch_id": "B",
        "kind": "import",
        "outcome": "held",
        "reasons": [SHOWN_WHY],
        "warnings": [SHOWN_ODD],
        "conflicts": [{"what": "its address", "status": "picking"}],
        "dry_run": True,
    }
    conflicts = (("its address", "picking"),)
    assert orders._moment(Moment(NOON, "B", "import", "held", "us", (WHY,), (ODD,), conflicts, dry_run=True)) == run
    plain = run | {"batch_id": None, "outcome": None, "reasons": [], "warnings": [], "conflicts": [], "dry_run": False}
    person = Moment(NOON, None, "import", None, "us", parcel="S", by="me", why="")
    assert orders._moment(person) == plain | {"parcel": "S", "by": "me", "why": ""}


def test_a_parcel_shows_what_the_warehouse_wrote_and_what_was_confirmed() -> None:
    texts: dict[str, Any] = {
        name: name
        for name in (
            "shipment_id", "status", "package_reference_id", "carrier", "service", "tracking_number", "carrier_code",
            "carrier_name", "shipping_method", "tracking_number_sent", "answer", "batch_id",
        )
    }  # fmt: skip
    days = ("shipped_at", "ship_date_sent", "sent_at", "verified_at")
    moments: dict[str, Any] = {name: NOON + timedelta(days=day) for day, name in enumerate(days)}
    rest: Any = {"reasons": (WHY,), "warnings": (ODD,), "items": (("I", 2), ("J", 1))}
    parcel = ParcelStanding(**texts, **moments, **rest, times_sent=3)
    assert orders._parcel(parcel) == {
        **texts,
        **{name: f"2026-11-0{day + 1}T12:00:00Z" for day, name in enumerate(days)},
        "times_sent": 3,
        "reasons": (SHOWN_WHY,),
        "warnings": (SHOWN_ODD,),
        "items": [{"order_item_id": "I", "quantity": 2}, {"order_item_id": "J", "quantity": 1}],
    }


@pytest.mark.parametrize(
    ("status", "stage", "failed_at"), [("failed", "validate", "transform"), ("done", "load", None)]
)
def test_a_batch_says_how_far_it_got(status: str, stage: str, failed_at: str | None) -> None:
    texts = {name: name for name in ("batch_id", "connection", "error", "remedy", "report", "flow_run_id")}
    row = {**texts, "kind": "import", "status": status, "stage": stage, "counts": {"fetched": 1}}
    names = ("window_after", "window_before", "started_at", "finished_at")
    moments = {name: NOON + timedelta(hours=hour) for hour, name in enumerate(names)}
    assert batches._shown(SimpleNamespace(**row, **moments)) == {
        **row,
        "failed_at": failed_at,
        "window": {"after": "2026-11-01T12:00:00Z", "before": "2026-11-01T13:00:00Z"},
        "started_at": "2026-11-01T14:00:00Z",
        "finished_at": "2026-11-01T15:00:00Z",
    }


def test_a_step_of_a_check_says_what_was_found_the_worst_first() -> None:
    fine, bad = Finding(Status.OK, "fine"), Finding(Status.FAILED, "bad", "Mend it.")
    step = Step("SKUs", "us", (fine, bad))
    assert check._document(step) == {
        "name": "SKUs",
        "connection": "us",
        "status": "failed",
        "detail": step.detail,
        "remedy": step.remedy,
        "findings": [
            {"status": "failed", "detail": "bad", "remedy": "Mend it."},
            {"status": "ok", "detail": "fine", "remedy": ""},
        ],
    }


@pytest.mark.parametrize(
    ("failed", "held", "overdue", "expected"),
    [
        ([], {}, 0, "Nothing failed, nothing is held."),
        ([1], {}, 0, "1 run failed and was not run again; nothing is held."),
        ([2, 1], {"us": {"order": 0}}, 0, "3 runs failed and were not run again; nothing is held."),
        ([], {"us": {"order": 1}}, 1, "1 order needs attention. 1 order is overdue in the warehouse."),
        (
            [],
            {"us": {"SKU": 1}, "eu": {"SKU": 1}},
            2,
            "2 SKUs need attention. 2 orders are overdue in the warehouse.",
        ),
        (
            [1],
            {"us": {"order": 2, "parcel": 1}, "eu": {"SKU": 1}},
            0,
            "1 run failed and was not run again; 2 orders, 1 parcel and 1 SKU need attention.",
        ),
    ],
)
def test_the_first_page_says_what_waits(
    failed: list[int], held: dict[str, dict[str, int]], overdue: int, expected: str
) -> None:
    failures: Any = [SimpleNamespace(count=count) for count in failed]
    assert headline(failures, held, overdue).replace("\N{NO-BREAK SPACE}", " ") == expected


@pytest.mark.parametrize(
    ("host", "url", "is_known"),
    [
        ("localhost", None, True),
        ("LOCALHOST", None, True),
        ("127.0.0.1", None, True),
        ("192.0.2.7", None, True),
        ("::1", None, True),
        ("reports.example", None, False),
        ("reports.example", "https://reports.example:8400/x", True),
        ("other.example", "https://reports.example:8400/x", False),
        (None, None, False),
        (None, "https://reports.example", False),
    ],
)
def test_the_site_answers_to_its_own_names_and_to_no_name_of_a_page_elsewhere(
    host: str | None, url: str | None, *, is_known: bool
) -> None:
    request: Any = SimpleNamespace(url=SimpleNamespace(hostname=host))
    settings: Settings = Settings.model_construct(reports_url=url)
    assert is_known_host(request, settings) is is_known
