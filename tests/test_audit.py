"""The audit of what is pinned: what it finds fails, what cannot be looked up is told, and never passed over."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOST = (
    "urllib3.exceptions.NameResolutionError: Failed to resolve\n"
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='advisories.example.com', port=443)\n"
)


@pytest.fixture(scope="module")
def audit() -> Any:
    specification = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


GOOD = {"name": "jinja2", "version": "3.1.6", "vulns": []}
BAD = {"name": "jinja2", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"], "aliases": []}]}
SKIPPED = {"name": "editables", "skip_reason": "not found"}


def test_known_vulnerabilities_are_named_with_the_version_that_fixes_them(audit: Any) -> None:
    assert audit.faults(answer(GOOD, BAD), "Found 1 known vulnerability") == [
        "jinja2 2.0: PYSEC-1, fixed in 2.1 or 3.0"
    ]
    assert audit.faults(answer(GOOD, SKIPPED), "") == []


def test_advisories_that_do_not_answer_are_no_result(audit: Any) -> None:
    assert audit.faults("", LOST) is None
    assert audit.faults(answer(SKIPPED), "") is None


def test_any_other_end_without_a_result_fails(audit: Any) -> None:
    with pytest.raises(audit.AuditError, match="requirement is missing a hash"):
        audit.faults("", "ERROR: a requirement is missing a hash")


def test_what_is_not_pinned_is_found(audit: Any) -> None:
    lock = [
        "# header",
        "a==1 \\",
        "    --hash=sha256:0 \\",
        "    --hash=sha256:1",
        "    # via b",
        "b>=2 \\",
        "    --hash=sha256:0",
    ]
    assert audit.unpinned("\n".join([*lock, "c==3", ""])) == ["b>=2", "c==3"]


@pytest.mark.parametrize("path", ["requirements.lock", "docs/scaling/requirements.lock"])
def test_every_lock_is_audited_and_pinned(audit: Any, path: str) -> None:
    assert audit.unpinned((ROOT / path).read_text(encoding="utf-8")) == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "\n\t$(BIN)/python .ci/audit.py requirements.lock $(IMAGE_LOCK)\n" in makefile
    assert "\nmake audit\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
