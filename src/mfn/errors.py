"""Every error that reaches a person, as a tree; the class decides what the runner does.

::

    MfnError                 has a message and a remedy; what a command prints instead of a traceback
    ├── ConfigurationError   usage, settings or mappings are wrong: nothing was started (exit 2)
    ├── LeaseHeldError       another run of the same kind holds the connection (exit 3)
    ├── LeaseLostError       another run took over the connection while this one was stalled: it ends (exit 1)
    ├── FatalError           the run failed and repeating it alone will not help (exit 1)
    ├── RetriableError       the run failed on something temporary: retried, re-runnable (exit 1)
    ├── RunFailedError       a run failed after it had begun; carries what it did until then (exit 1)
    └── DataError            one order, row or parcel is wrong: it is held, and the others continue
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mfn.plain_text import shortened, shown, shown_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


MOST_OF_A_MESSAGE = 1_000
"""The longest message about one place in a file."""


@dataclass(frozen=True)
class Problem:
    """A fault at one place of a file that a person edits.

    Attributes:
        file: The file's path as the person knows it, see `shown_path`.
        line: The line, counted from 1, or None for the whole file.
        column: The column of a CSV file or the dotted key of a YAML file.
        message: What was expected and what was found; on one line of bounded length, whatever it quotes.
        remedy: What to do about it.
    """

    file: str
    line: int | None
    column: str | None
    message: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Escape what a terminal would act upon, and limit the length: the file may contain anything."""
        object.__setattr__(self, "message", shown(shortened(self.message, MOST_OF_A_MESSAGE)))
        object.__setattr__(self, "remedy", shown_lines(shortened(self.remedy, MOST_OF_A_MESSAGE)))
        if self.column is not None:
            object.__setattr__(self, "column", shown(shortened(self.column, MOST_OF_A_MESSAGE)))

    def __str__(self) -> str:
        """`file:line: column: message. remedy`, the form that editors jump to."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [place, self.column, self.message] if self.column else [place, self.message]
        return ": ".join(parts) + (f" {self.remedy}" if self.remedy else "")


def shown_path(path: Path) -> str:
    """The path as a person knows it: relative to the working directory if it is below that."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


class MfnError(Exception):
    """Something that a person has to know: what happened and what to do.

    Args:
        message: What happened, where, what was expected and what was found.
        remedy: What to do, as an instruction.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str) -> None:
        # Both quote what others wrote, and end in terminals and logs.
        self.message = shown_lines(message)
        self.remedy = shown_lines(remedy)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[object, ...]:
        # Prefect pickles what a task raises; keyword-only arguments would be lost on the way.
        return (_rebuild, (type(self), self.message, self.remedy))


def _rebuild(kind: type[MfnError], message: str, remedy: str) -> MfnError:
    return kind(message, remedy=remedy)


class ConfigurationError(MfnError):
    """Usage, settings or mappings are wrong; nothing was started.

    Args:
        message: A summary; made from the problems if there are any.
        remedy: What to do.
        problems: All faults at once.
    """

    exit_code = 2

    def __init__(self, message: str = "", *, remedy: str = "", problems: tuple[Problem, ...] = ()) -> None:
        if problems and not message:
            message = "\n".join(str(problem) for problem in problems)
        if problems and not remedy:
            remedy = "Fix what is listed above, then run the command again; nothing was started."
        super().__init__(message, remedy=remedy)
        self.problems = problems


def together(errors: Sequence[ConfigurationError]) -> ConfigurationError:
    """Several errors as one, so that everything that is wrong is reported at once.

    Args:
        errors: At least one.
    """
    if len(errors) == 1:
        return errors[0]
    return ConfigurationError(
        "\n".join(error.message for error in errors),
        remedy=" ".join(dict.fromkeys(error.remedy for error in errors)),
        problems=tuple(problem for error in errors for problem in error.problems),
    )


def with_rows(error: ConfigurationError, rows: Sequence[Problem]) -> ConfigurationError:
    """An error that also lists the faults of mapping files, if there are any.

    Args:
        error: What else is wrong.
        rows: The faults of the mapping files.
    """
    return together([error, ConfigurationError(problems=tuple(rows))]) if rows else error


class LeaseHeldError(MfnError):
    """Another run of the same kind holds this connection."""

    exit_code = 3


class LeaseLostError(MfnError):
    """Another run took over the connection while this one was stalled; this one ends with no further effect."""


class FatalError(MfnError):
    """The run failed, and repeating it alone will not help: a role is missing, a table has the wrong columns."""


class RetriableError(MfnError):
    """The run failed on something temporary: throttling, a dropped connection, a database that restarts."""


class RunFailedError(MfnError):
    """A run failed after it had begun.

    Args:
        cause: What failed.
        summary: What the run did until then, as its command prints it with `--json`.
    """

    def __init__(self, cause: MfnError, summary: Mapping[str, Any]) -> None:
        super().__init__(cause.message, remedy=cause.remedy)
        self.summary = summary

    def __reduce__(self) -> tuple[object, ...]:
        """Its arguments differ from those of the other errors."""
        return (type(self), (FatalError(self.message, remedy=self.remedy), self.summary))


class DataError(MfnError):
    """One order, row or parcel cannot be used; the others continue."""
