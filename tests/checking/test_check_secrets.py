"""What a check says of secrets that grow old, and of what others could read at rest or on its way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from mfn.connection import Connection
from mfn.ledger.schema import SeenSecret
from mfn.steps.checking.findings import ACCOUNT
from mfn.steps.checking.secrets import is_here, protection_findings
from tests.checking.conftest import said

if TYPE_CHECKING:
    from pathlib import Path

    from mfn.steps.checking.place import CheckPlace
    from tests.checking.conftest import Checked
    from tests.world import World


def grow_older(world: World, days: float) -> None:
    """Let every secret have been seen so many days ago."""
    with world.ledger.writing() as database:
        database.execute(update(SeenSecret).values(first_seen_at=datetime.now(UTC) - timedelta(days=days)))


def test_a_secret_about_to_expire_is_a_warning_and_a_new_one_restarts_the_count(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checked.run()[ACCOUNT].status == "ok"
    grow_older(checked.world, 149.9)
    assert checked.run()[ACCOUNT].status == "ok"
    grow_older(checked.world, 150.1)
    step = checked.run()[ACCOUNT]
    assert step.status == "warning"
    assert "at least 150 days old (first seen here on" in step.detail
    assert "rotate it in Seller Central > Apps and Services > Develop Apps" in step.remedy
    grow_older(checked.world, 180)
    step = checked.run()[ACCOUNT]
    assert step.status == "failed"
    assert "has expired or is about to" in step.detail
    monkeypatch.setenv("LWA_CLIENT_SECRET_US", "the new one")
    assert checked.run()[ACCOUNT].status == "ok"
    with checked.world.ledger.reading() as database:
        rows = database.execute(select(SeenSecret)).all()
    assert [row.connection for row in rows] == ["us", "us"]
    assert "the new one" not in str(rows)


def test_the_given_creation_day_of_a_secret_beats_the_day_it_was_first_seen(
    checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = (datetime.now(UTC) - timedelta(days=160)).date()
    monkeypatch.setenv("LWA_CLIENT_SECRET_CREATED", str(day))
    step = checked.run()[ACCOUNT]
    assert f"160 days old (LWA_CLIENT_SECRET_CREATED says {day}): it expires on {day + timedelta(days=180)}" in said(
        step
    )
    assert "correct LWA_CLIENT_SECRET_CREATED too" in step.remedy
    grow_older(checked.world, 300)
    monkeypatch.setenv("LWA_CLIENT_SECRET_CREATED_US", str(datetime.now(UTC).date()))
    assert checked.run()[ACCOUNT].status == "ok"


@pytest.mark.parametrize("day", ["yesterday", "31.05.2026", "9998-01-01"])
def test_an_invalid_creation_day_is_reported(checked: Checked, monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    monkeypatch.setenv("LWA_CLIENT_SECRET_CREATED", day)
    step = checked.run()[ACCOUNT]
    assert step.status == "failed"
    assert "LWA_CLIENT_SECRET_CREATED" in step.detail
    assert day in step.detail


def test_a_refused_secret_is_reported_with_its_age(checked: Checked) -> None:
    checked.world.amazon.faults.refuse_login("invalid_client", times=9)
    assert "days old" not in checked.run()[ACCOUNT].detail
    grow_older(checked.world, 200)
    step = checked.run()[ACCOUNT]
    assert "at least 200 days old" in step.detail
    assert "It refuses LWA_CLIENT_SECRET" in step.detail


def test_files_that_others_may_read_are_a_warning_and_stop_nothing(checked: Checked) -> None:
    home = checked.world.home
    (home / ".env").write_text("LWA_APP_ID=test\n", encoding="utf-8")
    (home / ".env").chmod(0o644)
    home.chmod(0o755)
    step = checked.run()[ACCOUNT]
    assert step.status == "warning"
    assert ".env: other users can read this file, which holds secrets" in step.detail
    assert "warehouse.db: other users can read the warehouse's file" in step.detail
    assert "chmod 600 .env" in step.remedy
    assert "chmod 600 warehouse.db" in step.remedy
    home.chmod(0o700)
    (home / ".env").chmod(0o600)
    assert checked.run()[ACCOUNT].status == "ok"


def findings_of(tmp_path: Path, ledger_url: str, **entry: Any) -> str:
    """What is found of a connection that is nowhere, with its remedies."""
    given = {"name": "us", "seller_id": "A2TESTSELLER", "marketplaces": ["US"], **entry}
    settings = SimpleNamespace(connections=tmp_path / "connections.yaml", ledger_url=SecretStr(ledger_url))
    place = cast("CheckPlace", SimpleNamespace(settings=settings, connection=Connection.model_validate(given)))
    return "\n".join(f"{finding.detail}. {finding.remedy}" for finding in protection_findings(place))


def test_unencrypted_traffic_over_a_network_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example.com/api")
    here = {"endpoint": "http://127.0.0.1:8480", "lwa_endpoint": "https://login.example.com"}
    assert findings_of(tmp_path, "postgresql://mfn:pw@localhost/mfn", **here) == ""
    assert findings_of(tmp_path, "postgresql://mfn@/mfn?host=/run/postgresql") == ""
    of_secrets = findings_of(
        tmp_path,
        "postgresql://mfn:planted-pw@db.example.com/mfn",
        endpoint="http://proxy.example.com:8080",
        credentials="prefect:amazon",
        warehouse={"url": "postgresql://mfn:planted-pw@10.0.0.7/wms?sslmode=prefer"},
    )
    for part in (
        "endpoint connects to proxy.example.com", "PREFECT_API_URL connects to prefect.example.com",
        "the ledger at db.example.com", "the warehouse at 10.0.0.7", "sslmode=verify-full (or require) to warehouse",
    ):  # fmt: skip
        assert part in of_secrets
    assert "planted-pw" not in of_secrets
    for mode in ("require", "verify-ca", "verify-full"):
        assert findings_of(tmp_path, f"postgresql://mfn:pw@db.example.com/mfn?sslmode={mode}") == ""
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert findings_of(tmp_path, "postgresql://mfn:pw@db.example.com/mfn") == ""


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.8.9.1", True), ("::1", True), ("", True), ("/run", True), ("0.0.0.0", False), ("localhost.evil", False)],
)
def test_only_loopback_counts_as_this_machine(host: str, expected: bool) -> None:
    assert is_here(host) is expected
