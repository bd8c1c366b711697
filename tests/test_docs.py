"""What the documents name is what the code has, and the other way round; their wording is nobody's business here."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml

from mfn.cli.application import application
from mfn.connection import Connection
from mfn.connections import find_connection
from mfn.errors import MfnError
from mfn.mappings import RULES
from mfn.mappings.tables import TABLES
from mfn.models import OrderStatus, Outcome, ParcelStatus
from mfn.quality.lines import LINES
from mfn.quality.orders import ORDERS
from mfn.quality.parcels import PARCELS
from mfn.quality.stock import ITEMS, STOCK
from mfn.rules.order_rules import CODES as ORDERS_DECIDED_BY_RULES
from mfn.rules.parcel_faults import REMEDIES
from mfn.rules.settling import SETTLEMENTS, settlement_reason
from mfn.rules.stock_faults import REMEDIES as STOCK_REMEDIES
from mfn.rules.stock_rules import OUTCOMES as DECIDED_BY_RULES
from mfn.settings import PREFIX, Settings, load_settings
from mfn.steps.reconciling.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.mappings.tables import Table

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
FLOWS = (ROOT / "flows" / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    {
        ROOT / "README.md",
        ROOT / "SECURITY.md",
        *ROOT.glob("docs/**/*.md"),
        *(ROOT / name / "README.md" for name in ("flows", "mappings")),
    }
)
EVERYWHERE = {"--help", "--json"}
PNG_BYTES = 300_000


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if path:
        yield " ".join(path), command
    for name, part in getattr(command, "commands", {}).items():
        yield from walk(part, (*path, name))


PROGRAM: Any = typer.main.get_command(application)
COMMANDS = dict(walk(PROGRAM))
RUNNABLE = [path for path, command in COMMANDS.items() if not getattr(command, "no_args_is_help", False)]


def row(document: str, start: str) -> str:
    """The table row that begins with some code."""
    rows = re.findall(rf"^\| `{re.escape(start)}[ `].*$", document, flags=re.MULTILINE)
    assert rows, f"no table row begins with `{start}`"
    return str(rows[0])


@pytest.mark.parametrize("path", ["", *(path for path, command in COMMANDS.items() if hasattr(command, "commands"))])
def test_help_lists_every_command_with_a_whole_sentence(path: str) -> None:
    group = COMMANDS.get(path, PROGRAM)
    listed = group.get_help(group.context_class(group, info_name="mfn", terminal_width=80)).split("\nCommands:\n")[1]
    assert [line for line in listed.splitlines() if not line.endswith(".") or line.endswith("...")] == []


@pytest.mark.parametrize("path", RUNNABLE)
def test_every_command_has_a_row_with_its_arguments_and_options_in_the_readme(path: str) -> None:
    documented = row(README, f"mfn {path}")
    for parameter in COMMANDS[path].params:
        options = [name for name in parameter.opts if name.startswith("--")]
        assert EVERYWHERE.intersection(options) or all(name in documented for name in options)
        if not options:
            words = {parameter.name.upper(), parameter.name.upper().removesuffix("_ID"), "ID"}
            assert any(word in documented for word in words)


def test_options_that_work_anywhere_are_in_the_readme() -> None:
    options = {name for parameter in PROGRAM.params for name in parameter.opts} | EVERYWHERE
    assert [name for name in sorted(options) if name not in README] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_no_document_names_a_command_that_is_not_there(document: Path) -> None:
    for words in re.findall(r"`mfn ((?:[a-z][a-z-]*\s?)+)", document.read_text(encoding="utf-8")):
        assert words.split()[0] in COMMANDS
        group = COMMANDS[words.split()[0]]
        if hasattr(group, "commands") and len(words.split()) > 1:
            assert " ".join(words.split()[:2]) in COMMANDS


def shell_lines(document: Path) -> list[str]:
    blocks = re.findall(
        r"^ *```(?:sh|cron)\n(.*?)^ *```", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    lines = (line.strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_mfn_command_that_is_shown_can_be_typed(document: Path) -> None:
    commands = [part.strip() for line in shell_lines(document) for part in line.split("&&")]
    for words in (shlex.split(command, comments=True) for command in commands):
        if words and Path(words[0]).name == "mfn":
            assert parses(words[1:]), " ".join(words)


def parses(words: list[str]) -> bool:
    """Whether a command takes these words; it is not run."""
    command, rest = PROGRAM, words
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    if command is PROGRAM:
        return False
    with command.make_context("mfn", list(rest)):  # raises what a person would be told
        return True


def test_every_make_target_that_is_shown_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    for document in DOCUMENTS:
        shown = re.findall(r"(?:`|^ *)make ([a-z-]+)", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert set(shown) <= targets, named(document)
    assert targets <= set(re.findall(r"make ([a-z-]+)", README)), "a target that the README does not name"


def test_what_lands_is_tested_by_the_command_of_the_readme() -> None:
    first = shell_lines(ROOT / "README.md")[:2]
    assert [line.split("#")[0].strip() for line in first] == ["make demo", "make test"]
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_row_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    assert not isinstance(default, Path) or f"`{default}`" in row(README, PREFIX + name.upper())
    assert row(README, PREFIX + name.upper())


def test_the_reference_of_connections_yaml_is_a_file_with_every_key_and_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "connections.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    written = yaml.safe_load(text)["connections"]["us"]
    assert keys(written) == keys(Connection(seller_id="A", marketplaces=written["marketplaces"]).model_dump()) - {
        "name"
    }

    shown = find_connection(load_settings(), "us")
    bare = {"connections": {"us": {name: written[name] for name in ("seller_id", "marketplaces")}}}
    (tmp_path / "connections.yaml").write_text(yaml.safe_dump(bare), encoding="utf-8")
    assert shown == find_connection(load_settings(), "us")


def keys(section: dict[str, Any], before: str = "") -> set[str]:
    """Every dotted key of nested mappings."""
    found = set()
    for name, value in section.items():
        found |= {before + name} | (keys(value, f"{before}{name}.") if isinstance(value, dict) else set())
    return found


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.file)
def test_every_mapping_file_has_a_row_with_its_columns(table: Table) -> None:
    documented = row((ROOT / "mappings" / "README.md").read_text(encoding="utf-8"), table.file)
    assert set(table.columns) <= set(re.findall(r"`(\w+)`", documented))


def test_every_mapping_file_is_explained() -> None:
    files = {path.name for path in (ROOT / "mappings").iterdir()} - {"README.md"}
    assert files == {table.file for table in TABLES} | {RULES}
    documented = (ROOT / "mappings" / "README.md").read_text(encoding="utf-8")
    assert [name for name in sorted(files) if f"`{name}`" not in documented] == []


def concern_of(path: Path, text: str) -> str:
    """What a module's reasons are about."""
    if path.stem.startswith("stock_") or path.parent.name == "stock":
        return "stock"
    return "parcels" if "ParcelStatus" in text else "orders"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)


@cache
def reasons_written_out(concern: str) -> frozenset[str]:
    """The code of every `Reason("…", …)`, `Reason(CODE, …)` or `("…", f"…")` in modules that are about this."""
    codes = set()
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "Reason(" not in text or concern_of(path, text) != concern:
            continue
        module = importlib.import_module(module_of(path))
        for node in ast.walk(ast.parse(text)):
            first = code_in(node)
            if isinstance(first, ast.Constant):
                codes.add(first.value)
            elif isinstance(first, ast.Name):
                codes.add(getattr(module, first.id, None))
    return frozenset(code for code in codes if isinstance(code, str))


def code_in(node: ast.AST) -> ast.expr | None:
    """What stands for the code where a reason is made, or a code is put beside what was found."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason" and node.args:
        return node.args[0]
    if isinstance(node, ast.Tuple) and [type(part) for part in node.elts] == [ast.Constant, ast.JoinedStr]:
        return node.elts[0]
    return None


RULED = [rule for suite in (ORDERS, LINES) for rule in suite.rules]
HOLDING = (
    {rule.code for rule in RULED if rule.severity == "critical"}
    | {settlement_reason(code).code for code, settlement in SETTLEMENTS.items() if settlement.outcome == Outcome.HELD}
    | {ORDERS_DECIDED_BY_RULES["hold"], ORDERS_DECIDED_BY_RULES["fail"]}
)
WARNING = {rule.code for rule in RULED if rule.severity != "critical"}
LEFT_ALONE = {code for code, settlement in SETTLEMENTS.items() if settlement.outcome != Outcome.HELD} | {
    ORDERS_DECIDED_BY_RULES["skip"]
}
OTHERS = reasons_written_out("orders") - HOLDING - WARNING - LEFT_ALONE

# A rule without facts looks at the frame as a whole: where it is broken, the run stops, and no parcel is held.
PARCELS_HELD = {rule.code for rule in PARCELS.rules if rule.severity == "critical" and rule.facts}
PARCELS_WARNED_OF = {rule.code for rule in PARCELS.rules if rule.severity != "critical"}

STOCK_RULES = [rule for suite in (STOCK, ITEMS) for rule in suite.rules if rule.facts]
STOCK_HELD = (
    reasons_written_out("stock")
    | STOCK_REMEDIES.keys()
    | {code for _, code in DECIDED_BY_RULES.values()}
    | {rule.code for rule in STOCK_RULES if rule.severity == "critical"}
)
STOCK_WARNED_OF = {rule.code for rule in STOCK_RULES if rule.severity != "critical"}


def part(heading: str) -> str:
    """A part of the runbook, without the parts after it."""
    return RUNBOOK.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_reason_that_holds_an_order_has_a_heading_in_the_runbook_and_no_other_has() -> None:
    assert set(re.findall(r"^### `(\w+)`$", part("Why an order is held"), flags=re.MULTILINE)) == HOLDING | OTHERS


@pytest.mark.parametrize(
    ("heading", "codes"),
    [
        ("Why an order is ignored", LEFT_ALONE),
        ("Worth a look", WARNING),
        ("Status of an order", {status.value for status in OrderStatus}),
        ("Status of a parcel", {status.value for status in ParcelStatus}),
        ("Comparing with Amazon", {kind.value for kind in Kind}),
    ],
)
def test_the_runbook_lists_exactly_what_there_is(heading: str, codes: set[str]) -> None:
    assert codes_of_rows(heading) == codes


def codes_of_rows(heading: str) -> set[str]:
    """With which codes the rows of a part of the runbook begin."""
    return set(re.findall(r"^\| `(\w+)`", part(heading), flags=re.MULTILINE))


def test_the_runbook_lists_exactly_the_reasons_and_warnings_of_parcels() -> None:
    held = codes_of_rows("Why a parcel is held or refused")
    skipped = codes_of_rows("Why a parcel is skipped")
    warned_of = codes_of_rows("Parcels worth a look")
    assert held | skipped | warned_of == (
        reasons_written_out("parcels") | REMEDIES.keys() | PARCELS_HELD | PARCELS_WARNED_OF
    )
    assert held >= PARCELS_HELD
    assert warned_of >= PARCELS_WARNED_OF
    assert not skipped & (held | warned_of)


def test_the_runbook_lists_exactly_the_reasons_and_warnings_of_stock() -> None:
    assert codes_of_rows("Why a stock level is held or refused") == STOCK_HELD
    assert codes_of_rows("Stock worth a look") >= STOCK_WARNED_OF


def kinds(error: type[MfnError]) -> Iterator[type[MfnError]]:
    yield error
    for kind in error.__subclasses__():
        yield from kinds(kind)


def test_the_readme_lists_every_exit_status() -> None:
    section = README.split("\n| exit status | means |\n")[1].split("\n\n")[0]
    statuses = {int(status) for status in re.findall(r"^\| (\d) \|", section, flags=re.MULTILINE)}
    assert statuses == {0} | {kind.exit_code for kind in kinds(MfnError)}


def test_every_flow_and_every_deployment_is_in_the_list_of_flows() -> None:
    files = {path.name for path in (ROOT / "flows").glob("*.py")}
    assert set(re.findall(r"^\| `(\w+\.py)`", FLOWS, flags=re.MULTILINE)) == files
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]:
        flow = deployment["entrypoint"].split(":")[1].replace("_", "-")
        name = "CONNECTION" if "connection" in deployment.get("parameters", {}) else deployment["name"]
        assert f"`{flow}/{name}`" in FLOWS


def anchors(document: Path) -> set[str]:
    """The anchors that a forge makes of the headings of a document."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(place), target


def test_every_document_that_is_named_is_there() -> None:
    for document in DOCUMENTS:
        for name in re.findall(r"docs/[\w/-]+\.(?:md|svg|png)", document.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), f"{named(document)} names {name}"


def test_the_pictures_of_the_readme_are_light_and_load_nothing() -> None:
    flow = (ROOT / "docs" / "images" / "flow.svg").read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"'\s]+", flow) == ["http://www.w3.org/2000/svg"]
    assert (ROOT / "docs" / "images" / "report.png").stat().st_size < PNG_BYTES
