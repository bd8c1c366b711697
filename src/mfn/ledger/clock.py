"""The clock of leases and rate budgets: one for all who share a ledger, whatever their own clocks say."""

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
"""Linux's; elsewhere Python's monotonic clock is the same for all processes, too."""


def seconds_since_start() -> float:
    """Seconds since this machine started, including those in suspend: a clock that nobody can set."""
    return time.monotonic() if _SINCE_START is None else time.clock_gettime(_SINCE_START)


class LedgerTime(FunctionElement[float]):
    """The present time inside a statement, in seconds; only times of the same ledger can be compared.

    On PostgreSQL it is the server's clock, since 1970, on which machines with different clocks agree. A SQLite ledger
    is used from one machine only: there it is `seconds_since_start`, which starts again when the machine does.
    """

    name = "ledger_time"
    type = SECONDS
    inherit_cache = True


@compiles(LedgerTime, "postgresql")
def _of_server(_element: LedgerTime, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


@compiles(LedgerTime, "sqlite")
def _of_machine(_element: LedgerTime, compiler: SQLCompiler, **options: Any) -> str:
    # Evaluated each time that the statement is executed, not when it is compiled.
    moment = bindparam("ledger_time", callable_=seconds_since_start, type_=SECONDS, unique=True)
    return compiler.process(moment, **options)
