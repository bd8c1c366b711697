"""rules.yaml: its shape, with the line of every fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from mfn.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = ("order.import", "shipment.notification", "inventory.push")


def check_rules_file(path: Path, shown: str) -> list[Problem]:
    """What is wrong with rules.yaml.

    A rule is an error as long as no rule is carried out: nobody shall trust one in vain.

    Args:
        path: The file; it exists.
        shown: The file's name in messages.
    """
    document = _parsed(path, shown)
    if isinstance(document, Problem):
        return [document]
    if document is None:
        return []
    if not isinstance(document, CommentedMap):
        return [Problem(shown, 1, None, f"expected a mapping with the keys {', '.join(EVENTS)}.")]
    return [problem for key, rules in document.items() for problem in _problems(shown, document, key, rules)]


def _parsed(path: Path, shown: str) -> Any:
    try:
        return YAML().load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return Problem(shown, None, None, f"cannot be read: {error.strerror}.", "Check its permissions.")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return Problem(shown, line, None, f"is not UTF-8 (byte {error.start + 1}).", "Save it as UTF-8.")
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or str(error).splitlines()[0]
        return Problem(shown, mark.line + 1 if mark else None, None, f"is not valid YAML: {message}.")


def _problems(shown: str, document: CommentedMap, key: Any, rules: Any) -> list[Problem]:
    line = document.lc.key(key)[0] + 1
    if key not in EVENTS:
        return [Problem(shown, line, str(key), f"unknown key; valid keys are: {', '.join(EVENTS)}.")]
    if rules is None:
        return []
    if not isinstance(rules, CommentedSeq):
        return [Problem(shown, line, key, "expected a list of rules.")]
    return [
        Problem(
            shown,
            rules.lc.item(position)[0] + 1,
            f"{key}[{position}]",
            "rules are not carried out by this version yet.",
            "Take the rule out.",
        )
        for position in range(len(rules))
    ]
