"""connections.yaml: one entry a seller account and region, checked as a whole, every fault named with its line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from mfn.amazon.marketplaces import BY_NAME, Marketplace, Region, find_marketplace
from mfn.errors import ConfigurationError, Problem, shown_path
from mfn.settings import Settings, resolve_database_url

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = re.compile(r"[a-z][a-z0-9_]*")
CREDENTIALS = re.compile(r"env|prefect:[a-z0-9][a-z0-9-]*")


def _marketplaces(values: Any) -> list[Marketplace]:
    """Marketplaces from their names or ids: every unknown one, and a mix of regions, at once."""
    if not isinstance(values, list):
        raise ValueError(f"expected a list of names or ids, got {values!r}")  # noqa: TRY004 - pydantic collects these
    found = {str(value): find_marketplace(str(value)) for value in values}
    unknown = [name for name, marketplace in found.items() if marketplace is None]
    known = [marketplace for marketplace in found.values() if marketplace is not None]
    regions = sorted({marketplace.region for marketplace in known})
    faults = []
    if unknown:
        valid = ", ".join(BY_NAME)
        faults.append(f"no marketplace is called {', '.join(unknown)}; valid values are: {valid}, or Amazon's id")
    if len(regions) > 1:
        faults.append(f"all marketplaces of a connection belong to one region, these are of {', '.join(regions)}")
    if faults:
        raise ValueError("; ".join(faults))
    return known


def _credentials(value: str) -> str:
    if not CREDENTIALS.fullmatch(value):
        raise ValueError("expected env or prefect:<secret-block>; a secret itself does not belong into this file")
    return value


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s:]+(:\d{1,5})?/?", value):
        raise ValueError(f"expected a base URL such as http://127.0.0.1:8480, got {value!r}")
    return value.rstrip("/")


def _database_url(value: str, info: ValidationInfo) -> str:
    try:
        return resolve_database_url(value, info.context or Path.cwd(), setting="warehouse.url")
    except ConfigurationError as error:
        raise ValueError(f"{error.message} {error.remedy}".rstrip(".")) from None


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Warehouse(_Section):
    """Where orders go: the SQL database that the warehouse reads and writes."""

    kind: Literal["sql"] = "sql"
    url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///.mfn/warehouse.db"


class Orders(_Section):
    """How orders are fetched and when a run raises the alarm."""

    initial_lookback_days: Annotated[float, Field(gt=0, le=730)] = 7
    overlap_minutes: Annotated[float, Field(ge=0, le=1440)] = 15
    not_before: Annotated[datetime, AfterValidator(_utc)] | None = None
    allow_programs: list[str] = []
    hold_alarm_percent: Percent = 50


class Shipments(_Section):
    """What becomes of a carrier that nothing maps."""

    unlisted_carrier: Literal["other", "hold"] = "other"


class Inventory(_Section):
    """How stock levels are computed and when a push is not believed."""

    buffer_units: Annotated[int, Field(ge=0)] = 0
    buffer_percent: Percent = 0
    minimum_units: Annotated[int, Field(ge=0)] = 0
    maximum_units: Annotated[int, Field(ge=0)] | None = None
    maximum_age_hours: Annotated[float, Field(gt=0)] | None = None
    brake_percent: Percent = 50


class Privacy(_Section):
    """How long buyers' data is kept; Amazon allows 30 days after delivery at most."""

    retention_days: Annotated[int, Field(ge=0, le=30)] = 30
    scrub_warehouse: bool = False


class Alerts(_Section):
    """When somebody is told."""

    held_orders: Annotated[int, Field(ge=0)] = 20
    ship_by_hours: Annotated[float, Field(ge=0)] = 12
    no_import_minutes: Annotated[float, Field(gt=0)] = 60


class Connection(_Section):
    """One seller account in one region, and its warehouse."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str = ""
    seller_id: Annotated[str, Field(min_length=1)]
    marketplaces: Annotated[list[Marketplace], BeforeValidator(_marketplaces), Field(min_length=1)]
    credentials: Annotated[str, AfterValidator(_credentials)] = "env"
    endpoint: BaseUrl | None = None
    lwa_endpoint: BaseUrl | None = None
    warehouse: Warehouse = Warehouse()
    orders: Orders = Orders()
    shipments: Shipments = Shipments()
    inventory: Inventory = Inventory()
    privacy: Privacy = Privacy()
    alerts: Alerts = Alerts()

    @property
    def region(self) -> Region:
        """The region of its marketplaces."""
        return self.marketplaces[0].region

    @property
    def account(self) -> str:
        """Whose calls Amazon counts: the seller at an endpoint, shared by every connection of theirs."""
        return f"{self.seller_id} at {self.endpoint or self.region}"

    @property
    def marketplace_ids(self) -> list[str]:
        """Amazon's ids of its marketplaces."""
        return [marketplace.marketplace_id for marketplace in self.marketplaces]


def load_connections(settings: Settings) -> dict[str, Connection]:
    """Every connection of the connections file.

    Args:
        settings: The settings in force.

    Returns:
        Connections by name, warehouse URLs resolved.

    Raises:
        ConfigurationError: The file is missing or wrong; every fault at once as file:line with its key and remedy.
    """
    return dict(_checked(settings.connections, _read(settings.connections)))


@lru_cache(maxsize=8)  # every step of a run asks for the same text
def _checked(path: Path, text: str) -> Mapping[str, Connection]:
    shown = shown_path(path)
    document = _parse(shown, text)
    problems: list[Problem] = []
    entries = document.get("connections") if isinstance(document, CommentedMap) else None
    if not isinstance(entries, CommentedMap) or not entries:
        raise ConfigurationError(
            problems=(
                Problem(
                    shown,
                    1,
                    "connections",
                    "expected a mapping with one entry a connection.",
                    "Run mfn init for an example.",
                ),
            )
        )
    problems += [
        Problem(shown, _line(document, (key,)), str(key), "unknown key; valid keys are: connections.")
        for key in document
        if key != "connections"
    ]
    connections = {}
    for name, entry in entries.items():
        found = _check(path, name, entry, entries)
        if isinstance(found, Connection):
            connections[found.name] = found
        else:
            problems += found
    if problems:
        raise ConfigurationError(problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)))
    return connections


def find_connection(settings: Settings, name: str) -> Connection:
    """One connection by its name.

    Raises:
        ConfigurationError: The file is wrong, or has no such connection.
    """
    connections = load_connections(settings)
    if name not in connections:
        raise ConfigurationError(
            f"{shown_path(settings.connections)} has no connection {name!r}; it has: {', '.join(connections)}.",
            remedy="Name one of these, or add an entry to the file.",
        )
    return connections[name]


def _read(path: Path) -> str:
    shown = shown_path(path)
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(
            f"{shown} is not there.", remedy="Run mfn init for an example, or set MFN_CONNECTIONS to where yours is."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"{shown} cannot be read: {error.strerror}.", remedy="Check its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{shown} is not UTF-8 (byte {error.start}).", remedy="Save it as UTF-8.") from None


def _parse(shown: str, text: str) -> Any:
    try:
        return YAML().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ConfigurationError(
            problems=(Problem(shown, line, None, f"not valid YAML: {error.problem or error.context}."),)
        ) from None


def _check(path: Path, name: Any, entry: Any, entries: CommentedMap) -> Connection | list[Problem]:
    shown = shown_path(path)
    line = _line(entries, (name,))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return [
            Problem(
                shown,
                line,
                f"connections.{name}",
                "a connection's name is lower case letters, digits and underscores, a letter first.",
            )
        ]
    if not isinstance(entry, CommentedMap):
        return [Problem(shown, line, f"connections.{name}", "expected a mapping with seller_id and marketplaces.")]
    plain = {key: value for key, value in entry.items() if value is not None or key in {"endpoint", "lwa_endpoint"}}
    if "name" in plain:
        return [Problem(shown, _line(entry, ("name",)), f"connections.{name}.name", "unknown key.")]
    try:
        return Connection.model_validate({"warehouse": {}} | _plain(plain) | {"name": name}, context=path.parent)
    except ValidationError as error:
        return [_problem(shown, name, entry, found) for found in error.errors()]


def _problem(shown: str, name: str, entry: CommentedMap, found: Any) -> Problem:
    where = tuple(found["loc"])
    key = ".".join(str(part) for part in ("connections", name, *where))
    message = str(found["msg"]).removeprefix("Value error, ")
    got = "" if where[0] == "warehouse" else f", got {found['input']!r}"  # its URL may hold a password
    if found["type"] == "extra_forbidden":
        model: Any = Connection
        for part in where[:-1]:
            model = model.model_fields[part].annotation
        valid = ", ".join(field for field in model.model_fields if field != "name")
        message = f"unknown key; valid keys are: {valid}"
    elif found["type"] == "missing":
        message = "is required and missing"
    elif found["type"] == "string_type":
        message += f"{got}: put it in quotes"
    elif found["type"] != "value_error":
        message += got
    return Problem(shown, _line(entry, where), key, message + ".")


def _line(node: Any, where: tuple[Any, ...]) -> int | None:
    """The line, from 1, of the deepest part of a path that the file has."""
    line = node.lc.line + 1 if isinstance(node, CommentedMap | CommentedSeq) else None
    for part in where:
        try:
            line = node.lc.key(part)[0] + 1 if isinstance(node, CommentedMap) else node.lc.item(part)[0] + 1
            node = node[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    return [_plain(entry) for entry in value] if isinstance(value, list) else value
