"""`mfn up`, `mfn deploy` and `mfn demo`: what concerns Prefect starts the `prefect` program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mfn.cli.output import JsonOption, print_error, print_json, print_line
from mfn.errors import MfnError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mfn.cli.programs import Programs


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("demo")(demo)
    application.command("up")(up)
    application.command("deploy")(deploy)


def up(
    reports_port: Annotated[int, typer.Option(help="The port of the report site.", min=1, max=65535)] = 8400,
    as_json: JsonOption = False,
) -> None:
    """Run everything on this machine until interrupted. Starts Prefect, the deployments and the report site."""
    from contextlib import suppress  # noqa: PLC0415 - as below
    from dataclasses import asdict  # noqa: PLC0415

    from mfn.cli.up import everything  # noqa: PLC0415 - httpx and YAML are not needed for --help
    from mfn.settings import load_settings  # noqa: PLC0415

    with suppress(KeyboardInterrupt), everything(load_settings(), reports_port=reports_port) as (running, programs):
        if as_json:
            print_json(asdict(running))
        else:
            _print_deployments(running.deployments, running.waiting)
            print_line(f"Prefect UI:  {running.ui}")
            print_line(f"report site: {running.reports}")
            print_line(f"logs:        {running.logs}")
            print_line("press Ctrl-C to stop everything")
        wait_for_end(programs)


def wait_for_end(programs: Programs) -> None:
    """Wait until one of the programs has ended, and say so on stderr: the one document was printed before.

    Args:
        programs: Those that run.

    Raises:
        typer.Exit: It did.
    """
    programs.wait()
    try:
        programs.check()
    except MfnError as error:
        print_error(error, as_json=False)
        raise typer.Exit(error.exit_code) from None


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep running until Ctrl-C, to explore the Prefect UI.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a simulated day of orders, parcels and stock. It needs no account, and nothing leaves this machine."""
    from mfn.cli.confirm import print_confirm_summary  # noqa: PLC0415 - as below
    from mfn.cli.demo import demonstration, wait_until_interrupted  # noqa: PLC0415 - FastAPI takes half a second
    from mfn.cli.imports import print_summary  # noqa: PLC0415
    from mfn.cli.inventory import print_inventory_summary  # noqa: PLC0415

    with demonstration() as done:
        reports = done.home / ".mfn" / "reports" / "index.html"
        if as_json:
            parts = {"import": done.imported, "confirm": done.confirmed, "inventory": done.pushed}
            print_json({**parts, "reports": str(reports)})
        else:
            print_summary(done.imported, look=f"cd {done.home} && mfn orders --status held")
            print_confirm_summary(done.confirmed)
            print_inventory_summary(done.pushed)
            print_line(f"all reports: {reports}")
            print_line(f"warehouse: {done.home / 'warehouse.db'}")
        if keep:
            if not as_json:
                print_line(f"Prefect UI: {done.ui}; press Ctrl-C to stop everything")
            wait_until_interrupted()


def deploy(as_json: JsonOption = False) -> None:
    """Deploy every flow for every connection. Schedules that were edited or paused in the UI stay as they are."""
    from mfn.cli.automations import NOBODY_IS_NOTIFIED  # noqa: PLC0415 - as below
    from mfn.cli.deployments import deploy as deploy_all  # noqa: PLC0415 - httpx and YAML are not needed for --help
    from mfn.cli.prefect_address import with_prefect_api  # noqa: PLC0415
    from mfn.cli.schedules import waiting_names  # noqa: PLC0415
    from mfn.settings import environment, load_settings  # noqa: PLC0415

    settings = load_settings()
    environ = with_prefect_api(settings, environment())
    names = deploy_all(settings, environ)
    at_rest = waiting_names(environ["PREFECT_API_URL"], environ)
    waiting = [name for name in names if name in at_rest]
    if as_json:
        print_json({"deployments": names, "waiting": waiting})
    else:
        _print_deployments(names, waiting)
        if settings.notification_block is None:
            print_line(NOBODY_IS_NOTIFIED)


def _print_deployments(names: Sequence[str], waiting: Collection[str]) -> None:
    for name in names:
        print_line(f"deployed {name}" + (": schedules paused until mfn check passes" if name in waiting else ""))
