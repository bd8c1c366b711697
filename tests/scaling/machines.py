"""What docs/scaling.md puts on several machines, on this one: PostgreSQL, Redis, a Prefect server in parts."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
from dotenv import dotenv_values
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from mfn.ledger.encryption import new_key
from tests.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
SCALING = ROOT / "docs" / "scaling"
PREFECT = Path(sys.executable).with_name("prefect")
POSTGRES_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
TRIGRAMS = sorted(Path("/usr/share/postgresql").glob("*/extension/pg_trgm.control"))
PASSWORD = "a-password"
START_SECONDS = 180


def missing_packages() -> list[str]:
    """Debian's packages that are not there."""
    there = {"postgresql": bool(POSTGRES_PROGRAMS and TRIGRAMS), "redis-server": shutil.which("redis-server")}
    return [name for name, found in there.items() if not found]


@dataclass(frozen=True)
class Machines:
    """Everything that runs.

    Attributes:
        logs: What each program said, a file each.
        apis: The API processes of one Prefect server.
        server_environ: The environment of the Prefect server's processes, from docs/scaling/prefect-server.env.
        environ: The environment of whatever works, from docs/scaling/mfn.env.
        postgres_port: Where PostgreSQL listens.
        redis_port: Where Redis listens.
    """

    logs: Path
    apis: tuple[str, str]
    server_environ: dict[str, str]
    environ: dict[str, str]
    postgres_port: int
    redis_port: int

    def url(self, database: str) -> str:
        """The URL of a database of this project's."""
        return f"postgresql+psycopg://mfn:{PASSWORD}@127.0.0.1:{self.postgres_port}/{database}"

    def client(self, api: int = 0) -> httpx.Client:
        """A client of one of the API processes."""
        return httpx.Client(base_url=self.apis[api], auth=("mfn", PASSWORD), timeout=60)

    @contextmanager
    def worker(self, name: str, api: int, environ: Mapping[str, str]) -> Iterator[Path]:
        """A worker that carries out one run at a time; yields its log."""
        words = ["worker", "start", "--pool", "mfn", "--name", name, "--limit", "1"]
        log = self.logs / f"worker-{name}.log"
        with program([PREFECT, *words], log, {**environ, "PREFECT_API_URL": self.apis[api]}):
            yield log


@contextmanager
def running_machines() -> Iterator[Machines]:
    """PostgreSQL, Redis, two API processes and one services process of a Prefect server; stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="mfn-scaling-", dir="/tmp") as name, ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        postgres, redis, *ports = free_ports(4)
        running.enter_context(running_postgres(folder, postgres))
        words = ["redis-server", "--bind", "127.0.0.1", "--port", str(redis), "--save", "", "--dir", name]
        running.enter_context(program(words, folder / "redis.log", os.environ))
        plain = {key: text for key, text in os.environ.items() if not key.startswith(("PREFECT_", "MFN_"))}
        soon = {
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
            "PREFECT_HOME": f"{name}/prefect-server",
        }
        server = plain | documented("prefect-server.env", postgres, redis) | soon
        wait_for_port(redis)
        subprocess.run([PREFECT, "server", "database", "upgrade", "-y"], env=server, check=True, capture_output=True)
        apis = (f"http://127.0.0.1:{ports[0]}/api", f"http://127.0.0.1:{ports[1]}/api")
        of_its_own = {"PREFECT_HOME": f"{name}/prefect-worker", "MFN_HOME": f"{name}/mfn", "PREFECT_API_URL": apis[0]}
        machines = Machines(
            logs=folder,
            apis=apis,
            server_environ=server,
            environ=plain | documented("mfn.env", postgres, redis) | of_its_own,
            postgres_port=postgres,
            redis_port=redis,
        )
        for number, port in enumerate(ports):  # one after the other: the first one fills the database
            start = ["server", "start", "--no-services", "--host", "127.0.0.1", "--port", str(port)]
            running.enter_context(program([PREFECT, *start], folder / f"api-{number}.log", server))
            with machines.client(number) as client:
                wait_for_health(client)
        running.enter_context(program([PREFECT, "server", "services", "start"], folder / "services.log", server))
        yield machines


def documented(name: str, postgres: int, redis: int) -> dict[str, str]:
    """A file of settings in docs/scaling/, with the hosts of these machines and with secrets."""
    settings = {}
    for key, text in dotenv_values(SCALING / name).items():
        here = (
            (text or "").replace("@postgres:5432", f"@127.0.0.1:{postgres}").replace("redis:6379", f"127.0.0.1:{redis}")
        )
        settings[key] = here.replace("CHANGE-ME", new_key() if key == "MFN_PII_KEYS" else PASSWORD)
    return settings


@contextmanager
def running_postgres(folder: Path, port: int) -> Iterator[None]:
    """Debian's PostgreSQL with the databases and roles of docs/scaling.md; passwords are asked for."""
    user = "postgres" if os.geteuid() == 0 else None
    data, password = folder / "postgres", folder / "password"
    data.mkdir(mode=0o700)
    password.write_text(PASSWORD, encoding="utf-8")
    if user is not None:
        shutil.chown(data, user)
    asked = ["--auth", "scram-sha-256", "--username", "postgres", "--pwfile", str(password)]
    words = [str(POSTGRES_PROGRAMS[-1] / "initdb"), "--pgdata", str(data), "--no-sync", "--encoding", "UTF8", *asked]
    subprocess.run(words, user=user, check=True, capture_output=True)
    here = ["-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off", "-c", "max_connections=200"]
    with program([POSTGRES_PROGRAMS[-1] / "postgres", *here], folder / "postgres.log", os.environ, user=user):
        with connected(port) as connection:
            script = (SCALING / "databases.sql").read_text(encoding="utf-8").replace("CHANGE-ME", PASSWORD)
            for statement in (*script.split(";\n"), "CREATE DATABASE warehouse OWNER mfn"):
                connection.execute(statement.encode())
        yield


@retry(retry=retry_if_exception_type(psycopg.OperationalError), stop=stop_after_delay(60), wait=wait_fixed(0.1))
def connected(port: int) -> psycopg.Connection[Any]:
    """A connection of the database's superuser, once the server answers."""
    return psycopg.connect(f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres", autocommit=True)


@contextmanager
def program(words: list[Any], log: Path, environ: Mapping[str, str], user: str | None = None) -> Iterator[None]:
    """A program that runs until the block ends, with everything that it starts."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=ROOT,
            env=dict(environ),
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        try:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=20)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@retry(retry=retry_if_exception_type(OSError), stop=stop_after_delay(60), wait=wait_fixed(0.1))
def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    socket.create_connection(("127.0.0.1", port)).close()


@retry(
    retry=retry_if_exception_type(httpx.TransportError) | retry_if_result(lambda is_ready: not is_ready),
    stop=stop_after_delay(START_SECONDS),
    wait=wait_fixed(0.2),
)
def wait_for_health(client: httpx.Client) -> bool:
    """Wait until an API process answers."""
    return client.get("/health").is_success
