"""rules.yaml and connections.yaml that hang, fill the memory or break a reader: refused, with the line, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mfn.connections import load_connections
from mfn.errors import MOST_OF_A_MESSAGE, ConfigurationError, Problem
from mfn.mappings.rules_file import MOST_CHARACTERS, MOST_RULES, read_rules
from mfn.settings import load_settings
from mfn.yaml_text import MOST_CHARACTERS as MOST_OF_A_FILE
from mfn.yaml_text import MOST_DEPTH, MOST_NODES, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

RULE = "order.import:\n  - name: a\n    when: {when}\n    then:\n      - {then}\n"
LETTERS = "abcdefghijkl"
LAUGHS = "".join(
    f"{name}: &{name} [{', '.join([f'*{LETTERS[place - 1]}' if place else 'ha'] * 9)}]\n"
    for place, name in enumerate(LETTERS)
)

HARMFUL: dict[str, tuple[str, int | None, str]] = {
    "a billion laughs": (LAUGHS, 6, "more than 100000 keys and values"),
    "laughs in a rule": (LAUGHS + RULE.format(when="*l", then="hold: *l"), 6, "more than 100000"),
    "an alias of itself": ("order.import: &a [*a]", 1, "*a is used inside itself"),
    "an anchor twice": ("order.import: &a 1\nb: {c: &a 2}", 2, "&a appears twice"),
    "an anchor inside of itself": ("&a order.import: 1\nb: &b [&b 2]", 2, "&b appears twice"),
    "an alias of nothing": ("order.import:\n  - *a", 2, "before its &"),
    "open brackets": ("order.import: " + "[" * 20_000, 1, "nested deeper than 20 levels"),
    "open braces": ("order.import: " + "{a: " * 20_000, 1, "nested deeper than 20 levels"),
    "a deep list": ("order.import: " + "[" * 5_000 + "]" * 5_000, 1, "nested deeper"),
    "a deep mapping": ("\n".join(" " * depth + "a:" for depth in range(500)), 21, "nested deeper"),
    "far too long": ("# " + "x" * MOST_OF_A_FILE, None, f"the limit is {MOST_OF_A_FILE}"),
    "a number of 10,000 digits": (RULE.format(when="9" * 10_000, then="hold: x"), 3, "looks like a number"),
    "no such month": ("a: 1\nb: 2026-13-45", 2, "'2026-13-45' looks like a number or a time"),
    "no such hour": ("a: 2026-12-31T25:00:00Z", 1, "looks like a number or a time"),
    "a tag that runs": ("a: !!python/object/apply:os.system [id]", 1, "cannot be used"),
    "a tag that fails": ("a: !!int abc", 1, "the tag tag:yaml.org,2002:int cannot be used"),
    "a control character": ("a: \x01", None, "special characters are not allowed"),
    "a mapping for a key": ("a: 1\n? b:\n    c: 1\n", 2, "has a mapping as a key"),
    "two documents": ("--- a\n--- b\n", 2, "another document"),
    "a key twice": ("a: 1\na: secret", 2, 'found duplicate key "a"'),
}


@pytest.mark.parametrize(("text", "line", "expected"), HARMFUL.values(), ids=HARMFUL)
def test_what_would_harm_a_reader_is_reported_with_its_line(text: str, line: int | None, expected: str) -> None:
    problem = parse_yaml(text, "rules.yaml")
    assert isinstance(problem, Problem)
    assert (problem.file, problem.line) == ("rules.yaml", line)
    assert expected in problem.message
    assert "secret" not in str(problem)
    assert len(problem.message) <= MOST_OF_A_MESSAGE


@pytest.mark.parametrize("text", [text for text, _, _ in HARMFUL.values()], ids=HARMFUL)
def test_it_stops_neither_file_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    rules, problems = read_rules(tmp_path / "rules.yaml", "rules.yaml", accepted_carriers=())
    assert problems
    assert not any(rules.values())
    (tmp_path / "connections.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        load_connections(load_settings())


def test_what_people_write_is_read_with_anchors_too() -> None:
    document = parse_yaml(
        "a: &a {url: x, port: 1}\nb: *a\nc: [*a, *a]\nd: {<<: *a, port: 2}\ne: 2026-11-29\n", "x.yaml"
    )
    assert document["c"][1]["url"] == "x"
    assert dict(document["d"]) == {"url": "x", "port": 2}
    deep = "[" * MOST_DEPTH + "]" * MOST_DEPTH
    assert not isinstance(parse_yaml(deep, "x.yaml"), Problem)
    assert isinstance(parse_yaml(f"[{deep}]", "x.yaml"), Problem)
    assert MOST_NODES == 100_000


def _problems(folder: Path, text: str) -> list[Problem]:
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return read_rules(folder / "rules.yaml", "rules.yaml", accepted_carriers=())[1]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("set: {shipment.shipped_at: 0001-01-01T00:00:00+14:00}", "is not a valid time in UTC"),
        ("set: {shipment.shipped_at: 9999-12-31T23:59:59-14:00}", "is not a valid time in UTC"),
        ("set: {shipment.carrier: [" + "x, " * 5_000 + "x]}", "expected text, got ["),
        (f"hold: {'x' * (MOST_CHARACTERS + 1)}", f"the limit is {MOST_CHARACTERS}"),
        ('"\\e[2J": x', "\\x1b[2J: unknown key"),
    ],
)
def test_a_value_that_no_run_could_use_is_refused(tmp_path: Path, then: str, expected: str) -> None:
    (problem,) = _problems(
        tmp_path, RULE.format(when="true", then=then).replace("order.import", "shipment.notification")
    )
    assert expected in str(problem)
    assert str(problem).isprintable()
    assert len(str(problem)) < 500


def test_there_are_only_so_many_rules(tmp_path: Path) -> None:
    rule = "  - {{name: r{}, when: true, then: [stop: true]}}\n"
    text = "order.import:\n" + "".join(rule.format(number) for number in range(MOST_RULES + 1))
    (problem,) = _problems(tmp_path, text)
    assert f"has {MOST_RULES + 1} rules; the limit is {MOST_RULES}." in problem.message
