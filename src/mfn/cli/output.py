"""What commands print: one JSON document with --json, a table or a sentence for people, errors with their remedy."""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from mfn.database.urls import shown_database_url
from mfn.errors import ConfigurationError, FatalError, RetriableError
from mfn.plain_text import shown, shown_json, shown_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mfn.errors import MfnError
    from mfn.settings import Settings

INTERRUPTED = RetriableError(
    "interrupted; data that has landed is kept.", remedy="Run the command again: it resumes where it stopped."
)

USUAL_WIDTH = 80
"""The width of a terminal that does not report one."""

GAP = "  "
"""Between two columns of a table."""

SHOWN_ROWS = 200
"""The most rows of a list in a terminal, where one cannot scroll back to the first lines of a longer one."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
PASTED = str.strip
"""The parser of an id: copying it from a cell, for example, leaves blanks and line breaks around it."""
ConnectionArgument = Annotated[str, typer.Argument(help="A connection of connections.yaml.", show_default=False)]


class OneLine(logging.Formatter):
    """Each record of the log on one line, whatever it quotes; a traceback follows on lines of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """The line of a record."""
        return shown(super().formatMessage(record))


def print_json(document: Mapping[str, Any]) -> None:
    """Print the one JSON document of a command to stdout."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"  # neither where stdout is closed
    text = shown_json(json.dumps(document, ensure_ascii=encoding.lower() != "utf-8", default=str))
    with _writing_to_stdout():
        print(text, flush=True)  # noqa: T201 - stdout is where it belongs


def print_line(text: str) -> None:
    """Print a line for a person to stdout: no markup is read from it, and no command for the terminal."""
    with _writing_to_stdout():
        print(shown_lines(text), flush=True)  # noqa: T201 - as above


def print_nothing(what: str, settings: Settings, *, is_there: bool) -> None:
    """Say that a ledger has nothing of the kind, or that there is no ledger, perhaps because of the working directory.

    Args:
        what: What was requested, such as "failed batches".
        settings: The settings in force.
        is_there: Whether there is a ledger.
    """
    ledger = shown_database_url(settings.ledger_url.get_secret_value())
    print_line(f"no {what} in the ledger {ledger}" if is_there else f"no {what}: there is no ledger {ledger} yet")


def print_styled(lines: Iterable[Text]) -> None:
    """Print lines to stdout, in colour if the terminal has it; quotations in them must be safe to show."""
    console = console_of()
    with _writing_to_stdout():
        with console.capture() as written:  # where its reader has left, a console ends the program itself
            for line in lines:
                console.print(line)
        print(written.get(), end="", flush=True)  # noqa: T201 - as above


def console_of(*, stderr: bool = False) -> Console:
    """A console that prints what it is given, on any terminal: one of no width (`COLUMNS=0`) would swallow all of it.

    Args:
        stderr: Whether it prints to stderr rather than to stdout.
    """
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if console.width < 1:
        console.width = USUAL_WIDTH
    return console


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table for a person to stdout; only its last column is broken over lines, and in a pipe none is.

    Nothing is ever cut off: ids are copied from tables into other commands. A terminal that is too narrow for the other
    columns breaks the lines itself. The library's own tables take a minute for 100,000 rows.
    """
    cells = [["" if value is None else shown(str(value)) for value in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    console = console_of()
    left = sum(widths[:-1]) + len(GAP) * len(widths[:-1])
    words = (word for row in (columns, *cells) for word in row[-1].split())
    fits = console.is_terminal and left + max(map(cell_len, words)) <= console.width
    room = console.width - left if fits else widths[-1]
    print_styled([Text(_aligned(columns, widths), style="bold")])
    with _writing_to_stdout():
        for *others, last in cells:
            lines = Text(last).wrap(console, room) if cell_len(last) > room else [last]
            print(_aligned([*others, str(lines[0])], widths))  # noqa: T201 - as above
            for line in lines[1:]:
                print(f"{'':{left}}{line}")  # noqa: T201 - as above
        sys.stdout.flush()


def most_rows() -> int | None:
    """How many rows of a list to show: `SHOWN_ROWS` in a terminal; all of them, None, in a pipe or a file."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()  # None: it is closed
    return SHOWN_ROWS if is_terminal else None


def print_left_out(shown: str, command: str) -> None:
    """Say at a terminal that a list is longer than what is shown.

    Args:
        shown: What is shown of it, e.g. `the newest 200`.
        command: The command, as typed.
    """
    print_line(f"\nOnly {shown} are shown. To see all: {command} | less, {command} --json, or the report site.")


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


@contextmanager
def _writing_to_stdout() -> Iterator[None]:
    """Ignore that stdout cannot be written; the command has done its work by then.

    A reader that has read enough, as of `mfn orders | head`, is no failure.

    Raises:
        SystemExit: It cannot be written for another reason, which was printed to stderr.
    """
    try:
        yield
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered is written at exit
        if isinstance(error, BrokenPipeError):
            return
        failure = FatalError(
            f"the output cannot be written to stdout: {error.strerror}.",
            remedy="The command has done its work: see mfn batches. Free some space, or redirect the output elsewhere.",
        )
        print_error(failure, as_json=False)
        raise SystemExit(failure.exit_code) from None


def print_error(error: MfnError, *, as_json: bool, more: Mapping[str, Any] | None = None) -> None:
    """Print what went wrong and what to do: JSON on stdout with --json, else two paragraphs on stderr.

    Args:
        error: The error.
        as_json: Whether --json was given.
        more: What else the command's document has, e.g. the batch.
    """
    if as_json:
        problems = [vars(problem) for problem in getattr(error, "problems", ())]
        document = {**(more or {}), "error": error.message, "remedy": error.remedy}
        print_json({**document, "problems": problems} if problems else document)
        return
    console = console_of(stderr=True)
    console.print("error:", style="bold red", end=" ")
    console.print(error.message, markup=False)
    if error.remedy:
        console.print("what to do:", style="bold", end=" ")
        console.print(error.remedy, markup=False)


def print_several(
    document: Mapping[str, Any], errors: Sequence[MfnError], show: Callable[[], None], *, of: int, as_json: bool
) -> None:
    """Print what a command did that carries out several things, of which one that fails stops no other.

    Args:
        document: What it did, as its document has it; the first error is added.
        errors: What went wrong.
        show: Prints for a person what it did; the errors follow.
        of: How many things there were to do.
        as_json: Whether --json was given.

    Raises:
        typer.Exit: Something went wrong. The status is that of the errors: 1 where one of them has it, else 3 where
            another run held a connection, else 2; that only where nothing was done at all.
    """
    if as_json:
        first = {"error": errors[0].message, "remedy": errors[0].remedy} if errors else {}
        print_json({**document, **first})
    else:
        show()
        for error in errors:
            print_error(error, as_json=False)
    codes = {error.exit_code for error in errors}
    if codes:
        is_begun = codes == {ConfigurationError.exit_code} and len(errors) < of
        raise typer.Exit(1 if 1 in codes or is_begun else max(codes))
