"""A connection: one seller account in one region, its warehouse, and how data moves between them; frozen, checked."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from mfn.amazon.marketplaces import BY_NAME, Marketplace, Region, find_marketplace
from mfn.database.urls import resolve_database_url
from mfn.errors import ConfigurationError
from mfn.moments import in_utc

CREDENTIALS = re.compile(r"env|prefect:[a-z0-9][a-z0-9-]*")
QUEUE_REGION = re.compile(r"https?://sqs\.(?P<region>[a-z]{2}(-[a-z]+)+-\d+)\.")
MOST_PORT = 65_535
QUEUE_EXAMPLE = "e.g. https://sqs.us-east-1.amazonaws.com/123456789012/mfn-orders"


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
        faults.append(f"all marketplaces of a connection must be in one region, these are in {', '.join(regions)}")
    if faults:
        raise ValueError("; ".join(faults))
    return list(dict.fromkeys(known))  # one may be given twice, also by its id


def credentials_that_fit(value: str) -> str:
    """Check where a connection's secrets are to come from; ValueError if it is neither of the two forms."""
    if not CREDENTIALS.fullmatch(value):
        raise ValueError("expected env or prefect:<secret-block>; a secret itself does not belong in this file")
    return value


def _moment(value: Any) -> Any:
    """A time as a person writes it; a number is refused, although it could count seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value)):
        return value
    raise ValueError(f"expected a time such as 2026-11-27T08:00:00Z, got {value!r}")


def _in_utc(value: datetime) -> datetime:
    try:
        return in_utc(value)
    except OverflowError:
        raise ValueError(f"{value} is not a valid time in UTC") from None


def _merchant_token(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value):  # a blank that was copied along would make it a different account
        raise ValueError(f"expected a merchant token such as A2XXXXXXXXXXXX, without a space, got {value!r}")
    return value


def _base_url(value: str) -> str:
    found = re.fullmatch(r"https?://([^/\s:@\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?/?", value)
    if not found or not 0 < int(found["port"] or 1) <= MOST_PORT:
        got = "one with a user or a password" if "@" in value else repr(value)
        raise ValueError(f"expected a base URL such as http://127.0.0.1:8480, got {got}")
    return value.rstrip("/")


def _program(value: str) -> str:
    name = value.strip().upper()
    if not re.fullmatch(r"[A-Z0-9_]+", name):
        raise ValueError(f"expected a programme as Amazon writes it, such as DELIVERY_BY_AMAZON, got {value!r}")
    return name


def _queue_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+/[^/\s]+/[^/\s]+", value):
        raise ValueError(f"expected the URL of an SQS queue, {QUEUE_EXAMPLE}, got {value!r}")
    if value.endswith(".fifo"):
        raise ValueError("is a FIFO queue, but Amazon sends to standard queues only")
    return value


def _database_url(value: str, info: ValidationInfo) -> str:
    try:
        return resolve_database_url(value, info.context or Path.cwd(), setting="warehouse.url")
    except ConfigurationError as error:
        raise ValueError(f"{error.message} {error.remedy}".rstrip(".")) from None


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100)]
Units = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]
"""So small that even the product of two fits into an integer column."""
MOST_HOURS = 1_000_000
"""A century: more cannot be subtracted from now."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Warehouse(_Section):
    """The SQL database that the warehouse reads and writes."""

    kind: Literal["sql"] = "sql"
    url: Annotated[str, AfterValidator(_database_url), Field(repr=False)] = "sqlite:///.mfn/warehouse.db"  # a password


class Orders(_Section):
    """How orders are fetched and when a run raises the alarm."""

    initial_lookback_days: Annotated[float, Field(strict=True, gt=0, le=730)] = 7
    overlap_minutes: Annotated[float, Field(strict=True, ge=0, le=1440)] = 15
    not_before: Annotated[datetime, BeforeValidator(_moment), AfterValidator(_in_utc)] | None = None
    allow_programs: list[Annotated[str, AfterValidator(_program)]] = []
    hold_alarm_percent: Percent = 50


class Shipments(_Section):
    """What happens to an unmapped carrier."""

    unlisted_carrier: Literal["other", "hold"] = "other"


class Inventory(_Section):
    """How stock levels are computed and when a push is not believed."""

    buffer_units: Units = 0
    buffer_percent: Percent = 0
    minimum_units: Units = 0
    maximum_units: Units | None = None
    maximum_age_hours: Annotated[float, Field(strict=True, gt=0, le=MOST_HOURS)] | None = None
    brake_percent: Percent = 50


class Privacy(_Section):
    """How long buyers' data is kept; Amazon allows 30 days after delivery at most."""

    retention_days: Annotated[int, Field(strict=True, ge=0, le=30)] = 30
    scrub_warehouse: bool = False


class Alerts(_Section):
    """When alerts are sent."""

    held_orders: Annotated[int, Field(strict=True, ge=0)] = 20
    ship_by_hours: Annotated[float, Field(strict=True, ge=0, le=MOST_HOURS)] = 12
    no_import_minutes: Annotated[float, Field(strict=True, gt=0, le=MOST_HOURS * 60)] = 60


class Notifications(_Section):
    """The SQS queue on which Amazon names changed orders; without one the import finds orders by search alone.

    boto3 finds AWS credentials in its usual places. The region is that of the queue's URL, if it names one.
    """

    queue_url: Annotated[str, AfterValidator(_queue_url)] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d+$")] | None = None
    endpoint: BaseUrl | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_region(cls, values: Any) -> Any:
        url = values.get("queue_url") if isinstance(values, dict) else None
        if isinstance(url, str) and not values.get("region") and (found := QUEUE_REGION.match(url)):
            return {**values, "region": found["region"]}
        return values


class Connection(_Section):
    """One seller account in one region, and its warehouse."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str = ""
    seller_id: Annotated[str, AfterValidator(_merchant_token)]
    marketplaces: Annotated[list[Marketplace], BeforeValidator(_marketplaces), Field(min_length=1)]
    credentials: Annotated[str, AfterValidator(credentials_that_fit)] = "env"
    endpoint: BaseUrl | None = None
    lwa_endpoint: BaseUrl | None = None
    warehouse: Warehouse = Field(default_factory=Warehouse)  # it looks at the working directory
    orders: Orders = Orders()
    shipments: Shipments = Shipments()
    inventory: Inventory = Inventory()
    privacy: Privacy = Privacy()
    alerts: Alerts = Alerts()
    notifications: Notifications = Notifications()

    @property
    def region(self) -> Region:
        """The region of its marketplaces."""
        return self.marketplaces[0].region

    @property
    def account(self) -> str:
        """The account whose calls Amazon counts: a seller at an endpoint, shared by all their connections."""
        return f"{self.seller_id} at {self.endpoint or self.region}"

    @property
    def marketplace_ids(self) -> list[str]:
        """Amazon's ids of its marketplaces."""
        return [marketplace.marketplace_id for marketplace in self.marketplaces]
