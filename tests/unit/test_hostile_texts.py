"""Texts that command a terminal, forge lines of a log, or are Markdown and HTML: shown, they do nothing."""

from __future__ import annotations

import io
import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mfn.cli.output import OneLine, print_error, print_json, print_line, print_table
from mfn.errors import FatalError
from mfn.models import MOST_OF_A_DETAIL, MOST_OF_A_REMEDY, Reason
from mfn.plain_text import shortened, shown, shown_json, shown_lines
from mfn.reports.markdown_text import plain

CLEAR_SCREEN = "\x1b[2J"
OVERRIDE = "\u202e"
HOSTILE = f"{CLEAR_SCREEN}\x1b]0;owned\x07\x9b31m{OVERRIDE}gnol\r\n2026-11-29 ERROR forged\x00\x7f\u2028\ud800"
SHOWN = r"\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnol\r\n2026-11-29 ERROR forged\x00\x7f\u2028\ud800"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")

texts = st.text(st.characters() | st.sampled_from("\x1b\x9b\u202e\r\n\x00\ud800<>[]()!&*_`|#~-=:/@.\\"), max_size=60)


def test_what_cannot_be_shown_is_spelled_out() -> None:
    assert shown(HOSTILE) == SHOWN
    assert shown_lines("two\nlines\r\n") == "two\nlines\\r\n"


@pytest.mark.parametrize(
    "text",
    ["", "Jürgen", "東京\u3000本店", "שלום", "👩\u200d👧", "a\u00a0b", "=1+1", "\ue000", "a\u200eb\ufeff"],
    ids=ascii,
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert shown(text) == shown_lines(text) == text


@given(text=texts)
def test_whatever_it_is_no_control_character_is_shown(text: str) -> None:
    for kind in map(unicodedata.category, shown(text)):
        assert kind not in {"Cc", "Cs", "Zl", "Zp"}
    assert not {*"\u202a\u202b\u202d\u202e\u2066\u2067"} & {*shown(text)}


@given(value=st.recursive(texts, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)))
def test_a_document_says_the_same_and_commands_nothing(value: object) -> None:
    printed = shown_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(printed) == value
    assert shown(printed) == printed


def test_no_command_of_a_terminal_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_line(HOSTILE)
    print_table(("order", "why"), [("1", HOSTILE), (HOSTILE, None)])
    print_error(FatalError(HOSTILE, remedy=HOSTILE), as_json=False)
    print_error(FatalError(HOSTILE, remedy=HOSTILE), as_json=True)
    print_json({"sku": HOSTILE})
    said = capsys.readouterr()
    assert not {*"\x00\x07\r\x1b\x7f\x9b\u2028\u202e\ud800"} & {*(said.out + said.err)}
    assert json.loads(said.out.splitlines()[-1]) == {"sku": HOSTILE}
    assert said.err.count("ERROR forged") == 2


def test_a_record_of_the_log_stays_on_one_line_and_a_traceback_on_its_own() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine("%(levelname)s %(message)s"))
    logger = logging.getLogger("hostile")
    logger.propagate = False
    logger.addHandler(handler)
    logger.warning("the SKU %s", HOSTILE)
    logger.error("it failed", exc_info=FatalError(HOSTILE, remedy=""))
    logger.removeHandler(handler)
    assert stream.getvalue().splitlines()[:2] == [f"WARNING the SKU {SHOWN}", "ERROR it failed"]


def test_a_reason_and_an_error_are_clean_and_bounded() -> None:
    reason = Reason("sku_unknown", HOSTILE + "x" * 100_000, "paste:\nrow\x1b\n" + "x" * 100_000)
    assert reason.detail.startswith(SHOWN)
    assert (len(reason.detail), len(reason.remedy)) == (MOST_OF_A_DETAIL, MOST_OF_A_REMEDY)
    assert reason.remedy.startswith("paste:\nrow\\x1b\n")
    assert Reason("sku_unknown", reason.detail, reason.remedy) == reason
    assert str(FatalError(f"line\n{CLEAR_SCREEN}", remedy="")) == "line\n\\x1b[2J"
    assert shortened("four", 4) == "four"
    assert shortened("fives", 4) == "fiv…"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))",
        "![x](https://attacker.example/x.png)", "&lt;b&gt;", "https://attacker.example", "**bold** _it_ `code` ~~s~~",
        "a | b", "# title", "<https://attacker.example>", "<!-- -->", "A&amp;B", "a\n\n    code\n\n> quote", "[a]: b",
    ],
)  # fmt: skip
def test_markdown_and_html_become_text(text: str) -> None:
    assert _rendered(text) == " ".join(text.split())


@given(text=texts)
def test_whatever_it_is_a_page_in_markdown_has_it_as_text(text: str) -> None:
    assert _rendered(text) == shown(" ".join(text.split()))


def _rendered(text: str) -> str:
    """A text as a point of a list, read back from what Markdown makes of it; anything but text would be found."""
    tokens = MARKDOWN.parse(f"- Orders: {plain(text)}.")
    (inline,) = (token for token in tokens if token.type == "inline")
    assert len(tokens) == 7  # a list, a point, a paragraph and its text
    assert {child.type for child in inline.children or ()} <= {"text"}
    return "".join(child.content for child in inline.children or ()).removeprefix("Orders: ").removesuffix(".")
