"""The programs that `mfn up` and `mfn demo` start on this machine: started, watched and stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import psutil
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from mfn.cli.project import prefect_program, project_root
from mfn.cli.running import Running, flow_runs_of, forget, stop_processes, with_children, write_down
from mfn.errors import FatalError
from mfn.http_environment import DIRECTLY, directly_here, errors_in_words
from mfn.processes import started

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mfn.settings import Settings

START_SECONDS = 120.0
WORKER = "prefect-worker"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Sent by Ctrl-C, by a service manager, and when a terminal is closed."""

PRIVATE = 0o077
"""A Prefect server keeps its Secret blocks and the key to them in one database: it is for nobody else."""

LOG_BYTES = 10_000_000
"""A log that is longer when its program starts is rotated, replacing the one rotated before."""

SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "DO_NOT_TRACK": "1",
    # In memory, its own default, a run's slot would never be freed once the server was restarted.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
}
"""Settings for a server on one machine; the environment overrides them."""


@dataclass
class Programs:
    """Programs on this machine, each in a session of its own, so that Ctrl-C reaches this process alone.

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

    @property
    def logs(self) -> Path:
        """The folder of their logs."""
        return self.settings.home / "logs"

    def start_server(self, host: str, port: int) -> None:
        """Start a Prefect server."""
        words = [prefect_program(), "server", "start", "--host", host, "--port", str(port)]
        self.start("prefect-server", words, umask=PRIVATE)

    def start_worker(self) -> None:
        """Start a worker for the work pool."""
        self.start(WORKER, [prefect_program(), "worker", "start", "--pool", self.settings.work_pool])

    def start(self, name: str, words: list[str], *, umask: int = -1) -> None:
        """Start a program, and record that it runs.

        Args:
            name: Its name, also that of its log.
            words: The program and its arguments.
            umask: What the files that it makes may not be; -1: as this process's own.
        """
        log = self._log(name)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        log.touch(mode=0o600)
        with log.open("ab") as said:
            self.running[name] = subprocess.Popen(  # noqa: S603 - programs beside this one, with words of our own
                words,
                cwd=project_root(),
                env=directly_here(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=umask,
            )
        known = {one: started(process.pid) for one, process in self.running.items() if process.poll() is None}
        write_down(self.settings, Running(started(os.getpid()), self.api, known))

    def check(self) -> None:
        """Raise for the first program that has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                log = self._log(name)
                if process.returncode < 0:  # what it said last is not why
                    raise FatalError(
                        f"the {name} was killed by the signal {signal.Signals(-process.returncode).name}.",
                        remedy=f"If nobody sent the signal, check whether this machine ran out of memory. Then run the"
                        f" command again: completed work is kept. Its log: {log}.",
                    )
                said = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
                raise FatalError(
                    f"the {name} exited with status {process.returncode}: {said[-1].strip() if said else 'no output'}",
                    remedy=f"Read {log}, fix the problem, and run the command again: completed work is kept.",
                )

    def wait_for(self, url: str) -> None:
        """Return when an address answers.

        Raises:
            FatalError: One of the programs has ended, or it takes too long.
            ConfigurationError: A proxy or a file of certificates that the environment names cannot be used.
        """

        def answers() -> None:
            self.check()
            client.get(url).raise_for_status()

        patient = Retrying(
            retry=retry_if_exception_type(httpx.HTTPError), stop=stop_after_delay(START_SECONDS), wait=wait_fixed(0.25)
        )
        try:
            with errors_in_words():
                # One for all: each reads every certificate, plain HTTP or not.
                client = httpx.Client(timeout=5, mounts=DIRECTLY)
            with client:
                patient(answers)
        except RetryError:
            raise FatalError(
                f"{url} did not answer within {START_SECONDS:.0f} seconds.",
                remedy=f"Read the logs in {self.logs}, then run the command again.",
            ) from None

    def wait(self) -> None:
        """Return when the first of them has ended."""
        while all(process.poll() is None for process in self.running.values()):
            with suppress(subprocess.TimeoutExpired):
                next(iter(self.running.values())).wait(timeout=1)

    def stop(self) -> None:
        """Stop them with everything that they started, the last one first, and record that nothing runs any more."""
        for number in ENDINGS:
            signal.signal(number, signal.SIG_IGN)  # a second signal would leave what still runs on its own
        for name, process in reversed(self.running.items()):
            if name == WORKER:  # its runs first, and once: it would ask them again while they give back what they hold
                stop_processes(flow_runs_of(self.api))
            if process.poll() is None:
                stop_processes(with_children(psutil.Process(process.pid)))
            process.wait()
        forget(self.settings)

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"


def end_as_asked() -> None:
    """Turn every request to end into a KeyboardInterrupt, so that what was started is stopped.

    Also where a shell had interrupts ignored; but not under nohup, which wants a closed terminal to be no end.
    """
    for number in ENDINGS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
