"""The `mfn` program: its commands, its exit status, and no traceback without --debug."""

from __future__ import annotations

import io
import logging
import re
import sys
import traceback
from collections import Counter
from contextlib import suppress
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

import typer

from mfn import __version__
from mfn.cli import (
    audit,
    backfill,
    batches,
    check,
    confirm,
    follow,
    imports,
    inventory,
    keys,
    notifications,
    orders,
    prefect_program,
    purge,
    reconcile,
    reprocess,
    rules,
    setup,
    shipping_methods,
    site,
    skus,
)
from mfn.cli.output import INTERRUPTED, OneLine, print_error
from mfn.errors import ConfigurationError, FatalError, MfnError, RunFailedError
from mfn.file_faults import writing_remedy
from mfn.mistyped import lines_that_say_nothing
from mfn.plain_text import shown
from mfn.secret_files import exposed_files
from mfn.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

application = typer.Typer(
    name="mfn",
    help="Move seller-fulfilled Amazon orders into a warehouse, and shipment confirmations and stock back to Amazon.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (
    prefect_program,
    setup,
    check,
    imports,
    follow,
    backfill,
    confirm,
    inventory,
    skus,
    shipping_methods,
    orders,
    batches,
    notifications,
    purge,
    reconcile,
    reprocess,
    rules,
    keys,
    audit,
    site,
):
    part.add_to(application)

BROKEN_OFF = 130
"""Typer's exit status for Ctrl-C; a person gets a sentence instead, a script the status of a run that can be re-run."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mfn {__version__}")
        raise typer.Exit


@application.callback()
def _options(
    debug: bool = typer.Option(  # noqa: ARG001 - `run` reads it, wherever it is on the line
        False, "--debug", help="Log more detail and show tracebacks. Allowed anywhere on the line."
    ),
    version: bool = typer.Option(  # noqa: ARG001 - its callback has answered it
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Common options."""
    with suppress(MfnError):  # the command itself reports what is wrong with the settings
        for problem in (*exposed_files(load_settings()), *lines_that_say_nothing()):
            log.warning("warning: %s", problem)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: The arguments after `mfn`.

    Returns:
        0 done; 1 the run failed, or a check found something; 2 wrong usage, settings or mappings; 3 another run holds
        the connection.
    """
    debug, as_json = "--debug" in arguments, "--json" in arguments
    words = [word for word in arguments if word != "--debug"]
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(OneLine("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[to_stderr])
    logging.getLogger("mfn").setLevel(logging.DEBUG if debug else logging.INFO)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # characters that its encoding lacks are escaped
    try:
        _refuse_undecodable(words)
        _refuse_given_twice(words)
        command = typer.main.get_command(application)
        result = int(command.main(args=words, prog_name="mfn", standalone_mode=False) or 0)
    except MfnError as error:
        if debug:
            traceback.print_exc()
        print_error(error, as_json=as_json, more=error.summary if isinstance(error, RunFailedError) else None)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - whatever happens, a person reads a sentence and a script a document
        usage = getattr(error, "format_message", None)
        if debug and usage is None:
            traceback.print_exc()
        print_error(_explained(error, usage() if usage else None, words), as_json=as_json)
        return 2 if usage else 1
    if result == BROKEN_OFF:
        print_error(INTERRUPTED, as_json=as_json)
        return INTERRUPTED.exit_code
    return result


def _refuse_undecodable(words: Sequence[str]) -> None:
    """Refuse arguments that cannot be an id, name or file of this project, before a database has to."""
    for place, word in enumerate(words, start=1):
        if not word.isascii() and re.search("[\ud800-\udfff]", word):
            raise ConfigurationError(
                f"argument {place} of mfn, {shown(word)}, is not UTF-8.",
                remedy="Type it again in a terminal that is set to UTF-8.",
            )


def _refuse_given_twice(words: Sequence[str]) -> None:
    """Refuse a repeated option, of which the library would take the last value and silently drop the others."""
    before_dashes = [*takewhile(lambda word: word != "--", words), "--"]
    given = Counter(
        name
        for word, after in pairwise(before_dashes)
        for name, equals, _ in [word.partition("=")]
        if word.startswith("--") and (equals or not after.startswith("--"))
    )
    if twice := [name for name, times in given.items() if times > 1]:
        raise ConfigurationError(
            f"given more than once, but takes one value: {', '.join(twice)}.",
            remedy="Run the command once for each value. If a command takes several ids, list them without an option.",
        )


def _where_it_says_so(error: Exception, words: Sequence[str]) -> str:
    """What to do about wrong usage; says where an option that was put before its command belongs."""
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    path = getattr(context, "command_path", "mfn")
    commands = getattr(getattr(context, "command", None), "commands", {})
    for word in words:
        if any(option in parameter.opts for parameter in getattr(commands.get(word), "params", ())):
            return f"Put {option} after the command: {path} {word} {option}. See {path} {word} --help."
    return f"See {path} --help."


def _explained(error: Exception, usage: str | None, words: Sequence[str]) -> MfnError:
    if usage is not None:
        return ConfigurationError(usage, remedy=_where_it_says_so(error, words))
    if isinstance(error, OSError) and error.filename and error.strerror:
        may_not = "Give this user read and write access there, or choose another location."
        return FatalError(f"{error.filename} cannot be used: {error.strerror}.", remedy=writing_remedy(error, may_not))
    return FatalError(
        f"unexpected error: {type(error).__name__}.",
        remedy="Run it again with --debug and report the output (read it first: it may contain buyers' data).",
    )
