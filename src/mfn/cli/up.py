"""`mfn up`: a Prefect server, a work pool, a worker and the report site on one machine, until interrupted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from mfn.cli.deployments import deploy
from mfn.cli.prefect_address import server_address
from mfn.cli.prefect_answers import ask
from mfn.cli.project import prefect_program, project_root
from mfn.cli.running import (
    Running,
    flow_runs_of,
    forget,
    running_here,
    started,
    stop_processes,
    with_children,
    write_down,
    written_down,
)
from mfn.cli.schedules import PAGE, waiting_names
from mfn.connections import load_connections
from mfn.errors import ConfigurationError, FatalError, LeaseHeldError
from mfn.ledger.opening import open_ledger
from mfn.prefect_api import prefect_client
from mfn.settings import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mfn.settings import Settings

START_SECONDS = 120.0
STOP_SECONDS = 30.0
WORKER = "prefect-worker"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, whoever looks after services, and a terminal that is closed."""

LOG_BYTES = 10_000_000
"""A log that is longer when its program starts is put aside, and the one put aside before is gone."""

SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "DO_NOT_TRACK": "1",
    # In memory, its own default, the place that a run holds would have no end once the server was started anew.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""What a server on one machine wants; whoever wants it otherwise sets it."""

CUT_OFF = "mfn up was started anew, and what ran this is gone. The next run carries its batch on: see mfn batches."
PUT_BACK = "mfn up was started anew, and this had not begun."


@dataclass(frozen=True)
class Up:
    """What runs.

    Attributes:
        ui: Where the Prefect UI is.
        api: Where Prefect's API is.
        reports: Where the report site is.
        deployments: Every deployment as `flow/name`.
        waiting: Those whose schedules begin once their connection has passed `mfn check`.
        logs: Where the programs write what they say.
    """

    ui: str
    api: str
    reports: str
    deployments: list[str]
    waiting: list[str]
    logs: Path


@dataclass
class Programs:
    """The programs that were started, each in a session of its own, so that Ctrl-C reaches this process alone.

    Attributes:
        settings: The settings in force.
        environ: Their environment.
        api: Where Prefect's API is.
        running: Those that run, by name, in the order in which they were started.
    """

    settings: Settings
    environ: Mapping[str, str]
    api: str
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, words: list[str]) -> None:
        """Start a program, and write down that it runs."""
        log = _log(self.settings, name)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        with log.open("ab") as said:
            self.running[name] = subprocess.Popen(  # noqa: S603 - programs beside this one, with words of our own
                words,
                cwd=project_root(),
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        known = {one: started(process.pid) for one, process in self.running.items() if process.poll() is None}
        write_down(self.settings, Running(started(os.getpid()), self.api, known))

    def check(self) -> None:
        """Raise for the first program that has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                log = _log(self.settings, name)
                said = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
                raise FatalError(
                    f"the {name} ended with {process.returncode}: {said[-1].strip() if said else 'it said nothing'}",
                    remedy=f"Read {log}, mend what it names, and run mfn up again: everything goes on where it was.",
                )

    def wait(self) -> None:
        """Return when the first of them has ended."""
        while all(process.poll() is None for process in self.running.values()):
            with suppress(subprocess.TimeoutExpired):
                next(iter(self.running.values())).wait(timeout=1)

    def stop(self) -> None:
        """Stop them, the one that was started last first, with everything that they started."""
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)  # asked once more, what is left would go on alone
        for name, process in reversed(self.running.items()):
            if name == WORKER:  # its runs first, and once: it would ask them again while they give back what they hold
                stop_processes(flow_runs_of(self.api), seconds=STOP_SECONDS)
            if process.poll() is None:
                stop_processes(with_children(psutil.Process(process.pid)), seconds=STOP_SECONDS)
            process.wait()


@contextmanager
def everything(settings: Settings, *, reports_port: int) -> Iterator[tuple[Up, Programs]]:
    """Start everything on this machine; all of it is stopped when the block ends.

    Prefect's database is the user's own, as the ledger is: what was there before is there again.

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
    # Whatever asks for the end, and also where a shell had interrupts ignored: everything that was started is stopped.
    for number in ENDINGS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # but for nohup, which wants it so
            signal.signal(number, signal.default_int_handler)
    load_connections(settings)
    open_ledger(settings)
    if running := running_here(settings):
        raise LeaseHeldError(
            f"mfn up runs here already, as process {running.up.pid}.",
            remedy="Go on with that one, or stop it first: Ctrl-C there.",
        )
    _stop_orphans(settings)
    environ = {**SERVER, **_environ(settings)}
    host, port = server_address(environ)
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    ui, reports = f"http://{shown}:{port}", f"http://127.0.0.1:{reports_port}"
    _check_free(host, port, "PREFECT_SERVER_API_PORT")
    _check_free("127.0.0.1", reports_port, "--reports-port")
    environ = {"MFN_REPORTS_URL": reports, **environ, "PREFECT_API_URL": f"{ui}/api"}
    programs = Programs(settings, environ, f"{ui}/api")
    stop_processes(flow_runs_of(programs.api), seconds=STOP_SECONDS)  # nothing listens there: they are left over
    with ExitStack() as running_programs:
        running_programs.callback(forget, settings)
        running_programs.callback(programs.stop)
        programs.start("prefect-server", [prefect_program(), "server", "start", "--host", host, "--port", str(port)])
        _wait_for(f"{ui}/api/health", programs)
        _settle_what_was_cut_off(programs, settings.work_pool)
        deployments = deploy(settings, environ)
        site = [str(Path(sys.executable).with_name("mfn")), "site", "--port", str(reports_port)]
        programs.start("report-site", site)
        programs.start(WORKER, [prefect_program(), "worker", "start", "--pool", settings.work_pool])
        _wait_for(f"{reports}/health", programs)
        at_rest = waiting_names(programs.api, environ)
        waiting = [name for name in deployments if name in at_rest]
        yield Up(ui, programs.api, environ["MFN_REPORTS_URL"], deployments, waiting, _logs(settings)), programs


def _environ(settings: Settings) -> dict[str, str]:
    """The environment of the programs, which work in the checkout: everything that was found relative to here."""
    url = settings.ledger_url.get_secret_value()
    in_file = settings.ledger_url_file
    ledger = {"MFN_LEDGER_URL": url} if in_file is None else {"MFN_LEDGER_URL_FILE": str(in_file)}
    return environment() | {
        **ledger,
        "MFN_HOME": str(settings.home),
        "MFN_CONNECTIONS": str(settings.connections),
        "MFN_MAPPINGS": str(settings.mappings),
    }


def _logs(settings: Settings) -> Path:
    return settings.home / "logs"


def _log(settings: Settings, name: str) -> Path:
    return _logs(settings) / f"{name}.log"


def _check_free(host: str, port: int, setting: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} of {host} cannot be used: {error.strerror}.",
                remedy=f"Stop the program that holds it, or name another port: {setting}.",
            ) from None


def _stop_orphans(settings: Settings) -> None:
    """What a `mfn up` that was killed left running would serve the same runs a second time."""
    known = written_down(settings)
    if known is None:
        return
    stop_processes(flow_runs_of(known.api), seconds=STOP_SECONDS)
    for program in reversed(known.programs.values()):
        if (process := program.process) is not None:
            stop_processes(with_children(process), seconds=STOP_SECONDS)


def _wait_for(url: str, programs: Programs) -> None:
    def answers() -> None:
        programs.check()
        httpx.get(url, timeout=5).raise_for_status()

    patient = Retrying(
        retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(START_SECONDS), wait=wait_fixed(0.25)
    )
    try:
        patient(answers)
    except RetryError:
        raise FatalError(
            f"{url} does not answer after {START_SECONDS:.0f} seconds.",
            remedy=f"Read the logs in {_logs(programs.settings)}, then run mfn up again.",
        ) from None


def _settle_what_was_cut_off(programs: Programs, work_pool: str) -> None:
    """Runs that Prefect takes for alive although nothing works yet: begun ones have died, others go back in line.

    Until then they would hold the one place of their deployment.
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
