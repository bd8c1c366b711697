"""The mapping files, which translate between Amazon's terms and the warehouse's: loaded and checked as a whole.

How rows are matched and which one wins: mappings/README.md.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from mfn.errors import ConfigurationError, Problem, shown_path
from mfn.mappings.rules_file import read_rules
from mfn.mappings.tables import (
    ACCEPTED_CARRIERS,
    CARRIERS,
    SHIPPING_METHODS,
    SKU_ALIASES,
    TABLES,
    carrier_problems,
    empty_frame,
    read_table,
)
from mfn.rules.fields import EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import pandas as pd

    from mfn.rules.rule import Rule

RULES = "rules.yaml"
FILES = tuple(sorted((*(table.file for table in TABLES), RULES)))
"""The names of all of them."""

MOST_PROBLEMS = 1_000


@dataclass(frozen=True, eq=False)
class Mappings:
    """The mapping files as frames, one row for each row of the file.

    Each frame has the columns of its file and `line`. Texts are without surrounding blanks (SKUs are kept exactly),
    an empty cell is an empty text; connections are in lower case, programmes and service levels in upper case,
    marketplaces are Amazon's ids, `units` is a whole number.

    Attributes:
        directory: The folder of the files.
        shipping_methods: Amazon's programme and service level to the warehouse's code.
        sku_aliases: Amazon's SKU to the warehouse's, or to the components of a kit.
        carriers: What the warehouse writes to what Amazon accepts.
        accepted_carriers: Amazon's carrier codes.
        rules: The rules of each event (`mfn.rules.fields.EVENTS`), in their order, for `mfn.rules.rule_running`.
    """

    directory: Path
    shipping_methods: pd.DataFrame
    sku_aliases: pd.DataFrame
    carriers: pd.DataFrame
    accepted_carriers: pd.DataFrame
    rules: Mapping[str, tuple[Rule, ...]]


def load_mappings(directory: Path, *, connections: Collection[str] | None = None) -> Mappings:
    """Every mapping file of a directory.

    Args:
        directory: The mappings directory. shipping_methods.csv must be there; any other file may be missing.
        connections: Names of the connections that rows may name; None: any name.

    Raises:
        ConfigurationError: Something is wrong; every bad row of every file at once.
    """
    mappings, problems = read_mappings(directory, connections=connections)
    if problems:
        raise ConfigurationError(problems=tuple(problems))
    return mappings


def check_mappings(directory: Path) -> list[Problem]:
    """Everything that is wrong with the mapping files, by file and line; rows may name any connection.

    Args:
        directory: The mappings directory.
    """
    return read_mappings(directory)[1]


def read_mappings(directory: Path, *, connections: Collection[str] | None = None) -> tuple[Mappings, list[Problem]]:
    """The mapping files as far as they can be read, and everything that is wrong with them, by file and line.

    Args:
        directory: The mappings directory.
        connections: Names of the connections that rows may name; None: any name.
    """
    frames = {table.file: empty_frame(table) for table in TABLES}
    rules: Mapping[str, tuple[Rule, ...]] = dict.fromkeys(EVENTS, ())
    problems: list[Problem] = []
    if not directory.is_dir():
        there = (
            "is a file" if directory.exists() else "is a broken link" if directory.is_symlink() else "does not exist"
        )
        remedy = "Set MFN_MAPPINGS to the directory with shipping_methods.csv."
        problems.append(Problem(shown_path(directory), None, None, f"{there}, expected a directory.", remedy))
    elif not os.access(directory, os.R_OK | os.X_OK):
        message, remedy = "cannot be opened: Permission denied.", "Give this user read access to the directory."
        problems.append(Problem(shown_path(directory), None, None, message, remedy))
    else:
        for table in TABLES:
            path = directory / table.file
            if os.path.lexists(path):  # a link that leads nowhere is a fault, not a missing optional file
                frames[table.file], found = read_table(path, shown_path(path), table, connections=connections)
                problems += found
            elif table is SHIPPING_METHODS:
                remedy = f"Create it with the header {','.join(table.columns)} and a row for each shipping method."
                problems.append(Problem(shown_path(path), None, None, "does not exist.", remedy))
        accepted = frames[ACCEPTED_CARRIERS.file]
        if not (accepted.empty and any(problem.file.endswith(ACCEPTED_CARRIERS.file) for problem in problems)):
            problems += carrier_problems(shown_path(directory / CARRIERS.file), frames[CARRIERS.file], accepted)
        path = directory / RULES
        if os.path.lexists(path):
            rules, found = read_rules(path, shown_path(path), accepted_carriers=accepted["carrier_code"].tolist())
            problems += found
        problems += _misnamed(directory)
    mappings = Mappings(
        directory=directory,
        shipping_methods=frames[SHIPPING_METHODS.file],
        sku_aliases=frames[SKU_ALIASES.file],
        carriers=frames[CARRIERS.file],
        accepted_carriers=frames[ACCEPTED_CARRIERS.file],
        rules=rules,
    )
    return mappings, first_of_each_file(problems)


def _misnamed(directory: Path) -> list[Problem]:
    """Files that are not read because their name is only nearly that of a missing one: rules.yml."""
    missing = {name for name in FILES if not (directory / name).exists()}
    problems = []
    for path in sorted(directory.iterdir()):
        name = re.sub(r"[ -]", "_", path.name.casefold()).replace(".yml", ".yaml")
        if name in missing and path.name != name:
            message = f"is ignored, because its name is not {name}."
            problems.append(Problem(shown_path(path), None, None, message, f"Rename it to {name}, or remove it."))
    return problems


def first_of_each_file(problems: list[Problem]) -> list[Problem]:
    """Problems in the order of the files and their lines, for each file only as many as anybody would read."""
    found = sorted(problems, key=lambda problem: (problem.file, problem.line or 0, problem.column or ""))
    shown = []
    for file, grouped in groupby(found, key=attrgetter("file")):
        of_file = list(grouped)
        shown += of_file[:MOST_PROBLEMS]
        if further := len(of_file[MOST_PROBLEMS:]):
            shown.append(Problem(file, shown[-1].line, None, f"and {further} more problems.", "Fix these first."))
    return shown
