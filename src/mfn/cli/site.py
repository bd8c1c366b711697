"""`mfn site`: the reports, orders and expectations as pages."""

from __future__ import annotations

from typing import Annotated

import typer

from mfn.cli.output import JsonOption, print_json, print_line
from mfn.settings import load_settings


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("site")(site)


def site(
    port: Annotated[int, typer.Option(help="The port.", min=0, max=65535)] = 8400,
    host: Annotated[str, typer.Option(help="The address to listen on; there is no login.")] = "127.0.0.1",
    as_json: JsonOption = False,
) -> None:
    """Serve the report site until interrupted. It shows the ledger's runs, orders and expectations."""
    from mfn.site.serving import serve  # noqa: PLC0415 - FastAPI takes half a second

    settings = load_settings()

    def show(url: str) -> None:
        if as_json:
            print_json({"reports": url})
        else:
            print_line(f"report site of {settings.home} at {url}; press Ctrl-C to stop it")

    serve(settings, host, port, on_ready=show)
