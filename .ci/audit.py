"""Known faults in what the locks pin, by pip-audit and OSV's advisories: exit 1 where there are some.

Where the advisories cannot be reached it says so and passes: then it has only been seen that every version is pinned
with its hashes. What is sent out are names and versions.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

PIP_AUDIT = ("-m", "pip_audit", "--require-hashes", "--disable-pip", "--vulnerability-service", "osv")
QUIET = ("--format", "json", "--progress-spinner", "off", "--timeout", "20")
OUT_OF_REACH = re.compile(r"(ConnectionError|ProxyError|SSLError|Timeout|HTTPError|ServiceError)\b")
"""Classes of errors by which requests and pip-audit say that the advisories did not answer."""


class AuditError(Exception):
    """The audit could not be carried out, for another reason than that the advisories did not answer."""


def unpinned(lock: str) -> list[str]:
    """The requirements of a lock that stand there without an exact version or without hashes.

    Args:
        lock: Its text.
    """
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    return [entry.split()[0] for entry in entries if "==" not in entry.split()[0] or "--hash=sha256:" not in entry]


def faults(said: str, complained: str) -> list[str] | None:
    """Every known fault that pip-audit tells of, as a line; None: the advisories were not reached.

    Args:
        said: Its standard output.
        complained: Its standard error.

    Raises:
        AuditError: It ended without a result.
    """
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (complained.strip().splitlines() or ["it said nothing"])[-1]
        if OUT_OF_REACH.search(last):
            return None
        raise AuditError(last) from None
    if all("skip_reason" in package for package in packages):
        return None
    return [
        f"{package['name']} {package['version']}: {fault['id']}, fixed in {' or '.join(fault['fix_versions']) or '-'}"
        for package in packages
        for fault in package.get("vulns", ())
    ]


def audited(path: str) -> tuple[list[str], bool]:
    """What is said of a lock, and whether it is wrong.

    Args:
        path: The lock.
    """
    if loose := unpinned(Path(path).read_text(encoding="utf-8")):
        return [f"without version or hash: {', '.join(loose)}"], True
    words = [sys.executable, *PIP_AUDIT, *QUIET, "--requirement", path]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    try:
        found = faults(ran.stdout, ran.stderr)
    except AuditError as error:
        return [f"not audited: {error}"], True
    if found is None:
        return ["the advisories were not reached: versions and hashes are pinned, known faults not looked up"], False
    return found or ["no known faults"], bool(found)


def main(paths: list[str]) -> int:
    """Audit some locks; the exit status."""
    results = {path: audited(path) for path in paths}
    for path, (lines, _) in results.items():
        for line in lines:
            print(f"{path}: {line}")
    return int(any(is_wrong for _, is_wrong in results.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
