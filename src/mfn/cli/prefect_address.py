"""Where the Prefect API is: what is configured, or the `mfn up` that runs here."""

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


def prefect_api_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """The Prefect API: `PREFECT_API_URL`, else that of Prefect's profile, else that of the `mfn up` that runs here.

    Args:
        settings: The settings in force.
        environ: The environment, with `.env` below it (`mfn.settings.environment`).

    Raises:
        ConfigurationError: None of them names one.
    """
    if environ.get("PREFECT_API_URL"):
        return environ["PREFECT_API_URL"]
    configured = _settings(environ).get("PREFECT_API_URL")
    if configured:
        return configured
    running = running_here(settings)
    if running is not None:
        return running.api
    raise ConfigurationError(
        "no Prefect API is configured, and no mfn up runs here.",
        remedy="Start mfn up, or set PREFECT_API_URL, e.g. to http://127.0.0.1:4200/api (prefect server start).",
    )


def server_address(environ: Mapping[str, str]) -> tuple[str, int]:
    """The host and port on which a Prefect server of this machine listens, by Prefect's own settings.

    Args:
        environ: The environment for the `prefect` program.
    """
    known = _settings(environ, "--show-defaults")
    return known["PREFECT_SERVER_API_HOST"], int(known["PREFECT_SERVER_API_PORT"])


def _settings(environ: Mapping[str, str], *options: str) -> dict[str, str]:
    """Prefect's settings that differ from their defaults, or all of them with `--show-defaults`."""
    shown = subprocess.run(  # noqa: S603 - the program beside this one, with words of our own
        [prefect_program(), "config", "view", *options, "-o", "json"],
        capture_output=True,
        text=True,
        env=dict(environ),
        check=False,
    )
    if shown.returncode != 0:
        lines = [
            line.strip() for line in (shown.stderr.strip() or shown.stdout.strip() or "it said nothing").splitlines()
        ]
        said = " ".join([line for line in lines if not line.startswith(SEE_ALSO)][-FAULT_LINES:])
        raise ConfigurationError(
            f"prefect config view failed: {said}",
            remedy="Mend that setting where it was made: a variable PREFECT_…, .env, or prefect config set.",
        )
    return {entry["name"]: str(entry["value"]) for entry in json.loads(shown.stdout)["settings"]}
