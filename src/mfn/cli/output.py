"""What commands print: one JSON document with --json, a table or a sentence for people, errors with their remedy."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfn.plain_text import shown, shown_json, shown_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mfn.errors import MfnError

PIPE_WIDTH = 1_000
"""Wide enough that no cell is broken where no terminal is."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
ConnectionArgument = Annotated[str, typer.Argument(help="A connection of connections.yaml.", show_default=False)]


class OneLine(logging.Formatter):
    """Each record of the log on one line, whatever it quotes; a traceback follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line of a record."""
        return shown(super().formatMessage(record))


def print_json(document: Mapping[str, Any]) -> None:
    """Print the one JSON document of a command to stdout."""
    text = shown_json(json.dumps(document, ensure_ascii=False, default=str))
    print(text, flush=True)  # noqa: T201 - stdout is where it belongs


def print_line(text: str) -> None:
    """Print a line for a person to stdout: no markup is read from it, and no command for the terminal."""
    Console(highlight=False, soft_wrap=True).print(shown_lines(text), markup=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table for a person to stdout; only its last column is broken over lines, and in a pipe none is."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column != columns[-1])
    for row in rows:
        table.add_row(*(Text("" if value is None else shown(str(value))) for value in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    console.print(table)


def print_error(error: MfnError, *, as_json: bool, more: Mapping[str, Any] | None = None) -> None:
    """Print what went wrong and what to do: JSON on stdout with --json, else two paragraphs on stderr.

    Args:
        error: The error.
        as_json: Whether --json was asked for.
        more: What else the command's document has, e.g. the batch.
    """
    if as_json:
        problems = [vars(problem) for problem in getattr(error, "problems", ())]
        document = {**(more or {}), "error": error.message, "remedy": error.remedy}
        print_json({**document, "problems": problems} if problems else document)
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    console.print(error.message, markup=False)
    if error.remedy:
        console.print("what to do:", style="bold", end=" ")
        console.print(error.remedy, markup=False)
