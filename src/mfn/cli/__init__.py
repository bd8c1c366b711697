"""`mfn …`: one thin command for each thing that a person does."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    """The entry point of the `mfn` program."""
    if sys.stdout is None:  # closed by the shell (>&-): the next file to be opened, a ledger, would be in its place
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it is for the whole program
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end, a run gives back its lease
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # also by a terminal that is closed, but for nohup
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        from mfn.cli.application import run  # noqa: PLC0415 - so that `import mfn.cli` stays cheap

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # before a command began: what the program is made of takes a moment to load
        from mfn.cli.output import INTERRUPTED, print_error  # noqa: PLC0415 - as above

        print_error(INTERRUPTED, as_json="--json" in sys.argv)
        status = INTERRUPTED.exit_code
    sys.exit(status)
