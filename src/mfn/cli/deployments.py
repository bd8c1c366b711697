"""Rendering prefect.yaml for every connection, and deploying it to the configured Prefect API."""

from __future__ import annotations

import logging
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from ruamel.yaml import YAML

from mfn.cli.automations import keep_automations, notification_block_id, ui_url_of
from mfn.cli.prefect_answers import ask, ask_all
from mfn.cli.project import prefect_program, project_root
from mfn.cli.schedules import WAITS, resume_checked, spread, unchecked
from mfn.connections import load_connections
from mfn.errors import ConfigurationError, FatalError, Problem, shown_path
from mfn.file_faults import reading_fault
from mfn.http_environment import directly_here
from mfn.prefect_api import prefect_client, shown_url
from mfn.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from mfn.settings import Settings

log = logging.getLogger(__name__)

WORK_POOL = "mfn"
REQUIRED = ("name", "entrypoint", "work_pool")
"""What a deployment of prefect.yaml has to have."""


def deploy(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Deploy every flow for every connection; schedules that were edited or paused in the UI stay as they are.

    The schedules of a connection that has never passed `mfn check` are deployed as paused, and start once it has. The
    automations that alert people are updated too. Deployments for connections that no longer exist are left unchanged,
    and reported.

    Args:
        settings: The settings in force.
        environ: The environment for the `prefect` program, as `with_prefect_api` gives it.

    Returns:
        The deployments as `flow/name`.

    Raises:
        ConfigurationError: connections.yaml is wrong, the Prefect API lets nobody in, or it has no such notification
            block.
        RetriableError: The Prefect API cannot be reached.
        FatalError: `prefect deploy` failed.
    """
    root = project_root()
    document = _read_definitions(root / "prefect.yaml")
    connections = load_connections(settings)
    rendered = render(document, connections, work_pool=settings.work_pool)
    names = [f"{_flow_name(root, entry)}/{entry['name']}" for entry in rendered["deployments"]]
    api = environ["PREFECT_API_URL"]
    resting = unchecked(settings, connections)
    ui_url = ui_url_of(api, environ)
    with prefect_client(api, environ) as client:
        block_id = notification_block_id(client, settings, ui_url)
        _ensure_work_pool(client, settings.work_pool, environ)
        for name, entry in zip(names, rendered["deployments"], strict=True):
            if (found := _found(client, name)) is not None:
                entry.pop("schedules", None)  # those on the server may have been edited there
                entry["tags"] = found["tags"]
                entry["paused"] = found["paused"]  # which prefect deploy would end
            elif entry.get("parameters", {}).get("connection") in resting and entry["schedules"]:
                entry["schedules"] = [{**schedule, "active": False} for schedule in entry["schedules"]]
                entry["tags"] = [*entry.get("tags", ()), WAITS]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prefect.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(rendered, file)
        _run_prefect(["deploy", "--all", "--prefect-file", str(path)], root, environ)
    resume_checked(settings, api, environ)
    flows = {name.partition("/")[0] for name in names}
    with prefect_client(api, environ) as client:
        keep_automations(client, settings, connections, flows=flows, block_id=block_id, ui_url=ui_url)
        for name, left in _left_over(client, flows, connections).items():
            log.warning(
                "%s has no connection %s, but its deployments still exist and all their runs fail. Add the"
                " connection again, or delete the deployments: %s",
                shown_path(settings.connections),
                name,
                " && ".join(f"prefect deployment delete {one}" for one in left),
            )
    return names


def _read_definitions(path: Path) -> dict[str, Any]:
    """The content of prefect.yaml.

    Raises:
        ConfigurationError: It cannot be read, is no YAML, or has no list of deployments.
    """
    shown = shown_path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(problems=(Problem(shown, None, None, *reading_fault(path, error)),)) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown} is not UTF-8.", remedy="Save it as UTF-8.") from None
    document = parse_yaml(text, shown)
    if isinstance(document, Problem):
        raise ConfigurationError(problems=(document,))
    entries = document.get("deployments") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problem = Problem(shown, 1, "deployments", "expected a list of deployments.", "Restore the project's file.")
        raise ConfigurationError(problems=(problem,))
    for entry in entries:
        if missing := [key for key in REQUIRED if key not in entry]:
            problem = Problem(shown, None, f"deployments.{entry.get('name', '?')}", f"lacks {', '.join(missing)}.")
            raise ConfigurationError(problems=(problem,))
    return dict(document)


def render(document: Mapping[str, Any], connections: Iterable[str], *, work_pool: str = WORK_POOL) -> dict[str, Any]:
    """prefect.yaml with every deployment that names a connection repeated for each connection.

    The schedules of each connection start at times of its own.

    Args:
        document: The content of prefect.yaml.
        connections: The connections' names.
        work_pool: The work pool that all of them go to.
    """
    names = list(connections)
    deployments = []
    for written in document["deployments"]:
        entry = {**written, "work_pool": {**written["work_pool"], "name": work_pool}}
        if "connection" not in entry.get("parameters", {}):
            deployments.append(entry)
            continue
        example = entry["parameters"]["connection"]
        deployments += [
            {
                **entry,
                "name": name,
                "description": re.sub(rf"\bof {example}\b", f"of {name}", entry.get("description", "")),
                "parameters": {**entry["parameters"], "connection": name},
                "schedules": [
                    spread(schedule, over=f"{entry['entrypoint']} {schedule['slug']} {name}")
                    for schedule in entry.get("schedules", ())
                ],
            }
            for name in names
        ]
    return {**{key: value for key, value in document.items() if key != "definitions"}, "deployments": deployments}


def _flow_name(root: Path, entry: Mapping[str, Any]) -> str:
    """Flows have the name of their function, with dashes; a test loads each entrypoint and compares."""
    if not (root / entry["entrypoint"].split(":")[0]).is_file():
        raise ConfigurationError(
            f"the entrypoint {entry['entrypoint']} in prefect.yaml does not exist.", remedy="Correct the entrypoint."
        )
    return str(entry["entrypoint"].split(":")[1]).replace("_", "-")


def _ensure_work_pool(client: httpx.Client, name: str, environ: Mapping[str, str]) -> None:
    if ask(client, "GET", f"/work_pools/{name}", allowed=(httpx.codes.NOT_FOUND,)).status_code != httpx.codes.NOT_FOUND:
        return
    if name != WORK_POOL:  # of which type is not for us to guess
        raise ConfigurationError(
            f"the work pool {name} of MFN_WORK_POOL does not exist at the Prefect API at {shown_url(client.base_url)}.",
            remedy=f"Create it (prefect work-pool create {name} --type TYPE), or correct MFN_WORK_POOL.",
        )
    _run_prefect(["work-pool", "create", name, "--type", "process"], project_root(), environ)


def _found(client: httpx.Client, name: str) -> dict[str, Any] | None:
    answer = ask(client, "GET", f"/deployments/name/{name}", allowed=(httpx.codes.NOT_FOUND,))
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    found: dict[str, Any] = answer.json()
    return found


def _left_over(client: httpx.Client, flows: Collection[str], connections: Collection[str]) -> dict[str, list[str]]:
    """Deployments of these flows for connections that are not there, as `flow/name`, by connection."""
    left: dict[str, list[str]] = {}
    for flow in sorted(flows):
        for deployment in ask_all(client, "/deployments/filter", {"flows": {"name": {"any_": [flow]}}}):
            name = deployment["parameters"].get("connection")
            if name is not None and name not in connections:
                left.setdefault(str(name), []).append(f"{flow}/{deployment['name']}")
    return left


def _run_prefect(words: list[str], root: Path, environ: Mapping[str, str]) -> None:
    ran = subprocess.run(  # noqa: S603 - the program beside this one, with words of our own
        [prefect_program(), "--no-prompt", *words],
        cwd=root,
        env={**directly_here(environ), "PWD": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    log.debug("prefect %s said:\n%s%s", " ".join(words), ran.stdout, ran.stderr)
    if ran.returncode != 0:
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise FatalError(
            f"prefect {' '.join(words[:2])} failed: {said[-1] if said else 'no output'}",
            remedy="Run the command again; what was deployed stays. With --debug it shows all output of prefect.",
        )
