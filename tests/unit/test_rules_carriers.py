"""Carriers: which code a warehouse's words become, and that words of other carriers become none of them."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from mfn.mappings import load_mappings
from mfn.mappings.tables import OTHER, spelling
from mfn.rules.carriers import normalize_carriers

ROOT = Path(__file__).parents[2]
SHIPPED = load_mappings(ROOT / "mappings")
CARRIERS = "connection,warehouse_carrier,warehouse_service,carrier_code,carrier_name,shipping_method,note\n"
PROMISED = {
    "USPS": (
        "USPS",
        "U.S.P.S.",
        "United States Postal Service",
        "US POSTAL SERVICE",
        "usps priority mail",
        "USPS-Ground Advantage",
        "USPS Ground Advantage™",
    ),
    "UPS": (
        "UPS",
        "U.P.S.",
        "ups ground",
        "UPS_GROUND",
        "UPSN",
        "United Parcel Service",
        "UPS 2nd Day Air",
        "UPS® Ground",
    ),
    "UPSMI": ("UPSMI", "UPS MI", "UPS Expedited Mail Innovations"),
    "FedEx": ("FEDEX HOME DELIVERY", "Fed Ex", "FDXG", "FDEG", "FDXE", "Federal Express", "fedex_2day", "FedEx Ground"),
    "FedEx SmartPost": ("FEDEX SMARTPOST", "FedEx Ground Economy", "FXSP"),
    "Fedex Freight": ("FedEx Freight", "FXFE"),
    "DHL": ("dhl", "DHL Germany"),
    "DHL Express": ("DHL Express", "dhl_express", "DHL EXPRESS WORLDWIDE"),
    "DHL eCommerce": ("DHL e-Commerce", "DHL ECOMMERCE", "DHL SmartMail Parcel"),
    "DHL Global Mail": ("DHL GlobalMail",),
    "DHL-Paket": ("DHL Paket", "DHL_PAKET"),
    "OnTrac": ("ONTRAC", "On Trac", "EMSY"),
    "Lasership": ("LaserShip", "LASER SHIP", "Lasership"),
    "Canada Post": ("CANADA POST", "CanadaPost", "Postes Canada", "Canada Post Expedited Parcel"),
    "PUROLATOR": ("Purolator", "purolator inc.", "PRLA", "Purolator Ground"),
    "Royal Mail": (
        "RoyalMail",
        "ROYAL MAIL",
        "royal-mail",
        "ROYAL_MAIL",
        "Royal Mail Tracked 48",
        "Royal Mail 1st Class",
    ),
    "Parcelforce": ("Parcel Force", "PARCELFORCE WORLDWIDE"),
    "Hermes UK": ("Evri", "EVRI", "myHermes", "Hermes UK"),
    "Hermes": ("HERMES",),
    "Hermes Logistik Gruppe": ("Hermes Germany", "Hermes Versand"),
    "DPD": ("dpd", "DPD UK", "DPD Deutschland"),
    "DPD Local": ("DPD LOCAL",),
    "GLS": ("G.L.S.", "GLS Germany", "General Logistics Systems"),
    "Yodel": ("YODEL", "Yodel Direct"),
    "Australia Post": ("AusPost", "AUSTRALIA POST", "Australia Post eParcel"),
    "StarTrack-Consignment": ("StarTrack", "STAR TRACK"),
    "Couriers Please": ("CouriersPlease", "COURIERS PLEASE"),
    "Sendle": ("sendle", "Sendle", "SENDLE"),
    "Toll Global Express": ("TOLL", "Toll IPEC"),
    "Aramex": ("ARAMEX",),
    "Amazon Shipping": ("AMAZON SHIPPING", "Amazon-Shipping", "Amazon"),
    "AMZL": ("Amazon Logistics", "AMZL_US"),
    "Deutsche Post": ("DEUTSCHE POST", "Deutsche Post AG"),
    "TNT": ("T.N.T.", "TNT Express"),
    "Trans-o-Flex": ("TransOFlex", "trans-o-flex"),
    "Kuehne+Nagel": ("Kühne & Nagel", "KUEHNE + NAGEL"),
    "Colis Prive": ("Colis Privé", "colis prive"),
}
"""What the documents and the issue promise; the other rows of carriers.csv are only counted."""
NEAR_MISSES = (
    "UPS Freight Forwarders of Ohio", "The UPS Store", "Upside Logistics", "Upsala Transport", "UPSX", "UP", "PS",
    "UPS2", "Pups Express", "US Postal Box Service", "USPSA", "USP", "US Post Box", "Postal Service", "United Postal",
    "United Parcels", "United Parcel Service Partners", "FedUp", "FedEx Office", "Fed", "FedExx", "Federal Expressway",
    "FDX Logistics", "FXG", "Smart Postal", "DHLX", "DHL Supply Chain", "HDL", "DHL Express Cargo Partners",
    "eCommerce", "OnTrack", "On Track Logistics", "OnTracker", "Laser Shipping", "Lasership Supplies", "Laser",
    "Canada Postal Outlet", "Canadian Post", "Postes", "Purolator Filters", "Puro Water", "Purolite",
    "Royal Mail Ship Co", "Royal Male", "Royal", "Mail", "Parcel Forces", "Evris", "Evri Ltd Partner", "Hermes World",
    "Hermes Paris", "Herms", "DPD Laser", "DPP", "DPDX", "GLS Italy", "GL", "GLSS", "Yodeler", "Tollway", "Toll Bros",
    "Star Trek", "Courier Please", "Send", "Australia Postal Depot", "South Australia Post", "Aus", "Amazon Basics",
    "Amazonas Cargo", "Amazon Prime", "TNTX", "Go Express", "Deutsche Bahn", "Deutsche Postbank", "Post", "Express",
    "Ground", "Local Courier", "Vêho", "UniUni", "Canpar", "Loomis", "Pitney Bowes",
)  # fmt: skip


def normalized(
    *written: tuple[str | None, str | None],
    carriers: pd.DataFrame = SHIPPED.carriers,
    accepted: pd.DataFrame = SHIPPED.accepted_carriers,
    connection: str = "us",
    hold: bool = False,
) -> pd.DataFrame:
    parcels = pd.DataFrame(written, columns=["carrier", "service"], dtype="object")
    return normalize_carriers(
        parcels, carriers, accepted, connection=connection, unlisted_carrier="hold" if hold else "other"
    )


def code(carrier: str | None, service: str | None = None, *, rows: pd.DataFrame, connection: str = "us") -> str | None:
    found = normalized((carrier, service), carriers=rows, connection=connection)
    code: str | None = found["carrier_code"].iloc[0]
    return code


def table(directory: Path, rows: str) -> pd.DataFrame:
    for name in ("shipping_methods.csv", "accepted_carriers.csv"):
        (directory / name).write_bytes((ROOT / "mappings" / name).read_bytes())
    (directory / "carriers.csv").write_text(CARRIERS + rows, encoding="utf-8")
    return load_mappings(directory).carriers


@pytest.mark.parametrize(
    ("carrier", "expected"), [(carrier, expected) for expected, written in PROMISED.items() for carrier in written]
)
def test_what_warehouses_write_becomes_amazon_s_code(carrier: str, expected: str) -> None:
    found = normalized((carrier, None)).iloc[0]
    assert (found["carrier_code"], found["carrier_name"]) == (expected, None)
    assert (found["carrier_reason"], found["carrier_warning"]) == ("", "")


def test_the_choices_that_the_documents_name_are_made() -> None:
    section = (ROOT / "mappings" / "README.md").read_text(encoding="utf-8").split("## Carriers")[1].split("\n## ")[0]
    choices = {
        carrier: code
        for written, codes in re.findall(r"^\| ([^|]+) \| (`[^|]+`) \|", section, re.MULTILINE)
        for carrier, code in zip(written.split(", "), codes.replace("`", "").split(", "), strict=True)
    }
    assert len(choices) >= 10
    assert normalized(*((carrier, None) for carrier in choices))["carrier_code"].tolist() == [*choices.values()]


def test_every_row_of_the_shipped_file_leads_to_a_code_that_amazon_accepts_to_the_letter() -> None:
    rows = SHIPPED.carriers
    assert set(rows["carrier_code"]) <= set(SHIPPED.accepted_carriers["carrier_code"]) - {OTHER}
    found = normalized(*zip(rows["warehouse_carrier"], rows["warehouse_service"], strict=True))
    assert found["carrier_code"].tolist() == rows["carrier_code"].tolist()
    assert set(found["carrier_reason"]) == set(found["carrier_warning"]) == {""}


def test_the_shipped_file_knows_at_least_80_spellings_of_25_carriers() -> None:
    general = SHIPPED.carriers[SHIPPED.carriers["warehouse_service"] == ""]
    assert general["warehouse_carrier"].map(spelling).nunique() >= 80
    assert general["carrier_code"].nunique() >= 25
    assert sum(len({*map(spelling, written)}) for written in PROMISED.values()) >= 80
    assert len(PROMISED) >= 25


def test_every_code_that_amazon_accepts_passes_or_becomes_the_spelling_that_the_file_chose() -> None:
    codes = [code for code in SHIPPED.accepted_carriers["carrier_code"] if code != OTHER]
    found = normalized(*((code, None) for code in codes))
    assert set(found["carrier_warning"]) == set(found["carrier_reason"]) == {""}
    same = defaultdict(set)
    for name in codes:
        same[spelling(name)].add(name)
    chosen = found["carrier_code"].tolist()
    assert all(spelling(after) == spelling(before) for before, after in zip(codes, chosen, strict=True))
    mapped = {spelling(name) for name in SHIPPED.carriers["warehouse_carrier"]}
    assert {key for key, names in same.items() if len(names) > 1} <= mapped, "several spellings, and no row chooses"


@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("carrier", NEAR_MISSES)
def test_the_name_of_another_carrier_falls_into_none_that_is_mapped(carrier: str, hold: bool) -> None:
    found = normalized((carrier, None), hold=hold).iloc[0]
    expected = (None, None, "carrier_unlisted", "") if hold else (OTHER, carrier, "", "carrier_unlisted")
    assert tuple(found[["carrier_code", "carrier_name", "carrier_reason", "carrier_warning"]]) == expected


def test_the_row_that_fills_the_earliest_column_wins_then_the_next_from_left_to_right(tmp_path: Path) -> None:
    rows = table(
        tmp_path,
        ",,,UPS,,any,\n,,Ground,FedEx,,service,\n,Local,,DHL,,carrier,\n,Local,Ground,GLS,,carrier+service,\n"
        "us,,,DPD,,connection,\nus,,Ground,TNT,,connection+service,\n",
    )
    assert code("local", "ground", rows=rows) == "TNT"
    assert code("local", "air", rows=rows) == "DPD"
    assert code("LOCAL", "GROUND", rows=rows, connection="de") == "GLS"
    assert code("local", "air", rows=rows, connection="de") == "DHL"
    assert code("Other Local", "ground", rows=rows, connection="de") == "FedEx"
    assert code("Other Local", None, rows=rows, connection="de") == "UPS"
    assert code(None, None, rows=rows, connection="de") == "UPS"


def test_a_row_comes_before_amazon_s_own_list(tmp_path: Path) -> None:
    rows = table(tmp_path, ",SENDLE,,SENDLE,,,\n,UPS,,Other,Night Courier,,\n")
    assert code("Sendle", rows=rows) == "SENDLE"
    found = normalized(("u.p.s.", None), carriers=rows, hold=True).iloc[0]
    assert (found["carrier_code"], found["carrier_name"]) == (OTHER, "Night Courier")
    assert (found["carrier_reason"], found["carrier_warning"]) == ("", "")


def test_without_a_row_a_listed_code_passes_to_the_letter_and_its_other_spellings_become_the_first_of_the_list() -> (
    None
):
    accepted = pd.DataFrame({"carrier_code": ["Night Van", "NIGHT_VAN", "Day-Van", "Other"]})
    written = ["NIGHT_VAN", "Night Van", "night van", " NIGHT_VAN ", "DAY VAN", "Night Van 2"]
    found = normalized(*((name, None) for name in written), carriers=SHIPPED.carriers[:0], accepted=accepted)
    assert found["carrier_code"].tolist() == ["NIGHT_VAN", "Night Van", "Night Van", "NIGHT_VAN", "Day-Van", OTHER]


def test_a_text_that_names_a_service_gives_the_shipping_method_and_else_the_warehouse_s_service_is_it() -> None:
    found = normalized(
        ("FEDEX HOME DELIVERY", "residential"), ("FedEx", " Home\tDelivery "), ("USPS", None), ("Night Van", "by hand")
    )
    assert found["shipping_method"].tolist() == ["FedEx Home Delivery", "Home Delivery", None, "by hand"]


def test_a_service_of_its_own_code_is_known_by_carrier_and_service() -> None:
    found = normalized(("FedEx", "smart post"), ("FEDEX", "Ground"), ("DHL", "Express"), ("UPS", "Mail-Innovations"))
    assert found["carrier_code"].tolist() == ["FedEx SmartPost", "FedEx", "DHL Express", "UPSMI"]


def test_a_carrier_that_amazon_does_not_list_is_sent_under_its_own_name_or_held() -> None:
    sent, held = normalized(("Night Van", "Van")).iloc[0], normalized(("Night Van", "Van"), hold=True).iloc[0]
    assert sent.to_dict() == {
        "carrier_code": OTHER,
        "carrier_name": "Night Van",
        "shipping_method": "Van",
        "carrier_reason": "",
        "carrier_warning": "carrier_unlisted",
    }
    assert (held["carrier_code"], held["carrier_reason"], held["carrier_warning"]) == (None, "carrier_unlisted", "")


def test_a_warehouse_that_writes_other_has_not_named_a_listed_carrier() -> None:
    assert tuple(normalized(("OTHER", None)).iloc[0])[:2] == (OTHER, "OTHER")
    assert normalized(("Other", None), hold=True)["carrier_reason"].item() == "carrier_unlisted"


@pytest.mark.parametrize("carrier", [None, "", "  ", "--", "?", "\x00", float("nan")])
def test_a_parcel_without_a_carrier_is_held(carrier: str | None) -> None:
    for hold in (False, True):
        found = normalized((carrier, "Ground"), hold=hold).iloc[0]
        assert (found["carrier_code"], found["carrier_name"], found["carrier_reason"]) == (
            None,
            None,
            "carrier_missing",
        )


def test_names_are_cut_at_50_characters_on_one_line_without_control_characters() -> None:
    long = "Transportes Rápidos y Mensajería del Norte de Castilla S.A."
    found = normalized((long, long), ("Night\x00 Van\r\nLtd\u200b\ud800", "by\x07 hand"), ("x" * 49 + " y", None))
    assert found["carrier_name"].tolist() == [long[:50].rstrip(), "Night Van Ltd", "x" * 49]
    assert found["shipping_method"].tolist() == [long[:50].rstrip(), "by hand", None]


def test_what_a_long_name_is_cut_to_is_not_taken_for_a_carrier() -> None:
    found = normalized(("UPS" + "." * 60 + "Freight of Ohio", None)).iloc[0]
    assert found["carrier_code"] == OTHER


def test_wide_letters_and_accents_do_not_count() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "FedEx")
    found = normalized((wide, None), ("Oesterreichische Post", None), ("Österreichische Post", None), ("ÙPS", None))
    assert found["carrier_code"].tolist() == ["FedEx", OTHER, "AT Post", "UPS"]


def test_parcels_keep_their_index_and_missing_texts_may_be_of_any_kind() -> None:
    parcels = pd.DataFrame({"carrier": ["UPS", None], "service": [None, "x"]}, index=[7, 3])
    found = normalize_carriers(
        parcels, SHIPPED.carriers, SHIPPED.accepted_carriers, connection="us", unlisted_carrier="other"
    )
    assert found["carrier_code"].to_dict() == {7: "UPS", 3: None}
    assert found["shipping_method"].to_dict() == {7: None, 3: "x"}
    assert normalized().columns.tolist() == found.columns.tolist()
    assert list(parcels.columns) == ["carrier", "service"]
