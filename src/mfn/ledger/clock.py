"""What time it is for leases and rate budgets: one clock for all who share a ledger, whatever their own ones say."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import Float, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

SECONDS: Float[float] = Float(53)

_SINCE_START = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux's; elsewhere Python's monotonic clock is the same for all processes as well."""


def seconds_since_start() -> float:
    """Seconds since this machine started, those that it slept included: a clock that nobody can set."""
    return time.monotonic() if _SINCE_START is None else time.clock_gettime(_SINCE_START)


class LedgerTime(FunctionElement[float]):
    """The present moment inside a statement, in seconds; only two of one ledger can be compared.

    On PostgreSQL its server's clock, since 1970: machines whose own clocks differ agree on it. A SQLite ledger is used
    from one machine only: there it is `seconds_since_start`, which begins anew when the machine does.
    """

    name = "ledger_time"
    type = SECONDS
    inherit_cache = True


@compiles(LedgerTime, "postgresql")
def _of_server(_element: LedgerTime, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@compiles(LedgerTime, "sqlite")
def _of_machine(_element: LedgerTime, compiler: SQLCompiler, **options: Any) -> str:
    # Asked each time that the statement is carried out, not when it is compiled.
    moment = bindparam("ledger_time", callable_=seconds_since_start, type_=SECONDS, unique=True)
    return compiler.process(moment, **options)
