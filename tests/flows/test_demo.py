"""`mfn demo` as a newcomer starts it: a day of orders from end to end, and nothing left running."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil

from mfn.cli.demo import CREDENTIALS
from tests.privacy.searching import Search

ROOT = Path(__file__).parents[2]


def buyers(warehouse: Path) -> set[str]:
    """What stands in the warehouse of some of its buyers."""
    columns = "ship_to_name, address_1, phone, email, delivery_instructions"
    with closing(sqlite3.connect(warehouse)) as database:
        rows = database.execute(f"SELECT {columns} FROM wms_order ORDER BY order_number LIMIT 3").fetchall()
        rows += database.execute(
            "SELECT DISTINCT gift_message, customization_url FROM wms_order_line LIMIT 4"
        ).fetchall()
    return {text for row in rows for text in row if text}


def test_the_demo_shows_a_day_of_orders_and_leaves_a_home_to_try_commands_in(tmp_path: Path) -> None:
    mfn = str(Path(sys.executable).with_name("mfn"))
    program = [mfn, "demo", "--json"]
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    clean |= {name: os.environ[name] for name in ("SSL_CERT_FILE", "PYTHONPATH")}
    ran = subprocess.run(program, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    shown = json.loads(ran.stdout)
    assert set(shown) >= {"import", "confirm", "inventory", "reports"}
    summary = shown["import"]
    parts = ("loaded", "held", "unchanged", "cancelled", "ignored")
    assert summary["fetched"] == sum(summary[part] for part in parts) > 200
    assert min(summary["loaded"], summary["held"], summary["cancelled"], summary["ignored"]) > 0
    confirmed = shown["confirm"]
    parts = ("sent", "held", "skipped", "failed", "pending")
    assert confirmed["shipments"] == sum(confirmed[part] for part in parts) > 100
    assert min(confirmed["sent"], confirmed["held"], confirmed["skipped"]) > 0
    assert confirmed["failed"] == confirmed["pending"] == 0
    assert Path(confirmed["report"]).is_file()
    stock = shown["inventory"]
    assert stock["skus"] == sum(stock[part] for part in ("pushed", "unchanged", "held", "failed")) > 400
    assert min(stock["pushed"], stock["held"], stock["sold_out"], stock["verified"]) > 0
    assert stock["failed"] == stock["drift"] == 0
    assert Path(stock["report"]).is_file()
    assert Path(shown["reports"]).is_file()
    assert Path(summary["report"]).is_file()
    home = str(Path(shown["reports"]).parents[2])
    left = [process.pid for process in psutil.process_iter(["cmdline", "cwd"]) if home in str(process.info)]
    assert left == [], "everything is stopped"
    warehouse = Path(home) / "warehouse.db"
    secrets = Path(home) / ".env"
    planted = Search([*buyers(warehouse), *CREDENTIALS.values()])
    assert planted.below(Path(home), but=[warehouse, secrets]) == []
    assert list(planted.in_bytes(secrets.read_bytes(), "secrets")), "it is looked for as it is written"
    tried = subprocess.run([mfn, "confirm", "demo", "--json"], cwd=home, env=clean, capture_output=True, check=False)
    assert tried.returncode == 0, tried.stderr
    assert b"warning" not in tried.stderr
