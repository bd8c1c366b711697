"""The `mfn` program as a person and as a script use it: documents, exit status, messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mfn.cli.application import run
from mfn.ledger.leases import lease
from mfn.ledger.opening import ledger_engine
from tests.world import address, an_item, an_order

if TYPE_CHECKING:
    import pytest

    from tests.cli.conftest import Mfn
    from tests.world import World


README = Path(__file__).parents[2] / "README.md"


IMPORT_KEYS = {
    "batch_id", "window", "fetched", "loaded", "held", "unchanged", "cancelled", "ignored", "released", "still_held",
    "api_calls", "report", "seconds",
}  # fmt: skip


def test_an_import_prints_the_keys_that_the_contract_names(world: World, mfn: Mfn) -> None:
    world.put(an_order(), an_order(level="SAME_DAY"))
    status, document = mfn("import", "us")
    assert status == 0
    assert set(document) >= IMPORT_KEYS
    assert set(document["window"]) == {"after", "before"}
    assert document["api_calls"] == {"searchOrders": 1}
    assert document["report"].endswith(f"{document['batch_id']}.html")


def test_an_import_prints_its_sum_and_where_to_look_for_a_person(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.put(an_order(), an_order(level="SAME_DAY"))
    assert run(["import", "us"]) == 0
    shown = capsys.readouterr().out
    assert "us: 2 fetched = 1 loaded + 1 held + 0 unchanged + 0 cancelled + 0 ignored" in shown
    assert "mfn orders --status held" in shown


def test_a_failed_run_ends_with_1_and_says_what_it_did_and_what_to_do(world: World, mfn: Mfn) -> None:
    world.write_connections(hold_alarm_percent=0)
    world.put(an_order(), an_order(level="SAME_DAY"))
    status, document = mfn("import", "us")
    assert status == 1
    assert set(document) >= IMPORT_KEYS | {"error", "remedy"}
    assert (document["loaded"], document["held"]) == (1, 1)


def test_wrong_usage_ends_with_2(world: World, mfn: Mfn) -> None:
    for words in (
        ["frobnicate"],
        ["import"],
        ["import", "eu"],
        ["import", "us", "--since", "yesterday"],
        ["import", "us", "--since", "2026-01-01", "--order", "1"],
        ["import", "us", "--since", "2999-01-01"],
        ["import", "us", "--order", ""],
        ["import", "us", "--no-such-option"],
        ["rerun"],
        ["rerun", "nope"],
        ["rerun", "--failed", "nope"],
        ["report", "nope"],
        ["orders", "show", "nope"],
        ["orders", "--status", "nope"],
    ):
        status, document = mfn(*words)
        assert status == 2, words
        assert document["error"], words
        assert document["remedy"], words


def test_a_busy_connection_ends_with_3(world: World, mfn: Mfn) -> None:
    with lease(world.ledger, "us", "import"):
        status, document = mfn("import", "us")
    assert status == 3
    assert set(document) >= {"error", "remedy"}


def test_no_traceback_reaches_a_person(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mfn.cli.setup.describe_settings", lambda _settings: 1 / 0)
    assert run(["settings"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "Traceback" not in said
    assert run(["settings", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_debug_changes_neither_the_document_nor_the_exit_status(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "eu", "--json", "--debug"]) == 2
    shown = capsys.readouterr()
    assert set(json.loads(shown.out)) >= {"error", "remedy"}
    assert "Traceback" in shown.err


def test_an_interrupted_command_prints_its_document_too(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_settings: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mfn.cli.setup.describe_settings", interrupt)
    status, document = mfn("settings")
    assert status == 1
    assert set(document) == {"error", "remedy"}


def test_orders_are_listed_and_shown_with_their_reasons(world: World, mfn: Mfn) -> None:
    good, bad = world.put(an_order(programs=["PRIME"]), an_order(an_item(sku="mug-blue")))
    world.run()
    _, everything = mfn("orders")
    assert {order["order_id"] for order in everything["orders"]} == {good, bad}
    _, held = mfn("orders", "--status", "held", "--connection", "us")
    (order,) = held["orders"]
    assert set(order) >= {"order_id", "status", "reasons", "is_sfp", "ship_by", "batch_id"}
    assert order["reasons"][0]["code"] == "sku_unknown"
    assert "MUG-BLUE differs in case" in order["reasons"][0]["detail"]
    assert "us,US,mug-blue,MUG-BLUE,1," in order["reasons"][0]["remedy"]
    _, shown = mfn("orders", "show", good)
    assert (shown["status"], shown["is_sfp"]) == ("loaded", True)
    assert [moment["outcome"] for moment in shown["timeline"]] == ["loaded"]


def test_json_may_precede_the_subcommand_of_orders(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (order_id,) = world.put(an_order(level="SAME_DAY"))
    world.run()
    for words in (["show", order_id], ["dismiss", order_id, "--why", "a test"], ["release", order_id, "--why", "x"]):
        assert run(["orders", "--json", *words]) == 0
        assert order_id in str(json.loads(capsys.readouterr().out)), words


def test_an_order_shows_what_changed_at_amazon_after_the_warehouse_began_it(
    world: World, mfn: Mfn, capsys: pytest.CaptureFixture[str]
) -> None:
    changed, same = world.put(an_order(), an_order())
    world.run()
    world.warehouse_moves(changed, "picking")
    world.change(changed, recipient={"deliveryAddress": address(city="Tacoma")})
    world.run()
    conflicts = [moment["conflicts"] for moment in mfn("orders", "show", changed)[1]["timeline"]]
    assert conflicts == [[], [{"what": "its address, dates or quantities changed at Amazon", "status": "picking"}]]
    assert [moment["conflicts"] for moment in mfn("orders", "show", same)[1]["timeline"]] == [[]]
    run(["orders", "show", changed])
    assert "changed at Amazon (picking)" in capsys.readouterr().out


def test_batches_say_how_far_they_got_and_can_be_run_again(world: World, mfn: Mfn) -> None:
    world.write_connections(hold_alarm_percent=0)
    world.put(an_order(an_item(sku="MUG-GREEN")))
    mfn("import", "us")
    _, listed = mfn("batches", "--failed")
    (batch,) = listed["batches"]
    assert set(batch) >= {"batch_id", "connection", "kind", "status", "stage", "counts", "error"}
    assert (batch["kind"], batch["status"], batch["stage"]) == ("import", "failed", "load")
    world.add_items("MUG-GREEN")
    status, again = mfn("rerun", batch["batch_id"], "--from-stage", "validate")
    assert (status, again["batches"][0]["status"]) == (0, "done")
    assert mfn("batches", "--failed") == (0, {"batches": []})
    assert mfn("rerun", "--failed") == (0, {"batches": []})


def test_a_report_is_found_by_its_batch_and_the_index_without_one(world: World, mfn: Mfn) -> None:
    batch_id = world.run()["batch_id"]
    assert mfn("report", batch_id)[1]["report"].endswith(f"{batch_id}.html")
    assert mfn("report")[1]["report"].endswith("index.html")


def test_a_report_is_found_after_its_home_was_moved(world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = world.run()["batch_id"]
    ledger_engine(world.settings.ledger_url.get_secret_value()).dispose()
    world.settings.home.rename(world.home / "moved")
    monkeypatch.setenv("MFN_HOME", "moved")
    report = world.home / "moved" / "reports" / f"{batch_id}.html"
    assert mfn("report", batch_id) == (0, {"report": str(report)})


def test_a_removed_report_is_reported_with_where_its_run_is_shown(world: World, mfn: Mfn) -> None:
    document = world.run()
    Path(document["report"]).unlink()
    status, said = mfn("report", document["batch_id"])
    assert status == 2
    assert "or was deleted" in said["error"]
    assert f"mfn site, then open /runs/{document['batch_id']}" in said["remedy"]


def test_all_bad_rows_of_the_mappings_are_named_together(world: World, mfn: Mfn) -> None:
    assert mfn("mappings", "check") == (0, {"errors": []})
    path = world.home / "mappings" / "sku_aliases.csv"
    path.write_text(
        "connection,marketplace,seller_sku,warehouse_sku,units,note\n,,A,MUG-RED,0,\n,XX,B,NONE,1,\n", "utf-8"
    )
    status, document = mfn("mappings", "check")
    assert status == 1
    assert {(error["line"], error["column"]) for error in document["errors"]} >= {(2, "units"), (3, "marketplace")}
    assert set(document["errors"][0]) >= {"file", "line", "column", "message"}
    assert document["error"]
    assert document["remedy"]


def test_what_the_warehouse_lacks_is_reported_together_with_errors_in_the_files(world: World, mfn: Mfn) -> None:
    path = world.home / "mappings" / "sku_aliases.csv"
    path.write_text(
        "connection,marketplace,seller_sku,warehouse_sku,units,note\n,,A,MUG-RED,0,\n,,B,NO-SUCH,1,\n,,C,,1,\n", "utf-8"
    )
    status, document = mfn("mappings", "check")
    assert status == 1
    assert [(error["line"], error["column"]) for error in document["errors"]] == [
        (2, "units"),
        (3, "warehouse_sku"),
        (4, "warehouse_sku"),
    ]


def test_each_warehouse_is_asked_about_its_own_rows_and_a_missing_one_hides_nothing(world: World, mfn: Mfn) -> None:
    world.add_connection("de", marketplaces="[DE]")
    connections, methods = world.home / "connections.yaml", world.home / "mappings" / "shipping_methods.csv"
    us, de = connections.read_text(encoding="utf-8").split("  de:")
    connections.write_text(f"{us}  de:{de.replace(world.warehouse_url, 'sqlite:///de.db')}", encoding="utf-8")
    methods.write_text(methods.read_text(encoding="utf-8") + ",,NEXT_DAY,DE,NACHT,\n", encoding="utf-8")
    assert mfn("mappings", "check") == (0, {"errors": []})

    (world.home / "other.db").write_text("no database", encoding="utf-8")
    connections.write_text(connections.read_text(encoding="utf-8").replace("/de.db", "/other.db"), encoding="utf-8")
    methods.write_text(methods.read_text(encoding="utf-8") + ",,SAME_DAY,,BIKE,\n,,PRIORITY,,,\n", encoding="utf-8")
    status, document = mfn("mappings", "check")
    assert status == 1
    assert [(error["line"], error["column"]) for error in document["errors"]] == [
        (None, "connections.de.warehouse.url"),
        (6, "warehouse_code"),
        (7, "warehouse_code"),
    ]
    assert "the warehouse of us has no 'BIKE'" in document["error"]


def test_wrong_rows_are_reported_together_with_errors_in_the_connections(world: World, mfn: Mfn) -> None:
    connections, methods = world.home / "connections.yaml", world.home / "mappings" / "shipping_methods.csv"
    connections.write_text(connections.read_text(encoding="utf-8").replace("orders:", "order:"), encoding="utf-8")
    methods.write_text(methods.read_text(encoding="utf-8") + ",,PRIORITY,,,\n", encoding="utf-8")
    for words in (("mappings", "check"), ("import", "us"), ("confirm", "us")):
        status, document = mfn(*words)
        assert status == 2
        places = [(problem["file"], problem["column"]) for problem in document["problems"]]
        assert places == [
            ("connections.yaml", "connections.us.order"),
            ("mappings/shipping_methods.csv", "warehouse_code"),
        ]


def test_settings_show_their_origin_and_no_secret(world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", "postgresql://someone:hidden-word@127.0.0.1/ledger")
    monkeypatch.setenv("MFN_PII_KEYS", "hidden-key")
    (world.home / ".env").write_text("MFN_HOME=elsewhere\n", encoding="utf-8")
    status, document = mfn("settings")
    origins = {row["setting"]: row["origin"] for row in document["settings"]}
    assert status == 0
    assert origins["MFN_LEDGER_URL"] == "environment"
    assert origins["MFN_HOME"] == ".env"
    assert origins["MFN_MAPPINGS"] == "default"
    assert "hidden" not in json.dumps(document)


def test_orders_of_an_unknown_connection_are_wrong_usage(world: World, mfn: Mfn) -> None:
    status, document = mfn("orders", "--connection", "nope")
    assert status == 2
    assert "has no connection 'nope'; it has: us" in document["error"]
    assert mfn("orders", "--connection", "us") == (0, {"orders": []})
    (order_id,) = world.put(an_order())
    world.run()
    path = world.home / "connections.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  us:", "  eu:"), encoding="utf-8")
    assert mfn("orders", "--connection", "nope")[0] == 2
    (order,) = mfn("orders", "--connection", "us")[1]["orders"]
    assert order["order_id"] == order_id


def test_settings_in_another_encoding_are_reported_by_file_and_line(world: World, mfn: Mfn) -> None:
    (world.home / ".env").write_bytes("MFN_HOME=.mfn\n# für uns\n".encode("latin-1"))
    for words in (["settings"], ["init"], ["mappings", "check"], ["import", "us"]):
        status, document = mfn(*words)
        assert status == 2
        assert document["error"].startswith(".env:2: is not UTF-8")


def test_init_says_where_it_cannot_write(world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_CONNECTIONS", str(world.home / "a-file" / "connections.yaml"))
    (world.home / "a-file").touch()
    status, document = mfn("init")
    assert status == 2
    assert "cannot be written" in document["error"]
    assert document["remedy"]


def test_init_writes_what_is_missing_and_overwrites_nothing(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = world.home / "fresh"
    fresh.mkdir()
    monkeypatch.chdir(fresh)
    status, document = mfn("init")
    assert status == 0
    assert {path.rsplit("/", 1)[1] for path in document["written"]} == {
        "connections.yaml",
        ".env.example",
        "keys",
        "ledger.db",
    }
    assert (fresh / ".mfn").stat().st_mode & 0o777 == 0o700
    assert (fresh / ".mfn" / "keys").stat().st_mode & 0o777 == 0o600
    first_line = (fresh / "connections.yaml").read_text(encoding="utf-8").partition("\n")[0]
    named = (
        README.read_text(encoding="utf-8").partition(f"\n## {first_line.split(chr(34))[1]}\n")[2].partition("\n## ")[0]
    )
    assert "initial_lookback_days" in named
    (fresh / "connections.yaml").write_text("connections: mine\n", encoding="utf-8")
    assert mfn("init") == (0, {"written": []})
    assert (fresh / "connections.yaml").read_text(encoding="utf-8") == "connections: mine\n"


def test_init_names_the_ledger_that_it_made_wherever_it_is(
    world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", "sqlite:///elsewhere/orders.db")
    _, document = mfn("init")
    assert str(world.home / "elsewhere" / "orders.db") in document["written"]


def test_quick_commands_import_nothing_slow(world: World) -> None:
    program = (
        "import sys; from mfn.cli.application import run; run(['orders']); run(['batches']);"
        "slow = {'pandas', 'prefect', 'great_expectations', 'sp_api', 'fastapi', 'alembic'} & set(sys.modules);"
        "sys.exit(', '.join(slow) or 0)"
    )
    world.run()
    ran = subprocess.run([sys.executable, "-c", program], cwd=world.home, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_commands_that_only_read_make_no_ledger(world: World, mfn: Mfn, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = world.home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert mfn("orders") == (0, {"orders": []})
    assert mfn("batches") == (0, {"batches": []})
    assert mfn("rerun", "--failed") == (0, {"batches": []})
    for words in (
        *("orders show 111", "orders release 111 --why -", "orders dismiss 111 --why -", "erase 111"),
        *("report b", "rerun b", "keys rotate"),
    ):
        status, refused = mfn(*words.split())
        assert (status, "there is no ledger" in refused["error"]) == (2, True), words
    assert list(elsewhere.iterdir()) == []
