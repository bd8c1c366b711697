"""Part of step `credentials and marketplaces`: who else may read secrets and buyers' data, at rest and in transit."""

from __future__ import annotations

import ipaddress
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from mfn.errors import ConfigurationError, shown_path
from mfn.secret_files import exposed_files
from mfn.settings import environment
from mfn.steps.checking.findings import failed, warning
from mfn.steps.secret_age import secret_age

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace

ENCRYPTED = {"require", "verify-ca", "verify-full"}
"""Values of libpq's `sslmode` with which nothing is sent unencrypted (PostgreSQL 18, "SSL Support", 2026-11)."""

FOR_OTHERS = stat.S_IRGRP | stat.S_IROTH
WAY_IN = stat.S_IXGRP | stat.S_IXOTH


def protection_findings(place: CheckPlace) -> list[Finding]:
    """What others could read: files, and what is sent over a network unencrypted."""
    found = [
        warning(f"{problem.file}: {problem.message.rstrip('.')}", problem.remedy)
        for problem in exposed_files(place.settings)
    ]
    return [*found, *_exposed_warehouse(place), *_unencrypted_calls(place), *_unencrypted_databases(place)]


def age_findings(place: CheckPlace) -> list[Finding]:
    """Whether the client secret has to be rotated; nothing while there is time.

    Raises:
        ConfigurationError: The day on which it was made is not a date.
        RetriableError: The ledger cannot be reached.
    """
    try:
        place.credentials  # noqa: B018 - loaded once for all that ask
    except ConfigurationError:
        return []  # the steps that call Amazon say what is missing
    age, now = secret_age(place), datetime.now(UTC)
    if not age.is_worth_a_word(now):
        return []
    return [(failed if age.is_over(now) else warning)(age.sentence(now), age.remedy)]


def _exposed_warehouse(place: CheckPlace) -> Iterator[Finding]:
    """A warehouse in a file, which holds buyers' data in plain text."""
    url = make_url(place.connection.warehouse.url)
    if url.get_backend_name() != "sqlite":
        return
    path = Path(str(url.database))
    try:
        is_exposed = bool(path.stat().st_mode & FOR_OTHERS and path.parent.stat().st_mode & WAY_IN)
    except OSError:  # another step reports that it does not exist
        return
    if is_exposed:
        shown = shown_path(path)
        yield warning(
            f"{shown}: other users can read the warehouse's file, which contains buyers' data",
            f"Run chmod 600 {shown}, or move it to a folder that only its users can open.",
        )


def _unencrypted_calls(place: CheckPlace) -> Iterator[Finding]:
    connection = place.connection
    urls = {"endpoint": connection.endpoint, "lwa_endpoint": connection.lwa_endpoint}
    if connection.credentials != "env":
        urls["PREFECT_API_URL"] = environment().get("PREFECT_API_URL")
    for name, url in urls.items():
        parts = urlsplit(url or "")
        if parts.scheme == "http" and not is_here(parts.hostname):
            yield warning(
                f"{name} connects to {parts.hostname} unencrypted: secrets and buyers' data can be read in transit",
                f"Use an https:// address for {name}.",
            )


def _unencrypted_databases(place: CheckPlace) -> Iterator[Finding]:
    by_default = environment().get("PGSSLMODE")
    for name, what, text in (
        ("MFN_LEDGER_URL", "the ledger", place.settings.ledger_url.get_secret_value()),
        ("warehouse.url", "the warehouse", place.connection.warehouse.url),
    ):
        url = make_url(text)
        if url.get_backend_name() == "sqlite":
            continue
        host = url.host or str(url.query.get("host", ""))
        if not is_here(host) and url.query.get("sslmode", by_default) not in ENCRYPTED:
            yield warning(
                f"the connection to {what} at {host} may be unencrypted: TLS is not required",
                f"Add sslmode=verify-full (or require) to {name}: …/database?sslmode=verify-full.",
            )


def is_here(host: str | None) -> bool:
    """Whether a host is this machine; the folder of a socket and an empty name count too."""
    if not host or host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
