"""`mfn init`, `mfn settings`, `mfn mappings check` and `mfn simulate`: from nothing to a connection that works."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy.engine import make_url

from mfn.cli.output import JsonOption, print_json, print_line, print_table
from mfn.errors import ConfigurationError, MfnError
from mfn.file_faults import writing_remedy
from mfn.moments import iso_seconds
from mfn.settings import describe_settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

mappings = typer.Typer(help="Check the mapping files.", no_args_is_help=True)

CONNECTIONS = """\
# One entry per seller account and region. All keys are described in README.md, "connections.yaml".
connections:
  us:
    seller_id: A2XXXXXXXXXXXX             # Seller Central > Account Info > Merchant Token
    marketplaces: [US]                    # names or ids, all in one region
    credentials: env                      # SP_API_REFRESH_TOKEN, LWA_APP_ID and LWA_CLIENT_SECRET, see .env.example
    warehouse: {{kind: sql, url: "sqlite:///.mfn/warehouse.db"}}
    orders:
      not_before: {now}    # orders placed earlier are left to the previous system
"""

ENVIRONMENT = """\
# Copy this file to .env and fill it in. A name may end in that of a connection, for example SP_API_REFRESH_TOKEN_US.
SP_API_REFRESH_TOKEN=
LWA_APP_ID=
LWA_CLIENT_SECRET=
"""


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("init")(init)
    application.command("settings")(settings)
    application.command("simulate")(simulate)
    application.add_typer(mappings, name="mappings")


def init(as_json: JsonOption = False) -> None:
    """Write connections.yaml, .env.example and a new ledger. Encryption keys come with it; nothing is overwritten."""
    from mfn.ledger.opening import open_ledger  # noqa: PLC0415 - so that --help answers at once

    current = load_settings()
    written = []
    now = iso_seconds(datetime.now(UTC))
    texts = {current.connections: CONNECTIONS.format(now=now), Path.cwd() / ".env.example": ENVIRONMENT}
    for path, text in texts.items():
        if not path.exists():
            _write(path, text)
            written.append(path)
    current = load_settings()  # the connections file that is there now decides where relative paths begin
    ledger = make_url(current.ledger_url.get_secret_value())
    files = [Path(ledger.database or "")] if ledger.get_backend_name() == "sqlite" else []
    made = [path for path in (current.keys_file, *files) if not path.exists()]
    open_ledger(current)
    written += [path for path in made if path.exists()]
    if as_json:
        print_json({"written": [str(path) for path in written]})
        return
    for path in written:
        print_line(f"wrote {path}")
    if not written:
        print_line("all files exist already; nothing was written")
    print_line(f"next: fill in {current.connections.name} and .env, then: mfn check (docs/setup.md)")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # secrets go into both files, or into what is copied from them
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.",
            remedy=writing_remedy(
                error, "Run it in a folder where this user may write, or set MFN_CONNECTIONS to a file in one."
            ),
        ) from None


def settings(as_json: JsonOption = False) -> None:
    """Print every setting, its origin and its meaning. Secrets are masked."""
    rows = describe_settings(load_settings())
    if as_json:
        print_json({"settings": rows})
    else:
        print_table(("setting", "value", "origin", "meaning"), [tuple(row.values()) for row in rows])


@mappings.command("check")
def check(as_json: JsonOption = False) -> None:
    """Check every mapping file. Lists all bad rows at once."""
    from mfn.steps.mappings.check import check_all_mappings, empty_warehouses  # noqa: PLC0415 - pandas takes a second

    current = load_settings()
    problems = check_all_mappings(current)
    if as_json:
        errors = [vars(problem) for problem in problems]
        combined = ConfigurationError(problems=tuple(problems))
        print_json({"errors": errors} | ({"error": combined.message, "remedy": combined.remedy} if problems else {}))
    else:
        for problem in problems:
            print_line(str(problem))
        print_line(f"{len(problems)} to correct" if problems else f"{current.mappings}: no errors")
        for name in empty_warehouses(current) if not problems else ():
            print_line(f"not compared with the warehouse of {name}: its wms_item or wms_ship_method is empty")
    if problems:
        raise typer.Exit(1)


def simulate(
    *,
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1.", min=0, max=65535)] = 8480,
    orders: Annotated[int, typer.Option(help="The number of orders in the day.", min=0, max=1_000_000)] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same orders.")] = 1,
    speed: Annotated[
        float, typer.Option(help="How many times faster than real time passes and rate budgets refill.", min=0.001)
    ] = 1.0,
    notifications: Annotated[
        str | None, typer.Option(help="The URL of an SQS queue that gets a notification of every order change.")
    ] = None,
    notifications_endpoint: Annotated[
        str | None, typer.Option(help="Another base URL for SQS, for example a local one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Serve a local Amazon until interrupted."""
    from mfn.simulator.server import DEMO_SELLER, serve  # noqa: PLC0415 - FastAPI takes half a second

    def show(endpoint: str) -> None:
        if as_json:
            print_json({"endpoint": endpoint, "seller_id": DEMO_SELLER})
        else:
            print_line(f"local Amazon with {orders} orders at {endpoint}; press Ctrl-C to stop it")
            print_line(f"in connections.yaml: seller_id: {DEMO_SELLER}, endpoint and lwa_endpoint: {endpoint}")
            print_line("    remove orders.not_before, which mfn init wrote: these orders are older")
            print_line("in .env: SP_API_REFRESH_TOKEN, LWA_APP_ID and LWA_CLIENT_SECRET, each with any text")

    changes = _sender(notifications, notifications_endpoint) if notifications else None
    serve(port=port, orders=orders, seed=seed, speed=speed, on_ready=show, notify=changes)


def _sender(queue_url: str, endpoint: str | None) -> Callable[[dict[str, Any]], None]:
    """What puts a notification on a queue; where that fails, it says so and the local Amazon goes on."""
    from pydantic import ValidationError  # noqa: PLC0415 - only with --notifications

    from mfn.connection import Notifications  # noqa: PLC0415
    from mfn.notifications.reading import open_queue  # noqa: PLC0415

    try:
        queue = open_queue(Notifications(queue_url=queue_url, endpoint=endpoint))
    except ValidationError as error:
        text = "; ".join(str(found["msg"]).removeprefix("Value error, ") for found in error.errors())
        raise ConfigurationError(f"{text}.", remedy="Correct --notifications or --notifications-endpoint.") from None

    def send(payload: dict[str, Any]) -> None:
        try:
            queue.send(payload)
        except MfnError as error:
            log.warning("a notification was not sent: %s", error.message)

    return send
