"""`mfn …`: one thin command for each thing that a person does."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the `mfn` program."""
    from mfn.cli.application import run  # noqa: PLC0415 - so that `import mfn.cli` stays cheap

    sys.exit(run(sys.argv[1:]))
