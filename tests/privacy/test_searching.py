"""The search for planted data finds what is planted, in whatever form; otherwise it would prove nothing."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import pickle
import sqlite3
import zipfile
import zlib
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from tests.privacy.searching import Search

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "Åsa Wyxkvarn-O'Hara"
SEARCH = Search([NAME])
ROW = f"held: the order of {NAME}, who lives here"


def zipped(text: str) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("row.txt", text)
        return file.getvalue()


WAYS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "upper case": lambda text: text.upper().encode(),
    "Latin-1": lambda text: text.encode("latin-1"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "JSON": lambda text: json.dumps({"said": text}).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "repr": lambda text: ascii([text]).encode(),
    "a URL": lambda text: quote(text).encode(),
    "a form": lambda text: urlencode({"said": text}).encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "pickle": pickle.dumps,
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one later": lambda text: base64.b64encode(b"x" + text.encode()),
    "base64, two later": lambda text: base64.urlsafe_b64encode(b"xx" + text.encode()),
    "base64 in base64": lambda text: base64.b64encode(base64.b64encode(text.encode())),
    "gzip": lambda text: b"before" + gzip.compress(text.encode()) + b"after",
    "gzip, cut off": lambda text: gzip.compress((text + "\0" * 99_999).encode(), compresslevel=0)[:5_000],
    "zlib": lambda text: zlib.compress(text.encode()),
    "zip": zipped,
    "gzip in base64 in JSON": lambda text: json.dumps(base64.b64encode(gzip.compress(text.encode())).decode()).encode(),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_text_is_found_however_it_is_encoded(way: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    written = WAYS[way](ROW)
    (tmp_path / "deep" / "file").write_bytes(b"something\n" * 99 + written + b"\nand more")
    assert {found.text for found in SEARCH.below(tmp_path)} == {NAME}
    (tmp_path / "deep" / "file").write_bytes(WAYS[way](ROW.replace(NAME, "Somebody Else")))
    assert SEARCH.below(tmp_path) == []


def test_a_value_that_a_database_splits_over_pages_is_found(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE said (text)")
        database.execute("INSERT INTO said VALUES (?)", ("x" * 3_893 + NAME + "x" * 4_080,))
        database.commit()
    assert NAME.encode() not in path.read_bytes(), "it stands on two pages"
    assert [found.place for found in SEARCH.below(tmp_path)] == [f"{path} > said"]


def test_a_value_that_a_database_deleted_without_overwriting_is_found(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "some.db")) as database:
        database.execute("PRAGMA secure_delete = OFF").close()
        database.execute("CREATE TABLE said (text)")
        database.execute("INSERT INTO said VALUES (?)", (ROW,))
        database.commit()
        database.execute("DELETE FROM said")
        database.commit()
    assert SEARCH.below(tmp_path)


def test_file_names_are_searched_and_excluded_files_are_not(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"")
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "rows").write_text(ROW, encoding="utf-8")
    assert [found.place for found in SEARCH.below(tmp_path, but=[tmp_path / "warehouse"])] == [
        f"the name of {tmp_path / NAME}"
    ]
