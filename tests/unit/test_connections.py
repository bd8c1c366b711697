"""connections.yaml: what it says by default, and every fault at once with its line, its key and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mfn.connections import find_connection, load_connections
from mfn.errors import ConfigurationError
from mfn.settings import describe_settings, load_settings

GOLDEN = Path(__file__).parents[1] / "golden" / "connections_errors.txt"

BAD = """\
connections:
  us:
    seller_id: A2XXXXXXXXXXXX
    marketplaces: [US, CA]
    endpoint: http://127.0.0.1:84x0
  no:
    seller_id: 12
    marketplaces: [NO, DE, US]
    warehouse: {url: "mysql://x/y", colour: red}
    orders: {overlap: 3, hold_alarm_percent: 500, not_before: soon}
    credentials: password
    privacy: {retention_days: 60}
  Bad:
    x: 1
  empty:
  eu:
    marketplaces: DE
  jp: {seller_id: A, marketplaces: []}
orders: {}
"""

GOOD = """\
connections:
  eu_west:
    seller_id: A2XXXXXXXXXXXX
    marketplaces: [UK, de, A13V1IB3VIYZZH]
    warehouse: {url: "sqlite:///wms/warehouse.db"}
    orders:
    inventory: {maximum_units: null}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MFN_HOME", "MFN_LEDGER_URL", "MFN_CONNECTIONS", "MFN_MAPPINGS", "MFN_PII_KEYS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "entry", ["warehouse: postgresql://u:hunter2@h/d", "credentials: hunter2", "endpoint: https://u:hunter2@h"]
)
def test_a_secret_in_the_wrong_place_is_not_shown(folder: Path, entry: str) -> None:
    text = f"connections:\n  us:\n    seller_id: A2XXXXXXXXXXXX\n    marketplaces: [US]\n    {entry}\n"
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"connections\.yaml:5: connections\.us\.") as refused:
        load_connections(load_settings())
    assert "hunter2" not in refused.value.message


def test_a_marketplace_that_is_named_twice_counts_once(folder: Path) -> None:
    text = "connections:\n  us:\n    seller_id: A2XXXXXXXXXXXX\n    marketplaces: [US, CA, ATVPDKIKX0DER, us]\n"
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    found = load_connections(load_settings())["us"]
    assert [place.name for place in found.marketplaces] == ["US", "CA"]


@pytest.mark.parametrize("entry", ["privacy: {retention_days: true}", "inventory: {brake_percent: false}"])
def test_yes_and_no_are_no_numbers(folder: Path, entry: str) -> None:
    text = f"connections:\n  us:\n    seller_id: A2XXXXXXXXXXXX\n    marketplaces: [US]\n    {entry}\n"
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"connections\.yaml:5: connections\.us\."):
        load_connections(load_settings())


def test_a_connection_listed_twice_is_reported_by_its_line_and_without_its_values(folder: Path) -> None:
    entry = "  us:\n    seller_id: A2XXXXXXXXXXXX\n    marketplaces: [US]\n    warehouse: {url: postgresql://u:hunter2@h/d}\n"
    (folder / "connections.yaml").write_text(f"connections:\n{entry}{entry}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r'connections\.yaml:6: .*duplicate key "us"') as refused:
        load_connections(load_settings())
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/d", "postgresql://h/d?user=u&password=hunter2"])
def test_the_password_of_the_ledger_is_never_shown(monkeypatch: pytest.MonkeyPatch, folder: Path, url: str) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", url)
    rows = describe_settings(load_settings())
    assert [row["setting"] for row in rows if "postgresql" in str(row["value"])] == ["MFN_LEDGER_URL"]
    assert "hunter2" not in str(rows)
    assert not list(folder.iterdir())


def test_every_fault_is_reported_at_once_with_its_line_and_key(folder: Path) -> None:
    (folder / "connections.yaml").write_text(BAD, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_connections(load_settings())
    assert refused.value.message + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_every_section_may_be_left_out_and_paths_start_at_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "set-up").mkdir()
    (folder / "set-up" / "connections.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("MFN_CONNECTIONS", "set-up/connections.yaml")
    settings = load_settings()
    connection = find_connection(settings, "eu_west")
    assert [marketplace.name for marketplace in connection.marketplaces] == ["UK", "DE", "FR"]
    assert connection.region == "eu"
    assert connection.warehouse.url == f"sqlite:///{folder / 'set-up' / 'wms' / 'warehouse.db'}"
    assert connection.orders.overlap_minutes == 15
    assert settings.home == folder / "set-up" / ".mfn"
    assert settings.mappings == folder / "set-up" / "mappings"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("connections: [", "connections.yaml:1: is not valid YAML"),
        ("", "connections.yaml:1: connections: expected a mapping"),
        ("connections: 3", "connections.yaml:1: connections: expected a mapping"),
        ("- a\n", "connections.yaml:1: connections: expected a mapping"),
        ("connections:\n  us: {a: 1}\n  us: {b: 2}\n", "found duplicate key"),
        ("version: 1\nconections:\n  us: {}\n", "connections.yaml:2: conections: unknown key"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_its_line(folder: Path, text: str, said: str) -> None:
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_connections(load_settings())
    assert said in refused.value.message


@pytest.mark.parametrize("moment", ["20261127", '"20261127"', "1.5", "0001-01-01T00:00:00+14:00"])
def test_what_is_not_a_time_is_refused_and_not_taken_for_seconds_since_1970(folder: Path, moment: str) -> None:
    text = f"connections:\n  us:\n    seller_id: A\n    marketplaces: [US]\n    orders: {{not_before: {moment}}}\n"
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_connections(load_settings())
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (5, "connections.us.orders.not_before")


def test_unusable_numbers_are_reported_together(folder: Path) -> None:
    text = (
        "connections:\n  us:\n    seller_id: A\n    marketplaces: [US]\n"
        "    inventory: {buffer_units: 99999999999999999999, maximum_age_hours: .inf}\n"
        "    alerts: {ship_by_hours: 1.0e+300, no_import_minutes: .inf}\n"
    )
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_connections(load_settings())
    assert [problem.line for problem in refused.value.problems] == [5, 5, 6, 6]


def test_a_missing_file_says_how_to_get_one(folder: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_connections(load_settings())
    assert "mfn init" in refused.value.remedy


def test_a_file_in_another_encoding_is_reported_as_such(folder: Path) -> None:
    (folder / "connections.yaml").write_bytes("connections: {é: 1}".encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_connections(load_settings())


@pytest.mark.parametrize("url", ["nonsense", "mysql://a/b", "sqlite://", "sqlite:///:memory:"])
def test_a_ledger_that_cannot_be_one_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MFN_LEDGER_URL", url)
    with pytest.raises(ConfigurationError, match="MFN_LEDGER_URL"):
        load_settings()


@pytest.mark.parametrize("name", ["connections.yaml", ".env"])
def test_a_dangling_link_is_reported_as_one(folder: Path, name: str) -> None:
    (folder / name).symlink_to("moved-away")
    with pytest.raises(ConfigurationError, match=r"it is a link to moved-away, which does not exist\.") as refused:
        load_connections(load_settings())
    assert f"remove the link {name}" in str(refused.value.problems or refused.value.remedy)


def test_a_connections_file_that_is_a_directory_is_reported_as_one(folder: Path) -> None:
    (folder / "connections.yaml").mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot be read: Is a directory\.") as refused:
        load_connections(load_settings())
    assert refused.value.remedy == "Replace this directory with a file."


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("seller_id", '" A2XXXXXXXXXXXX"', "expected a merchant token such as A2XXXXXXXXXXXX, without a space, got"),
        ("seller_id", "''", "expected a merchant token"),
        ("endpoint", "http://127.0.0.1:84800", "expected a base URL such as http://127.0.0.1:8480, got"),
        ("lwa_endpoint", "http://127.0.0.1:0", "expected a base URL"),
        ("notifications", "{queue_url: https://sqs.us-east-1.amazonaws.com/1/mfn.fifo}", "is a FIFO queue, but Amazon"),
        ("orders", "{allow_programs: [DELIVERY_BY_AMAZON, easy ship]}", "expected a programme as Amazon writes it"),
    ],
)
def test_what_would_never_be_found_at_amazon_is_refused_before_it_is_looked_for(
    folder: Path, key: str, value: str, said: str
) -> None:
    entry = {"seller_id": "A2XXXXXXXXXXXX", "marketplaces": "[US]", key: value}
    text = "connections:\n  us:\n" + "".join(f"    {name}: {given}\n" for name, given in entry.items())
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"connections\.us\.{key}.*: {said}"):
        load_connections(load_settings())


def test_programmes_are_let_through_in_any_case_and_an_endpoint_may_be_an_ipv6_address(folder: Path) -> None:
    text = (
        "connections:\n  us:\n    seller_id: A2XXXXXXXXXXXX\n    marketplaces: [US]\n"
        '    endpoint: "http://[::1]:8480/"\n    orders: {allow_programs: [" in_store_pick_up "]}\n'
    )
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    found = load_connections(load_settings())["us"]
    assert (found.endpoint, found.orders.allow_programs) == ("http://[::1]:8480", ["IN_STORE_PICK_UP"])
