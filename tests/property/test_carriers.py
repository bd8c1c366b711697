"""What must hold of carriers whatever a warehouse writes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from mfn.mappings import load_mappings
from mfn.mappings.tables import MAXIMUM_NAME_LENGTH, spelling
from mfn.rules.carriers import normalize_carriers, propose_carrier_rows
from mfn.rules.tracking_numbers import FORMS, check_tracking_numbers

FOLDER = Path(__file__).parents[2] / "mappings"
HEADER = "connection,warehouse_carrier,warehouse_service,carrier_code,carrier_name,shipping_method,note"
MAPPINGS = load_mappings(FOLDER)
ACCEPTED = set(MAPPINGS.accepted_carriers["carrier_code"])
KNOWN = sorted(ACCEPTED | set(MAPPINGS.carriers["warehouse_carrier"]))
NOISE = " .,-_/&()'!\t\u00a0\u200b\u0301"

texts = st.one_of(st.none(), st.text(), st.text(min_size=45), st.sampled_from(KNOWN))
written = st.lists(st.tuples(texts, texts), max_size=5)


def normalized(pairs: list[tuple[str | None, str | None]], unlisted_carrier: Any = "other") -> pd.DataFrame:
    parcels = pd.DataFrame(pairs, columns=["carrier", "service"], dtype="object")
    return normalize_carriers(
        parcels, MAPPINGS.carriers, MAPPINGS.accepted_carriers, connection="us", unlisted_carrier=unlisted_carrier
    )


@given(written, st.sampled_from(["other", "hold"]))
@example([("Other", None)], "other")
@example([("\ud800UPS", "\x00")], "other")
def test_a_parcel_has_a_code_that_amazon_accepts_or_a_reason_and_never_both(
    pairs: list[tuple[str | None, str | None]], unlisted_carrier: str
) -> None:
    found = normalized(pairs, unlisted_carrier)
    assert len(found) == len(pairs)
    for code, name, method, reason, warning in found.itertuples(index=False):
        assert (code in ACCEPTED) != bool(reason)
        assert bool(name) == (code == "Other") == bool(warning)
        assert all(text is None or 0 < len(text) <= MAXIMUM_NAME_LENGTH for text in (name, method))
        assert all(text is None or (text.isprintable() and text == text.strip()) for text in (name, method))


@given(st.one_of(st.text(), st.sampled_from(KNOWN)))
def test_a_code_that_was_found_is_mapped_to_itself(carrier: str) -> None:
    code = normalized([(carrier, None)])["carrier_code"].item()
    if code not in {None, "Other"}:
        assert normalized([(code, None)])["carrier_code"].item() == code


@given(texts)
@example("Post, Office")
@example('24" Vans\r\n# of "Bob"')
@example("Fed-Exx")
def test_the_row_proposed_for_a_carrier_maps_it(carrier: str | None) -> None:
    parcels = pd.DataFrame({"carrier": [carrier], "service": [None]}, dtype="object")
    found = normalized([(carrier, None)])
    row = propose_carrier_rows(parcels.join(found), MAPPINGS.accepted_carriers).item()
    assert bool(row) == (found["carrier_warning"].item() == "carrier_unlisted")
    if row:
        assert len(row.splitlines()) == 1
        with TemporaryDirectory() as folder:
            directory = Path(folder)
            (directory / "accepted_carriers.csv").write_bytes((FOLDER / "accepted_carriers.csv").read_bytes())
            (directory / "shipping_methods.csv").write_bytes((FOLDER / "shipping_methods.csv").read_bytes())
            (directory / "carriers.csv").write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
            carriers = load_mappings(directory).carriers
        mapped = normalize_carriers(
            parcels, carriers, MAPPINGS.accepted_carriers, connection="us", unlisted_carrier="hold"
        ).iloc[0]
        assert mapped["carrier_code"] in ACCEPTED
        assert (mapped["carrier_reason"], mapped["carrier_warning"]) == ("", "")


@given(st.sampled_from(KNOWN), st.lists(st.sampled_from(NOISE), min_size=1), st.randoms())
def test_case_and_punctuation_change_nothing(carrier: str, noise: list[str], random: Any) -> None:
    letters = [random.choice((letter.lower(), letter.upper())) for letter in carrier]
    for mark in noise:
        letters.insert(random.randrange(len(letters) + 1), mark)
    changed, plain = "".join(letters), normalized([(carrier, None)]).iloc[0]
    assert spelling(changed) == spelling(carrier)
    mapped = normalized([(changed, None)]).iloc[0]
    assert spelling(mapped["carrier_code"]) == spelling(plain["carrier_code"])
    assert mapped["carrier_warning"] == plain["carrier_warning"]


@given(st.text())
def test_normalizing_a_spelling_twice_changes_nothing(text: str) -> None:
    assert spelling(spelling(text)) == spelling(text)


@given(st.sampled_from([*FORMS, "Other"]), st.one_of(st.none(), st.text(), st.from_regex(r"[0-9A-Z -]{1,40}")))
def test_any_tracking_number_is_judged_without_being_quoted(carrier_code: str, number: str | None) -> None:
    parcels = pd.DataFrame({"carrier_code": [carrier_code], "tracking_number": [number]}, dtype="object")
    warned = check_tracking_numbers(parcels).item()
    assert isinstance(warned, str)
    parcels["tracking_number"] = [f" {number} -" if number is not None else None]
    assert check_tracking_numbers(parcels).item() == warned
