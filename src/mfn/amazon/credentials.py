"""The three secrets with which a connection calls Amazon, from the environment, from files, or a Prefect secret block.

Their names are those that users of python-amazon-sp-api know. The Prefect block is read over Prefect's REST API, route
`/block_types/slug/{slug}/block_documents/name/{name}` of Prefect 3.9.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import httpx

from mfn.errors import ConfigurationError, Problem
from mfn.prefect_api import ENDS_IN_API, LETS_NOBODY_IN, SHOW_IT, is_of_prefect, prefect_client
from mfn.secret_files import PLACE, secret_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mfn.connection import Connection

REFRESH_TOKEN = "SP_API_REFRESH_TOKEN"  # noqa: S105 - the name of a variable
APP_ID = "LWA_APP_ID"
CLIENT_SECRET = "LWA_CLIENT_SECRET"  # noqa: S105 - the name of a variable
NAMES = (REFRESH_TOKEN, APP_ID, CLIENT_SECRET)
PREFECT_SERVER = "Set PREFECT_API_URL to a Prefect server that answers, or set credentials: env."


@dataclass(frozen=True)
class Credentials:
    """The secrets with which an application acts for a seller; the values never appear in its repr.

    Attributes:
        refresh_token: What the seller granted to the application.
        lwa_app_id: The application's client id at Login with Amazon.
        lwa_client_secret: The application's client secret; Amazon lets it expire after 180 days.
    """

    refresh_token: str = field(repr=False)
    lwa_app_id: str = field(repr=False)
    lwa_client_secret: str = field(repr=False)


def load_credentials(connection: Connection, environ: Mapping[str, str], base: Path) -> Credentials:
    """The credentials of a connection, from the source that its `credentials` names.

    Args:
        connection: Whose credentials.
        environ: Environment variables, as `mfn.settings.environment` returns them.
        base: The folder that a relative path of a secret's file starts from.

    Raises:
        ConfigurationError: Some are missing, or files that hold them cannot be used, all of which are named; or the
            Prefect block cannot be read.
    """
    kind, _, block = connection.credentials.partition(":")
    wrong: list[Problem] = []
    if kind == "env":
        found, wrong = _from_environment(connection, environ, base)
        missing = [f"{suffixed(name, connection)} (or {name})" for name in NAMES if found.get(name) == ""]
        place, remedy = PLACE, "Set what is missing in the environment or in .env; "
    else:
        found = _read_block(connection, block, environ)
        missing = [name for name in NAMES if not found[name]]
        place, remedy = f"the Prefect secret block {block}", "Add what is missing to the block's JSON object; "
    if wrong or missing:
        problems = [Problem(place, None, name, f"is missing for connection {connection.name}.") for name in missing]
        remedy += "Seller Central shows all three under Apps and Services > Develop Apps."
        raise ConfigurationError(problems=(*wrong, *problems), remedy="" if wrong else remedy)
    return Credentials(found[REFRESH_TOKEN], found[APP_ID], found[CLIENT_SECRET])


def suffixed(name: str, connection: Connection) -> str:
    """The name of a variable for one connection only, which wins over the general one."""
    return f"{name}_{connection.name.upper()}"


def _from_environment(
    connection: Connection, environ: Mapping[str, str], base: Path
) -> tuple[dict[str, str], list[Problem]]:
    """The values of the three names, empty for those that are not set; and the faults of files that hold them."""
    found: dict[str, str] = {}
    wrong: list[Problem] = []
    for name in NAMES:
        try:
            found[name] = secret_of(suffixed(name, connection), environ, base) or secret_of(name, environ, base)
        except ConfigurationError as error:
            wrong += error.problems
    return found, wrong


def _read_block(connection: Connection, block: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The values of the three names in a Prefect secret block, empty for those that it lacks."""
    where = f"connection {connection.name}: the Prefect secret block {block}"
    url = environ.get("PREFECT_API_URL", "").strip().rstrip("/")
    if not url:
        raise ConfigurationError(f"{where} cannot be read without PREFECT_API_URL.", remedy=PREFECT_SERVER)
    try:
        with prefect_client(url, environ) as client:
            response = client.get(
                f"/block_types/slug/secret/block_documents/name/{block}", params={"include_secrets": True}
            )
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"{where} cannot be read: PREFECT_API_URL does not answer ({type(error).__name__}: {error}).",
            remedy=PREFECT_SERVER,
        ) from None
    if response.status_code == httpx.codes.NOT_FOUND and not is_of_prefect(response):
        raise ConfigurationError(f"{where} cannot be read: PREFECT_API_URL is not a Prefect API.", remedy=ENDS_IN_API)
    if response.status_code != httpx.codes.OK:
        _refuse(where, response.status_code)
    try:
        value = response.json()["data"]["value"]
        value = json.loads(value) if isinstance(value, str) else value
        given = {str(name).upper().removeprefix("SP_API_"): text for name, text in value.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(
            f"{where} does not contain a JSON object.",
            remedy=f'Give it the value {{"{REFRESH_TOKEN}": "…", "{APP_ID}": "…", "{CLIENT_SECRET}": "…"}}.',
        ) from None
    return {name: _text(given.get(name.removeprefix("SP_API_"))) for name in NAMES}


def _refuse(where: str, status: int) -> NoReturn:
    if status == httpx.codes.NOT_FOUND:
        raise ConfigurationError(
            f"{where} does not exist (HTTP 404 from PREFECT_API_URL).",
            remedy="Create a Secret block of this name in the Prefect UI, or name another one in connections.yaml.",
        )
    if status in LETS_NOBODY_IN:
        raise ConfigurationError(f"{where} may not be read (HTTP {status} from PREFECT_API_URL).", remedy=SHOW_IT)
    raise ConfigurationError(f"{where} cannot be read (HTTP {status} from PREFECT_API_URL).", remedy=PREFECT_SERVER)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
