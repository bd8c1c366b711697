"""The report of all listings, in the words and letters of each marketplace, and what is made of a broken one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mfn.amazon.documents import Document
from mfn.amazon.listings_report import listings_in
from mfn.errors import FatalError, RetriableError

US, DE, JP = "ATVPDKIKX0DER", "A1PA6795UKMFR9", "A1VC38T7YXB528"
LINE = "item-name\tlisting-id\tseller-sku\tprice\tquantity\tasin1\tfulfillment-channel\tstatus"


def report(*lines: str, header: str = LINE, charset: str = "utf-8", said: str = "", end: str = "\r\n") -> Document:
    return Document("".join(line + end for line in (header, *lines)).encode(charset), said)


def rows(document: Document, marketplace_id: str = US) -> list[tuple[Any, ...]]:
    frame = listings_in(document, marketplace_id)
    assert list(frame.columns) == ["seller_sku", "asin", "title", "channel", "quantity"]
    assert str(frame["quantity"].dtype) == "Int64"
    return [tuple(None if value is pd.NA else value for value in row) for row in frame.itertuples(index=False)]


def test_a_line_is_a_listing_and_a_quantity_is_only_the_sellers_own() -> None:
    document = report(
        "A mug\t1\t00123\t9.99\t7\tB000000001\tDEFAULT\tActive",
        "A lamp\t2\tLMP\t9.99\t4\tB000000002\tAMAZON_NA\tActive",
        "A bowl\t3\tBOWL\t9.99\t\tB000000003\tDEFAULT\tInactive",
        "A plate\t4\tPLATE\t9.99\t\tB000000004\t\tIncomplete",
    )
    assert rows(document) == [
        ("00123", "B000000001", "A mug", "DEFAULT", 7),
        ("LMP", "B000000002", "A lamp", "AMAZON_NA", None),
        ("BOWL", "B000000003", "A bowl", "DEFAULT", None),
        ("PLATE", "B000000004", "A plate", "UNKNOWN", None),
    ]


def test_values_are_taken_to_the_letter() -> None:
    document = report(
        '"Quoted", with NA\t1\tNA\t1\t0\tB000000001\tDEFAULT\tActive', "x\t1\t 1E5 \t1\t3\tnull\tDEFAULT\t"
    )
    assert rows(document) == [
        ("NA", "B000000001", '"Quoted", with NA', "DEFAULT", 0),
        (" 1E5 ", "null", "x", "DEFAULT", 3),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_end_of_a_line_belongs_to_no_value_and_a_line_without_anything_is_none(end: str) -> None:
    document = report(
        "", "2\tDEFAULT\tA mug\tA", "", header="quantity\tfulfillment-channel\titem-name\tseller-sku", end=end
    )
    assert rows(document) == [("A", "", "A mug", "DEFAULT", 2)]


@pytest.mark.parametrize(
    ("charset", "said", "marketplace_id", "title"),
    [
        ("utf-8", "", DE, "Tasse für Tee"),
        ("utf-8-sig", "", DE, "Tasse für Tee"),
        ("utf-8", "UTF-8", DE, "Tasse für Tee"),
        ("cp1252", "Cp1252", DE, "Tasse für Tee, 5 €"),
        ("cp1252", "", DE, "Tasse für Tee, 5 €"),
        ("cp1252", "no-such-letters", DE, "Tasse für Tee, 5 €"),
        ("latin-1", "ISO-8859-1", DE, "Tasse für Tee"),
        ("cp932", "Shift_JIS", JP, "湯呑み"),
        ("cp932", "windows-31j", JP, "湯呑み"),
        ("cp932", "", JP, "湯呑み"),
        ("utf-8", "", JP, "湯呑み"),
    ],
)
def test_every_marketplaces_letters_are_read(charset: str, said: str, marketplace_id: str, title: str) -> None:
    document = report(f"{title}\t1\tA\t1\t2\tB1\tDEFAULT\tActive", charset=charset, said=said)
    assert rows(document, marketplace_id) == [("A", "B1", title, "DEFAULT", 2)]


@pytest.mark.parametrize(
    "header",
    [
        "item-name\tx\tseller-sku\ty\tquantity\tasin1\tfulfilment-channel\tstatus",
        "item-name\tDeprecated column\tseller-sku\tDeprecated column\tquantity\tasin1\tfulfillment-channel\tstatus",
        "Artikelbezeichnung\tx\tHändler-SKU\tPreis\tMenge\tASIN 1\tVersender\tStatus",
        "nom-produit\tx\tsku-vendeur\ty\tquantité\tASIN1\tcanal-traitement\tétat",
        "商品名\t出品ID\t出品者SKU\t価格\t数量\tASIN 1\tフルフィルメント・チャンネル\tステータス",
        "item-name (ad)\tx\tseller-sku (sku)\ty\tquantity (adet)\tasin1\tfulfillment-channel (kanal)\tz",
    ],
)
def test_columns_are_known_by_the_names_of_every_marketplace(header: str) -> None:
    document = report("A mug\t1\tA\t1\t2\tB1\tDEFAULT\tActive", header=header)
    assert rows(document) == [("A", "B1", "A mug", "DEFAULT", 2)]


def test_columns_may_be_in_any_order_and_only_the_needed_ones_must_be_there() -> None:
    document = report("DEFAULT\t2\tA", header="fulfillment-channel\tquantity\tseller-sku", end="\n")
    assert rows(document) == [("A", "", "", "DEFAULT", 2)]


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("item-name\tprice\tasin1", "seller-sku, fulfillment-channel, quantity"),
        ("seller-sku\tquantity", "fulfillment-channel"),
        ("", "seller-sku, fulfillment-channel, quantity"),
        ("<html><body>503</body></html>", "seller-sku, fulfillment-channel, quantity"),
    ],
)
def test_a_report_without_a_needed_column_is_an_error_that_names_it_and_never_no_listings(
    header: str, missing: str
) -> None:
    with pytest.raises(FatalError, match=f"has no column {missing}; its first line is: "):
        rows(report(header=header))


def test_a_sku_with_two_channels_is_one_row_that_has_both() -> None:
    document = report(
        "x\t1\tA\t1\t2\tB1\tDEFAULT\tActive", "x\t1\tA\t1\t\tB1\tAMAZON_NA\tActive", "y\t1\tB\t1\t4\tB2\tDEFAULT\t"
    )
    assert rows(document) == [("A", "B1", "x", "AMAZON_NA,DEFAULT", 2), ("B", "B2", "y", "DEFAULT", 4)]


def test_a_single_broken_line_is_left_out_and_reported_but_many_are_an_error(caplog: pytest.LogCaptureFixture) -> None:
    good = [f"x\t1\tSKU-{number}\t1\t2\tB1\tDEFAULT\tActive" for number in range(200)]
    assert len(rows(report(*good, "two\ttabs\tin the\ttitle\tof\tit\tA\t1\t2\tB1\tDEFAULT"))) == 200
    assert "1 of 201 lines cannot be read" in caplog.text
    with pytest.raises(RetriableError, match="3 of 203 lines"):
        rows(report(*good, "short", "x\t1\tCUT-OFF\t1\t2\tB1", "short"))


def test_a_sku_that_the_letters_cannot_write_is_left_out_rather_than_changed() -> None:
    good = [f"x\t1\tSKU-{number}\t1\t2\tB1\tDEFAULT\tActive" for number in range(200)]
    good.append("x\t1\tCAFÉ\t1\t2\tB1\tDEFAULT\tActive")
    content = report(*good, charset="cp1252").content + b"x\t1\tMUG-" + b"\x81\t1\t2\tB1\tDEFAULT\tActive\r\n"
    read = rows(Document(content, "Cp1252"))
    assert (len(read), read[-1][0]) == (201, "CAFÉ")


@pytest.mark.parametrize(
    ("quantity", "read"),
    [("0", 0), ("12", 12), ("", None), ("1.5", None), ("many", None), ("1e30", None), ("-1", None)],
)
def test_a_quantity_that_is_none_is_none(quantity: str, read: int | None) -> None:
    document = report(f"x\t1\tA\t1\t{quantity}\tB1\tDEFAULT\tActive")
    assert rows(document)[0][-1] == read
