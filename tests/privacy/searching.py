"""Searching files for texts that must not be there, however they are written down or packed."""

from __future__ import annotations

import base64
import binascii
import html
import io
import itertools
import json
import re
import sqlite3
import zipfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import re2  # type: ignore[import-untyped]  # it has no annotations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

GZIP = b"\x1f\x8b\x08"
ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
ZIP_END = b"PK\x05\x06"
SQLITE = b"SQLite format 3\x00"
PACKED_IN_EACH_OTHER = 3
MOST_UNPACKED = 50_000_000
EXCERPT = 60


@dataclass(frozen=True)
class Found:
    """A text where it must not be.

    Attributes:
        place: The file, and what of it.
        text: The text.
        excerpt: What stands around it.
    """

    place: str
    text: str
    excerpt: bytes


class Search:
    """A search for some texts.

    Args:
        texts: What must not be found, in capitals or not; long enough that nothing is found by chance.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._folded: dict[bytes, str] = {}
        self._exact: dict[bytes, str] = {}
        for text in texts:
            for spelled in (text, text.lower(), text.upper()):
                self._folded |= dict.fromkeys((written.lower() for written in _written(spelled)), text)
                self._exact |= dict.fromkeys(_in_base64(spelled.encode()), text)
        self._any_folded, self._any_exact = _any_of(self._folded), _any_of(self._exact)

    def in_bytes(self, content: bytes, place: str, *, depth: int = PACKED_IN_EACH_OTHER) -> Iterator[Found]:
        """What is found in some bytes, and in what is packed in them.

        Args:
            content: The bytes.
            place: Where they are from.
            depth: How often something packed may have something packed in it.
        """
        yield from self._in_pieces([content], place, depth)

    def below(self, folder: Path, *, but: Collection[Path] = ()) -> list[Found]:
        """What is found in every file below a folder; of databases of SQLite in every value as well.

        Args:
            folder: The folder.
            but: Files and folders that are left out.
        """
        found: list[Found] = []
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or any(path == one or path.is_relative_to(one) for one in but):
                continue
            content = path.read_bytes()
            found += self.in_bytes(str(path).encode(), f"the name of {path}")
            found += self.in_bytes(content, str(path))
            if content.startswith(SQLITE):
                found += self._in_database(path)
        return found

    def _in_pieces(self, pieces: list[bytes], place: str, depth: int) -> Iterator[Found]:
        """Searched together: a database of Prefect's has tens of thousands of short ones that may be base64."""
        together = b"\n".join(pieces)
        folded = together.lower()  # of ASCII only, as the needles are
        whether = ((folded, self._any_folded, self._folded), (together, self._any_exact, self._exact))
        for haystack, any_of, needles in whether:
            for needle, text in needles.items() if any_of.search(haystack) else ():
                if (at := haystack.find(needle)) >= 0:
                    yield Found(place, text, together[max(at - EXCERPT, 0) : at + len(needle) + EXCERPT])
        if depth:
            unpacked: dict[str, list[bytes]] = {}
            for how, inside in itertools.chain.from_iterable(map(_unpacked, pieces)):
                unpacked.setdefault(how, []).append(inside)
            for how, insides in unpacked.items():
                yield from self._in_pieces(insides, f"{place} > {how}", depth - 1)

    def _in_database(self, path: Path) -> Iterator[Found]:
        """Values that are longer than a page are torn apart in the file."""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                values = (value for row in database.execute(f'SELECT * FROM "{table}"') for value in row)
                texts = [value if isinstance(value, bytes) else str(value).encode() for value in values]
                yield from self._in_pieces(texts, f"{path} > {table}", depth=2)


def _any_of(needles: Collection[bytes]) -> Any:
    """All of them looked for at once, each byte read once; one by one it takes as long for each as here for all."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(b"|".join(map(re2.escape, needles)), options)


def _written(text: str) -> Iterator[bytes]:
    in_json = json.dumps(text)[1:-1]
    for written in (text, in_json, json.dumps(in_json)[1:-1], ascii(text)[1:-1], html.escape(text)):
        yield written.encode()
    for escaped in (quote(text), quote_plus(text)):
        yield escaped.encode()
    for encoding in ("utf-16-le", "utf-16-be", "latin-1"):
        yield text.encode(encoding, errors="replace")
    yield binascii.hexlify(text.encode())


def _in_base64(text: bytes) -> Iterator[bytes]:
    """How some bytes look in the middle of others in base64, wherever they begin; in both alphabets."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text)
        # The first and the last characters depend on what stands around.
        whole = encoded[4 if before else 0 : (before + len(text)) // 3 * 4]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def _unpacked(content: bytes) -> Iterator[tuple[str, bytes]]:
    at = content.find(GZIP)
    while at >= 0:
        yield from _inflated("gzip", content[at:], wbits=31)
        at = content.find(GZIP, at + 1)
    for match in ZLIB.finditer(content):
        yield from _inflated("zlib", content[match.start() :], wbits=15)
    if ZIP_END in content and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    for match in BASE64.finditer(content):
        text = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        if len(text) % 4 != 1:
            yield "base64", base64.b64decode(text + b"=" * (-len(text) % 4))


def _inflated(how: str, content: bytes, *, wbits: int) -> Iterator[tuple[str, bytes]]:
    """A member that is cut off gives what there is of it."""
    try:
        unpacked = zlib.decompressobj(wbits).decompress(content, MOST_UNPACKED)
    except zlib.error:
        return
    if unpacked:
        yield how, unpacked
