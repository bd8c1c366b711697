"""The documents for those who operate this name what there is: steps, settings, options, files, addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prefect.settings import Settings as PrefectSettings

from mfn.connection import Connection
from mfn.mappings import RULES
from mfn.mappings.tables import TABLES
from mfn.settings import PREFIX, Settings, load_settings
from mfn.site.app import build_site
from mfn.steps.checking.findings import STEPS
from tests.test_docs import COMMANDS, DOCUMENTS, EVERYWHERE, PROGRAM, README, ROOT, RUNBOOK, keys, named

if TYPE_CHECKING:
    from pathlib import Path

SETUP = (ROOT / "docs" / "setup.md").read_text(encoding="utf-8")
OURS = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
NOT_SETTINGS = {"MFN_WRITE_SCREENSHOTS"}
"""Read by the tests alone."""
OLD_INDEX = "/runs/index.html"
"""To where the pages that are files link; it leads to `/`."""


def code_in(document: Path) -> list[str]:
    """What stands in code, in a line or in a block."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```.*?^ *```", text, flags=re.DOTALL | re.MULTILINE)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE))


def test_the_set_up_has_the_steps_of_the_check_in_its_order_and_so_has_the_runbook() -> None:
    assert re.findall(r"^## \d\. (.+)$", SETUP, flags=re.MULTILINE) == list(STEPS)
    documented = re.findall(r"^\| `([^`]+)` \|", RUNBOOK.split("| step | what is checked")[1], flags=re.MULTILINE)
    assert documented[: len(STEPS)] == list(STEPS)


def test_every_step_of_the_set_up_says_when_the_check_warns_or_fails() -> None:
    parts = re.split(r"^## ", SETUP, flags=re.MULTILINE)
    steps = [part for part in parts if re.match(r"\d\. ", part)]
    assert len(steps) == len(STEPS)
    assert [part.splitlines()[0] for part in steps if "`mfn check`" not in part or "**" not in part] == []


@pytest.mark.parametrize(
    "setting", sorted(set(re.findall(r"^ *prefect config set (\S+)$", RUNBOOK, flags=re.MULTILINE)))
)
def test_prefect_accepts_every_value_that_the_documents_set(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, value = setting.partition("=")
    monkeypatch.setenv(name, value)
    assert name in PrefectSettings().to_environment_variables(exclude_unset=True)


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_document_names_a_setting_that_is_not_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*[A-Z]\b", text)) <= OURS | NOT_SETTINGS


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_document_names_a_key_of_a_connection_that_is_not_there(document: Path) -> None:
    known = keys(Connection.model_validate({"seller_id": "A", "marketplaces": ["US"], "name": "us"}).model_dump())
    sections = {name.partition(".")[0] for name in known if "." in name}
    found = {
        name
        for code in code_in(document)
        for name in re.findall(r"(?<![\w./-])([a-z]+\.[a-z_]+)(?![\w./(-])", code)
        if name.partition(".")[0] in sections - {"warehouse"}
    }
    files = {"inventory.push"}
    assert found - known - files == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_document_names_an_option_of_ours_that_is_not_there(document: Path) -> None:
    program = {name for parameter in PROGRAM.params for name in parameter.opts} | EVERYWHERE
    for code in code_in(document):
        for words in re.findall(r"\bmfn ((?:[^\n|&`]|\\\n)+)", code):
            path = [word for word in words.split()[:2] if re.fullmatch(r"[a-z-]+", word)]
            command = COMMANDS.get(" ".join(path)) or COMMANDS.get(" ".join(path[:1]))
            if command is None:
                continue
            options = {name for parameter in command.params for name in parameter.opts} | program
            shown = re.findall(r"(?<![\w-])--[a-z][a-z-]*", words.partition("#")[0])
            assert set(shown) <= options, words


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_document_names_a_mapping_file_that_is_not_there(document: Path) -> None:
    files = {f"mappings/{table.file}" for table in TABLES} | {f"mappings/{RULES}", "mappings/README.md"}
    text = document.read_text(encoding="utf-8")
    assert set(re.findall(r"\bmappings/[\w-]+\.(?:csv|yaml|md)\b", text)) <= files


def test_the_readme_lists_exactly_the_pages_of_the_report_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pages = {re.sub(r"\{\w+\}", "ID", path) for path in build_site(load_settings()).openapi()["paths"]} - {OLD_INDEX}
    documented = re.findall(r"^\| `(/[^`]*)`", README, flags=re.MULTILINE)
    assert {re.sub(r"[A-Z]+(?=/|$)", "ID", path) for path in documented} == pages
