"""The Prefect API's URL and credentials: those that are configured, or those of the `mfn up` that runs here."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from mfn.cli.project import prefect_program
from mfn.cli.running import running_here
from mfn.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mfn.settings import Settings

FAULT_LINES = 3
"""So many lines say which of Prefect's settings is wrong: of which group, which one, and why."""

SEE_ALSO = "For further information"

SHOWN = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY")
"""The credentials that a Prefect server may ask for, one or the other."""


def with_prefect_api(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with the Prefect API's URL and credentials.

    `PREFECT_API_URL` is that of the environment, else that of Prefect's own settings (`prefect config set`), else that
    of the `mfn up` that runs here.

    Args:
        settings: The settings in force.
        environ: The environment, with `.env` below it (`mfn.settings.environment`).

    Raises:
        ConfigurationError: None of them names one, or a setting of Prefect's is wrong.
    """
    if environ.get("PREFECT_API_URL") and any(environ.get(name) for name in SHOWN):
        return dict(environ)
    known = _settings(environ, "--show-secrets")
    found = {name: known[name] for name in SHOWN if known.get(name)} | dict(environ)
    if found.get("PREFECT_API_URL"):
        return found
    if known.get("PREFECT_API_URL"):
        return {**found, "PREFECT_API_URL": known["PREFECT_API_URL"]}
    running = running_here(settings)
    if running is not None:
        return {**found, "PREFECT_API_URL": running.api}
    raise ConfigurationError(
        "no Prefect API is configured, and mfn up is not running here.",
        remedy="Start mfn up, or set PREFECT_API_URL, e.g. to http://127.0.0.1:4200/api (prefect server start).",
    )


def server_here(environ: Mapping[str, str]) -> tuple[str, int, dict[str, str]]:
    """The host and port on which a Prefect server of this machine listens, and what it is shown, by Prefect's settings.

    Args:
        environ: The environment for the `prefect` program.
    """
    known = _settings(environ, "--show-defaults", "--show-secrets")
    shown = {name: known[name] for name in SHOWN if known.get(name)}
    return known["PREFECT_SERVER_API_HOST"], int(known["PREFECT_SERVER_API_PORT"]), shown


def _settings(environ: Mapping[str, str], *options: str) -> dict[str, str]:
    """Prefect's settings that have a value and differ from their defaults, or all of them with `--show-defaults`."""
    shown = subprocess.run(  # noqa: S603 - the program beside this one, with words of our own
        [prefect_program(), "config", "view", *options, "-o", "json"],
        capture_output=True,
        text=True,
        env=dict(environ),
        check=False,
    )
    if shown.returncode != 0:
        lines = [line.strip() for line in (shown.stderr.strip() or shown.stdout.strip() or "no output").splitlines()]
        said = " ".join([line for line in lines if not line.startswith(SEE_ALSO)][-FAULT_LINES:])
        raise ConfigurationError(
            f"prefect config view failed: {said}",
            remedy="Correct that setting where it was set: a variable PREFECT_…, .env, or prefect config set.",
        )
    found = {entry["name"]: str(entry["value"]) for entry in json.loads(shown.stdout)["settings"]}
    return {name: value for name, value in found.items() if value != "None"}
