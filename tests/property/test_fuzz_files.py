"""Whatever stands in the files that people edit, and in a warehouse's rows: it is read, or told with its place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfn.connections import load_connections
from mfn.errors import ConfigurationError
from mfn.mappings import read_mappings
from mfn.mappings.tables import MAXIMUM_NAME_LENGTH
from mfn.plain_text import shown_lines
from mfn.rules.carriers import normalize_carriers
from mfn.rules.tracking_numbers import FORMS, check_tracking_numbers
from mfn.settings import load_settings
from mfn.warehouse.values import flags, numbers, times, whole_numbers, words
from tests.property.fuzzing import many, odd_numbers, odd_texts, odd_times, outcome, texts

if TYPE_CHECKING:
    from mfn.mappings import Mappings

MAPPINGS = Path(__file__).parents[2] / "mappings"
CONNECTIONS = """\
connections:
  us:
    seller_id: A2TESTSELLER001
    marketplaces: [US, CA]
    credentials: env
    endpoint: http://127.0.0.1:8480
    warehouse: {kind: sql, url: "sqlite:///warehouse.db"}
    orders: {initial_lookback_days: 7, overlap_minutes: 15, not_before: 2026-11-01T00:00:00Z, allow_programs: []}
    inventory: {buffer_units: 0, buffer_percent: 2.5, minimum_units: 0, maximum_units: null}
    privacy: {retention_days: 30, scrub_warehouse: false}
"""
RULES = """\
order.import:
  - name: a
    enabled: true
    when: order.is_sfp and order.state == "HI" or order.units > 3
    then:
      - set: {order.ship_method_code: AIR}
      - stop: true
  - name: b
    when: order.order_id =~ r"111-\\d+" and "PRIME" in order.programs
    then: [hold: why]
inventory.push:
  - name: c
    when: stock.on_hand > 5000
    then:
      - set: {stock.buffer_units: 2, stock.buffer_percent: 10.5}
"""
SIGNS = (
    "&a ", "*a", "<<: ", "!!int ", "!!python/object:x ", "[", "]", "{", "}", "- ", ": ", "? ", "| ", ">- ", "---\n",
    "...", "#", "'", '"', "\t", "\n\n", "%YAML 9", "0x", "1e9999", "9" * 5_000, "2026-13-45", ".nan", "~", "\x00",
    "\x85", "\ufeff", "[" * 500, "  " * 200 + "a:\n", "*a, " * 50, ' =~ "(a+)+$"', ' =~ r"(?=x)"', " ** 9",
    "(" * 100, "not " * 50, ";", ",", '""', "\r", "\r\n", "1E+05", "#N/A", "=1+1", "x" * 150_000,
)  # fmt: skip


@st.composite
def edited(draw: st.DrawFn, whole: str) -> str:
    """A file in which something was typed, lost, doubled or moved a few times."""
    text = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 25)))
        typed = draw(st.sampled_from(SIGNS) | texts | odd_texts | odd_times | st.just(text[start:end] * 2))
        text = text[:start] + typed + text[end:]
    return text


def _written(path: Path, text: str) -> None:
    path.write_bytes(text.encode(errors="surrogatepass"))


@many(25)
@given(text=edited(CONNECTIONS))
def test_connections_are_read_or_every_error_is_reported(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    folder = tmp_path_factory.mktemp("connections")
    monkeypatch.chdir(folder)
    _written(folder / "connections.yaml", text)
    _, refusal = outcome(lambda: load_connections(load_settings()), ConfigurationError)
    assert len(refusal) < 20_000
    shutil.rmtree(folder)


@pytest.mark.parametrize("file", ["rules.yaml", *sorted(path.name for path in MAPPINGS.glob("*.csv"))])
@many(25)
@given(data=st.data())
def test_mappings_are_read_or_every_error_is_reported(
    tmp_path_factory: pytest.TempPathFactory, file: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("mappings")
    header = "connection,program,service_level,marketplace,warehouse_code,note\n"
    (folder / "shipping_methods.csv").write_text(header, encoding="utf-8")
    whole = RULES if file == "rules.yaml" else (MAPPINGS / file).read_text(encoding="utf-8")[:1_500]
    _written(folder / file, data.draw(edited(whole)))
    for problem in read_mappings(folder, connections=["us"])[1]:
        assert shown_lines(str(problem)) == str(problem)
        assert len(str(problem)) < 3_000
    shutil.rmtree(folder)


cells = st.none() | texts | odd_texts | odd_times | odd_numbers.map(str) | st.sampled_from(("1", "t", "2026-11-29"))


@many(60)
@given(given=st.lists(cells, max_size=8))
def test_every_value_of_a_warehouse_is_read_as_something(given: list[str | None]) -> None:
    assert len(words(given)) == len(given)
    assert flags(given, missing=True).dtype == "bool"
    assert numbers(given).dtype == "float64"
    assert whole_numbers(given, missing=0).dtype == "int64"
    for moment in times(given).dropna():
        assert 1 < moment.to_pydatetime().year < 9999


@pytest.fixture(scope="module")
def mappings() -> Mappings:
    return read_mappings(MAPPINGS)[0]


@many(25)
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=6), keep=st.sampled_from(("other", "hold")))
def test_every_carrier_becomes_one_of_amazons_codes_or_is_held(mappings: Mappings, rows: list[Any], keep: Any) -> None:
    parcels = pd.DataFrame(rows, columns=["carrier", "service"], dtype="object")
    found = normalize_carriers(
        parcels, mappings.carriers, mappings.accepted_carriers, connection="us", unlisted_carrier=keep
    )
    is_held = found["carrier_reason"] != ""
    assert found["carrier_code"].isna().tolist() == is_held.tolist()
    for name in ("carrier_name", "shipping_method"):
        assert all(len(text) <= MAXIMUM_NAME_LENGTH for text in found[name].dropna())


@many(25)
@given(number=texts | odd_texts | st.text("0123456789ABCZ -", max_size=5_000), code=st.sampled_from(sorted(FORMS)))
def test_every_tracking_number_has_a_verdict(number: str, code: str) -> None:
    frame = pd.DataFrame({"carrier_code": [code], "tracking_number": [number]}, dtype="object")
    assert len(check_tracking_numbers(frame).iloc[0]) < 300
