"""Commands that examine a connection and change nothing: their findings, as a document or for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mfn.cli.output import print_json
from mfn.errors import MfnError
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mfn.settings import Settings


def run_read_only(
    command: str,
    connection: str,
    look: Callable[[Settings, str], Mapping[str, Any]],
    show: Callable[[Mapping[str, Any], Path], None],
    *,
    as_json: bool,
) -> None:
    """Run a command that only reads, and print what it found.

    Args:
        command: The command's name.
        connection: The connection's name.
        look: Finds it.
        show: Prints it for a person; it gets the directory of the mappings too.
        as_json: Whether --json was given.

    Raises:
        MfnError: What `look` raises; its remedy is to look again, since there is no batch to run again.
    """
    settings = load_settings()
    try:
        document = look(settings, connection)
    except MfnError as error:
        from mfn.steps.remedies import remedy_without_batch  # noqa: PLC0415 - httpx is not needed where all goes well

        error.remedy = remedy_without_batch(error, command=f"mfn {command} {connection}")
        raise
    if as_json:
        print_json(document)
    else:
        show(document, settings.mappings)
