"""`mfn up`: a Prefect server, a work pool, a worker and the report site on one machine, until interrupted."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mfn.amazon.credentials import NAMES
from mfn.cli.deployments import deploy
from mfn.cli.prefect_address import server_here
from mfn.cli.prefect_answers import PAGE, ask
from mfn.cli.programs import SERVER, Programs, end_as_asked
from mfn.cli.project import project_root
from mfn.cli.running import (
    flow_runs_of,
    running_here,
    stop_processes,
    with_children,
    written_down,
)
from mfn.cli.schedules import waiting_names
from mfn.connections import load_connections
from mfn.errors import LeaseHeldError
from mfn.ledger.opening import open_ledger
from mfn.prefect_api import prefect_client
from mfn.serving import listen
from mfn.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mfn.settings import Settings

CUT_OFF = "mfn up was restarted, which ended this run. The next run resumes its batch: see mfn batches."
PUT_BACK = "mfn up was restarted before this run began; it was returned to the queue."


@dataclass(frozen=True)
class Up:
    """What runs.

    Attributes:
        ui: Where the Prefect UI is.
        api: Where Prefect's API is.
        reports: Where the report site is.
        deployments: Every deployment as `flow/name`.
        waiting: Those whose schedules begin once their connection has passed `mfn check`.
        logs: The folder of the programs' logs.
    """

    ui: str
    api: str
    reports: str
    deployments: list[str]
    waiting: list[str]
    logs: Path


@contextmanager
def everything(settings: Settings, *, reports_port: int) -> Iterator[tuple[Up, Programs]]:
    """Start everything on this machine, and stop all of it when the block ends.

    Prefect's database and the ledger are the user's own: what was in them before is still there.

    Args:
        settings: The settings in force.
        reports_port: The port of the report site.

    Yields:
        What runs, and the programs to wait for.

    Raises:
        ConfigurationError: Settings or connections are wrong, or a port is taken.
        LeaseHeldError: It runs here already.
        FatalError: A program did not start, or ended.
        RetriableError: The ledger cannot be reached.
    """
    end_as_asked()
    load_connections(settings)
    open_ledger(settings)
    if running := running_here(settings):
        raise LeaseHeldError(
            f"mfn up is already running here, as process {running.up.pid}.",
            remedy="Use that one, or stop it first with Ctrl-C in its terminal.",
        )
    _stop_orphans(settings)
    environ = {**SERVER, **_environ(settings)}
    host, port, shown_to_it = server_here(environ)
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    ui, reports = f"http://{shown}:{port}", f"http://127.0.0.1:{reports_port}"
    ports = ((host, port, "PREFECT_SERVER_API_PORT"), ("127.0.0.1", reports_port, "--reports-port"))
    with ExitStack() as held:  # both at once: a taken port, also by the other one, is an error before the start
        for place, number, setting in ports:
            held.enter_context(listen(place, number, setting=setting))
    environ |= {**shown_to_it, "MFN_REPORTS_URL": settings.reports_url or reports, "PREFECT_API_URL": f"{ui}/api"}
    programs = Programs(settings, environ, f"{ui}/api")
    stop_processes(flow_runs_of(programs.api))  # nothing listens there: they are left over
    with ExitStack() as running_programs:
        running_programs.callback(programs.stop)
        programs.start_server(host, port)
        programs.wait_for(f"{ui}/api/health")
        _settle_what_was_cut_off(programs, settings.work_pool)
        deployments = deploy(settings, environ)
        site = [str(Path(sys.executable).with_name("mfn")), "site", "--port", str(reports_port)]
        programs.start("report-site", site)
        programs.start_worker()
        programs.wait_for(f"{reports}/health")
        at_rest = waiting_names(programs.api, environ)
        waiting = [name for name in deployments if name in at_rest]
        yield Up(ui, programs.api, environ["MFN_REPORTS_URL"], deployments, waiting, programs.logs), programs


def _environ(settings: Settings) -> dict[str, str]:
    """The environment of the programs, which work in the checkout: everything that was found relative to here.

    Where that is here, each run reads the connections' secrets in `.env` itself: they may be rotated while this runs.
    """
    given = environment()
    if project_root() == Path.cwd():
        given = {name: value for name, value in given.items() if os.environ.get(name) or not name.startswith(NAMES)}
    url = settings.ledger_url.get_secret_value()
    in_file = settings.ledger_url_file
    ledger = {"MFN_LEDGER_URL": url} if in_file is None else {"MFN_LEDGER_URL_FILE": str(in_file)}
    return given | {
        **ledger,
        "MFN_HOME": str(settings.home),
        "MFN_CONNECTIONS": str(settings.connections),
        "MFN_MAPPINGS": str(settings.mappings),
    }


def _stop_orphans(settings: Settings) -> None:
    """Stop what a killed `mfn up` left running: it would serve the same runs a second time."""
    known = written_down(settings)
    if known is None:
        return
    stop_processes(flow_runs_of(known.api))
    for program in reversed(known.programs.values()):
        if (process := program.process) is not None:
            stop_processes(with_children(process))


def _settle_what_was_cut_off(programs: Programs, work_pool: str) -> None:
    """Settle runs that Prefect takes for alive although nothing works yet: begun ones died, others go back in line.

    Otherwise they would block their deployment, which allows one run at a time.
    """
    with prefect_client(programs.api, programs.environ) as client:
        for state, becomes in (
            ("RUNNING", {"type": "CRASHED", "name": "Crashed", "message": CUT_OFF}),
            ("CANCELLING", {"type": "CANCELLED", "name": "Cancelled", "message": CUT_OFF}),
            ("PENDING", {"type": "SCHEDULED", "name": "Scheduled", "message": PUT_BACK}),
        ):
            chosen = {"flow_runs": {"state": {"type": {"any_": [state]}}}, "limit": PAGE}
            of_pool = {"work_pools": {"name": {"any_": [work_pool]}}}
            while runs := ask(client, "POST", "/flow_runs/filter", {**chosen, **of_pool}).json():
                for run in runs:
                    wanted = {"state": becomes, "force": True}
                    ask(client, "POST", f"/flow_runs/{run['id']}/set_state", wanted)
