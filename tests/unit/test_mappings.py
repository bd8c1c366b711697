"""Mapping files: what is read, what is refused, and where the message points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from mfn.errors import ConfigurationError, Problem
from mfn.mappings import check_mappings, load_mappings, read_mappings
from mfn.mappings.against_warehouse import check_codes, check_skus

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[..., Path]

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "mappings_errors.txt"
METHODS = "connection,program,service_level,marketplace,warehouse_code,note\n"
ALIASES = "connection,marketplace,seller_sku,warehouse_sku,units,note\n"
CARRIERS = "connection,warehouse_carrier,warehouse_service,carrier_code,carrier_name,shipping_method,note\n"
US, CA = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"
ACCEPTED = "carrier_code,source\nUPS,test\nFedEx,test\nOther,test\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write_files(**files: str | bytes) -> Path:
        directory = tmp_path / "mappings"
        directory.mkdir(exist_ok=True)
        for name, content in ({"shipping_methods": METHODS} | files).items():
            file = directory / (name if name == "rules.yaml" else f"{name}.csv")
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return directory

    return write_files


def places(problems: list[Problem]) -> list[tuple[str, int | None, str | None]]:
    return [(Path(problem.file).name, problem.line, problem.column) for problem in problems]


def test_the_project_s_own_mapping_files_have_no_problem() -> None:
    assert check_mappings(ROOT / "mappings") == []
    mappings = load_mappings(ROOT / "mappings")
    assert len(mappings.accepted_carriers) == 391
    levels = {"EXPEDITED", "FREE_ECONOMY", "NEXT_DAY", "PRIORITY", "SAME_DAY", "SCHEDULED", "SECOND_DAY", "STANDARD"}
    assert set(mappings.shipping_methods["service_level"]) == levels


def test_every_bad_row_of_every_file_is_reported_at_once_with_file_and_line(write: Write) -> None:
    directory = write(
        shipping_methods=(
            '# a comment, with a comma and a " mark\n'
            + METHODS
            + ",PRIME,STANDARD,US,SFP,\n"
            + "eu,,STANDARD,,STD,\n"
            + ",,STANDARD,XX,STD,\n"
            + ',,NEXT_DAY,,,"two\nlines"\n'
            + ", prime ,standard,ATVPDKIKX0DER,SFP2,the same as the first\n"
            + ",,SAME_DAY,,STD,,what is this\n"
        ),
        sku_aliases=(
            ALIASES
            + ",,KIT,PART-A,2,\n"
            + ",,KIT,PART-B,1.0,\n"
            + ",,KIT,PART-A,1,\n"
            + ",,,PART-C,1,\n"
            + ",,LONG,1E+05,1,\n"
            + ",,LOST,#N/A,0,\n"
            + ",,ARABIC,PART-D,٣,\n"
            + ",,NONE,PART-D,,\n"
            + ",,MANY,PART-D,1000001,\n"
            + ",,BROKEN,PART-D,#REF!,\n"
            + ",,MOST,PART-D,1000000,\n"
        ),
        carriers=(
            CARRIERS
            + ",FEDEX,,FEDEX,,,\n"
            + ",Local,,Other,,,\n"
            + ",Local,x,Otherwise,,,\n"
            + ",FEDEX,,UPS,,,\n"
            + ",Empty,,,,,\n"
        ),
        accepted_carriers=ACCEPTED + "UPS,again\n",
        **{"rules.yaml": "order.import:\n  - when: is_sfp\n    then: hold\norder.imports: []\ninventory.push: none\n"},
    )
    with pytest.raises(ConfigurationError) as caught:
        load_mappings(directory, connections=["us", "de"])
    assert str(caught.value) + "\n" == GOLDEN.read_text(encoding="utf-8")
    assert list(caught.value.problems) == read_mappings(directory, connections=["us", "de"])[1]


def test_columns_in_any_order_a_byte_order_mark_and_windows_line_ends_are_read(write: Write) -> None:
    text = "note,warehouse_code,marketplace,service_level,program,connection\r\nx,STD,uk,Standard,Prime,US\r\n"
    mappings = load_mappings(write(shipping_methods=b"\xef\xbb\xbf" + text.encode()))
    assert mappings.shipping_methods.to_dict("records") == [
        {
            "connection": "us",
            "program": "PRIME",
            "service_level": "STANDARD",
            "marketplace": "A1F83G8C2ARO7P",
            "warehouse_code": "STD",
            "note": "x",
            "line": 2,
        }
    ]


def test_lines_are_physical_lines_also_after_comments_and_cells_of_several_lines(write: Write) -> None:
    directory = write(
        shipping_methods="# one\n"
        + METHODS
        + '# two, "\n,,STANDARD,,STD,"first\n# no comment\nthird"\n\n,,NEXT_DAY,,,\n'
    )
    assert places(check_mappings(directory)) == [("shipping_methods.csv", 8, "warehouse_code")]
    problem_free = write(shipping_methods=METHODS + '# "\n,,STANDARD,,STD,"a\n# b"\n')
    assert load_mappings(problem_free).shipping_methods["note"].tolist() == ["a\n# b"]


def test_a_kit_is_several_rows_and_a_general_kit_beside_a_marketplaces_own_is_not_a_repetition(write: Write) -> None:
    directory = write(sku_aliases=ALIASES + ",,KIT,A,2,\n,,KIT,B,1,\n,US,KIT,A,1,\nus,US,KIT,A,1,\n")
    aliases = load_mappings(directory, connections={"us"}).sku_aliases
    assert aliases["units"].tolist() == [2, 1, 1, 1]


@pytest.mark.parametrize("sku", ["=SUM(A1)", "00123", "2E10", 'a "b", c', " led by a blank", "É-1"])
def test_a_sku_is_kept_to_the_letter_whatever_it_looks_like(write: Write, sku: str) -> None:
    cell = '"' + sku.replace('"', '""') + '"'
    aliases = load_mappings(write(sku_aliases=ALIASES + f",,{cell},{cell},1,\n")).sku_aliases
    assert aliases["seller_sku"].tolist() == aliases["warehouse_sku"].tolist() == [sku]


def test_a_blank_after_a_comma_is_layout_and_an_empty_row_is_nothing(write: Write) -> None:
    aliases = load_mappings(write(sku_aliases=ALIASES + ", US, ABC, W-ABC, 1, note\n\n,,,,,\n")).sku_aliases
    assert aliases[["seller_sku", "warehouse_sku", "line"]].to_numpy().tolist() == [["ABC", "W-ABC", 2]]


@pytest.mark.parametrize("written", ["1,000", "1.000", "1,000,000"])
def test_units_with_a_separator_are_not_called_a_fraction(write: Write, written: str) -> None:
    rows = f'connection,marketplace,seller_sku,warehouse_sku,units,note\n,,A,B,"{written}",\n'
    (problem,) = check_mappings(write(sku_aliases=rows))
    assert (problem.column, problem.remedy) == ("units", "Enter the number without a separator.")


@pytest.mark.parametrize(
    ("row", "column"), [(",,STANDARD\u200b,,STD,", "service_level"), (",P\u00adRIME,,,STD,", "program")]
)
def test_a_word_with_an_invisible_character_that_no_order_has_is_reported(write: Write, row: str, column: str) -> None:
    header = "connection,program,service_level,marketplace,warehouse_code,note"
    (problem,) = check_mappings(write(shipping_methods=f"{header}\n{row}\n"))
    assert (problem.line, problem.column) == (2, column)
    assert "unprintable" in problem.message


def test_a_note_may_be_anything_and_a_sku_of_blanks_alone_is_none(write: Write) -> None:
    directory = write(sku_aliases=ALIASES + ',,ABC,W-ABC,1,1E+05\n,,"  ",W-ABC,1,#N/A\n')
    assert places(check_mappings(directory)) == [("sku_aliases.csv", 3, "seller_sku")]


@pytest.mark.parametrize(
    ("content", "line", "expected"),
    [
        (METHODS.encode() + ",,STANDARD,,STD,Café\n".encode("cp1252"), 2, "byte 20 of this line is 0xE9"),
        (METHODS.encode("utf-16"), 1, "UTF-16"),
        (METHODS.encode() + b",,\x00,,STD,\n", 2, "byte 3 of this line is 0x00"),
        (METHODS.replace(",", ";").encode(), 1, "semicolons"),
        (METHODS.replace(",", "\t").encode(), 1, "tabs"),
        (METHODS.encode() + b',,STANDARD,,STD,"never closed\n,,NEXT_DAY,,STD,\n', 2, "never closed"),
        (METHODS.encode() + b',,"STANDARD"x,,STD,\n', 2, "not valid CSV"),
        (METHODS.replace("note", "notes").encode(), 1, "valid columns are"),
        (METHODS.replace("note", "program").encode(), 1, "twice"),
        (b"", 1, "no header"),
        (b"# only a comment\n", 1, "no header"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_mapping_is_reported_with_its_line(
    write: Write, content: bytes, line: int, expected: str
) -> None:
    problems = check_mappings(write(shipping_methods=content))
    assert {problem.line for problem in problems} == {line}
    assert expected in " ".join(map(str, problems))


def test_a_comment_that_a_spreadsheet_put_into_quotation_marks_stays_a_comment(write: Write) -> None:
    directory = write(
        sku_aliases='"# Amazon""s ""SKU"" to that of the warehouse",,,,,\n"# two "" words",", a second cell",,,,\n'
        + ALIASES
        + '"# kits, below",,,,,\n# plain,,,,,\n,,A,B,1,\n',
        carriers="warehouse_carrier,connection,warehouse_service,carrier_code,carrier_name,shipping_method,note\n"
        '"# 1 Parcels",,,UPS,,,\n',
        accepted_carriers=ACCEPTED,
    )
    mappings = load_mappings(directory)
    assert mappings.sku_aliases["seller_sku"].tolist() == ["A"]
    assert mappings.carriers["warehouse_carrier"].tolist() == ["# 1 Parcels"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Connection,Program,Service Level,Marketplace,Warehouse-Code,Note", f"Change this row to {METHODS.strip()}"),
        (
            "note,connection,PROGRAM,service_level,marketplace,warehouse_code",
            "Change this row to note,connection,program,",
        ),
        ("Verbindung,Programm,Stufe,Marktplatz,Code,Notiz", f"Start the file with the row {METHODS.strip()}. If this"),
        (",PRIME,STANDARD,,PRIME_STANDARD,Seller Fulfilled Prime", f"Start the file with the row {METHODS.strip()}"),
        (ALIASES.strip(), f"Change this row to {METHODS.strip()} (in any order)"),
        ("Verbindung;Programm, Art;Stufe;Marktplatz;Code;Notiz", "Save it as CSV UTF-8 with commas."),
        ('"Verbindung, Konto";Programm;Stufe', "Save it as CSV UTF-8 with commas."),
        ("connection;program,service_level;marketplace;warehouse_code;note", "Save it as CSV UTF-8 with commas."),
    ],
)
def test_a_header_that_is_wrong_as_a_whole_is_reported_once_with_the_row_to_write(
    write: Write, header: str, expected: str
) -> None:
    (problem,) = check_mappings(write(shipping_methods=f"# a comment\n{header}\n,,STANDARD,,STD,\n"))
    assert (problem.line, problem.column) == (2, None)
    assert expected in problem.remedy


def test_a_missing_column_and_an_unknown_one_are_both_named(write: Write) -> None:
    problems = check_mappings(write(sku_aliases="connection,marketplace,seller_sku,wms_sku,units,note\n"))
    assert places(problems) == [("sku_aliases.csv", 1, "warehouse_sku"), ("sku_aliases.csv", 1, "wms_sku")]


def test_only_shipping_methods_must_be_there(write: Write, tmp_path: Path) -> None:
    directory = write()
    mappings = load_mappings(directory)
    assert mappings.sku_aliases.empty
    assert mappings.accepted_carriers.empty
    (directory / "shipping_methods.csv").unlink()
    assert places(check_mappings(directory)) == [("shipping_methods.csv", None, None)]
    assert places(check_mappings(tmp_path / "elsewhere")) == [("elsewhere", None, None)]


@pytest.mark.parametrize("name", ["sku_aliases.csv", "carriers.csv", "accepted_carriers.csv", "rules.yaml"])
def test_a_dangling_link_is_reported_and_not_taken_for_a_file_that_is_not_needed(write: Write, name: str) -> None:
    directory = write()
    (directory / name).symlink_to("moved-away")
    (problem,) = check_mappings(directory)
    assert places([problem]) == [(name, None, None)]
    assert "it is a link to moved-away, which does not exist" in problem.message
    assert problem.remedy == f"Restore the link's target, or remove the link mappings/{name}."


@pytest.mark.parametrize("name", ["sku_aliases.csv", "rules.yaml"])
def test_a_directory_in_place_of_a_file_is_reported_as_one(write: Write, name: str) -> None:
    directory = write()
    (directory / name).mkdir()
    (problem,) = check_mappings(directory)
    assert problem.remedy == "Replace this directory with a file."


def test_a_file_or_a_dangling_link_in_place_of_the_directory_is_reported_as_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("moved-away")
    expected = [check_mappings(tmp_path / name)[0].message for name in ("file", "link", "nothing")]
    assert expected == [
        f"{what}, expected a directory." for what in ("is a file", "is a broken link", "does not exist")
    ]


@pytest.mark.parametrize("name", ["rules.yml", "Rules.yaml", "SKU-Aliases.CSV", "sku aliases.csv"])
def test_a_file_with_nearly_the_right_name_is_reported_while_the_right_one_is_missing(write: Write, name: str) -> None:
    directory = write()
    (directory / name).touch()
    (problem,) = check_mappings(directory)
    assert (Path(problem.file).name, problem.remedy.split(",")[0][:10]) == (name, "Rename it ")
    write(sku_aliases=ALIASES, **{"rules.yaml": ""})
    assert check_mappings(directory) == []


def test_carriers_without_amazon_s_list_are_one_problem_not_one_for_each_row(write: Write) -> None:
    directory = write(carriers=CARRIERS + ",UPS,,UPS,,,\n,FedEx,,FedEx,,,\n")
    assert places(check_mappings(directory)) == [("accepted_carriers.csv", None, None)]


def test_rows_of_one_spelling_are_an_error_where_they_say_different_things(write: Write) -> None:
    general = ",U.P.S.,,UPS,,,\n,ups,,UPS,,,a note\n,U P S,,FedEx,,,\n"
    other = "us,UPS,,FedEx,,,\n,UPS,Ground,FedEx,,,\n,UPS,GROUND!,UPS,,,\n"
    problems = check_mappings(write(carriers=CARRIERS + general + other, accepted_carriers=ACCEPTED))
    assert places(problems) == [("carriers.csv", 4, "warehouse_carrier"), ("carriers.csv", 7, "warehouse_carrier")]
    assert "line 2" in problems[0].message
    assert "line 6" in problems[1].message


def test_names_for_buyers_with_unprintable_characters_are_reported(write: Write) -> None:
    rows = ",Van,,Other,Night\x0bVan,,\n,Car,,Other,Day Van,Next\u202eDay,\n"
    problems = check_mappings(write(carriers=CARRIERS + rows, accepted_carriers=ACCEPTED))
    assert places(problems) == [("carriers.csv", 2, "carrier_name"), ("carriers.csv", 3, "shipping_method")]
    assert "'Night\\x0bVan' has an unprintable character" in problems[0].message


def test_names_that_match_nothing_or_that_amazon_would_refuse_are_reported(write: Write) -> None:
    rows = f",*,,UPS,,,\n,UPS,-,UPS,,,\n,Van,,Other,{'x' * 51},,\n,Car,,Other,{'x' * 50},{'x' * 51},\n"
    problems = check_mappings(write(carriers=CARRIERS + rows, accepted_carriers=ACCEPTED))
    assert places(problems) == [
        ("carriers.csv", 2, "warehouse_carrier"),
        ("carriers.csv", 3, "warehouse_service"),
        ("carriers.csv", 4, "carrier_name"),
        ("carriers.csv", 5, "shipping_method"),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- a\n", (1, None)),
        ("order.import: []\norder.import: []\n", (2, None)),
        ("order.import: [\n", (2, None)),
        ("inventory.push:\n  rule: 1\n", (1, "inventory.push")),
    ],
)
def test_rules_that_are_not_a_list_under_a_known_key_are_reported_with_their_line(
    write: Write, text: str, place: tuple[int, str | None]
) -> None:
    problems = check_mappings(write(**{"rules.yaml": text}))
    assert [(problem.line, problem.column) for problem in problems] == [place]


@pytest.mark.parametrize("text", ["", "# nothing\n", "order.import:\nshipment.notification: []\n"])
def test_rules_may_be_empty(write: Write, text: str) -> None:
    assert check_mappings(write(**{"rules.yaml": text})) == []


def test_what_the_warehouse_does_not_have_is_reported_and_lost_zeros_as_such(write: Write) -> None:
    directory = write(
        shipping_methods=METHODS + ",,STANDARD,,STD,\n,,NEXT_DAY,,NONE,\nother,,NEXT_DAY,,NONE,\n,,SAME_DAY,,OLD,\n",
        sku_aliases=ALIASES + ",,A,123,1,\nus,,B,00123,1,\n,,C,W-1,1,\n,,D,124,1,\n",
    )
    mappings = load_mappings(directory)
    items = pd.DataFrame({"sku": ["00123", "W-1"], "is_active": [True, True]})
    ship_methods = pd.DataFrame({"code": ["STD", "OLD"], "is_active": [True, False]})
    problems = check_codes(mappings, ship_methods, connection="us", marketplace_ids=[US])
    problems += check_skus(mappings, items, connection="us", marketplace_ids=[US])
    assert places(problems) == [
        ("shipping_methods.csv", 3, "warehouse_code"),
        ("shipping_methods.csv", 5, "warehouse_code"),
        ("sku_aliases.csv", 2, "warehouse_sku"),
        ("sku_aliases.csv", 5, "warehouse_sku"),
    ]
    assert problems[0].file == str(Path("mappings", "shipping_methods.csv"))
    assert "it is inactive" in problems[1].message
    assert "dropped the leading zeros" in problems[2].message
    assert "00123" in problems[2].remedy


def test_an_empty_code_is_reported_for_the_file_and_not_again_against_the_warehouse(write: Write) -> None:
    directory = write(shipping_methods=METHODS + ",,STANDARD,,,\n")
    mappings, problems = read_mappings(directory)
    assert places(problems) == [("shipping_methods.csv", 2, "warehouse_code")]
    ship_methods = pd.DataFrame({"code": ["STD"], "is_active": [True]})
    assert check_codes(mappings, ship_methods, connection="us", marketplace_ids=[US]) == []


def test_rows_for_another_marketplace_and_rows_that_an_own_row_always_beats_are_not_held_to_a_warehouse(
    write: Write,
) -> None:
    directory = write(
        shipping_methods=METHODS
        + ",,STANDARD,DE,DHL,\n,,NEXT_DAY,,EUROPE,\nus,,NEXT_DAY,,AIR,\n,,SAME_DAY,,BIKE,\nus,PRIME,SAME_DAY,,AIR,\n",
        sku_aliases=ALIASES + ",DE,A,W-DE,1,\n,,B,W-EU,1,\nus,,B,W-1,1,\n,,C,W-EU,1,\nus,US,C,W-1,1,\n",
    )
    mappings = load_mappings(directory)
    items = pd.DataFrame({"sku": ["W-1"], "is_active": [True]})
    ship_methods = pd.DataFrame({"code": ["AIR"], "is_active": [True]})
    problems = check_codes(mappings, ship_methods, connection="us", marketplace_ids=[US, CA])
    problems += check_skus(mappings, items, connection="us", marketplace_ids=[US, CA])
    # Some orders of us still come to these two: those of SAME_DAY without PRIME, and C in Canada.
    assert places(problems) == [("shipping_methods.csv", 5, "warehouse_code"), ("sku_aliases.csv", 5, "warehouse_sku")]
    assert problems[0].message == "the warehouse of us has no 'BIKE'."
    other_methods = pd.DataFrame({"code": ["BIKE"], "is_active": [True]})
    problems = check_codes(mappings, other_methods, connection="us", marketplace_ids=[US, CA])
    assert [problem.line for problem in problems] == [4, 6], "its own rows are held to it"
