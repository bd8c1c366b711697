"""The matrix cut into parts, each of which a process of its own runs."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass

from tests.faults.matrix.faults import all_faults
from tests.faults.matrix.flows import FLOWS
from tests.faults.matrix.results import described
from tests.faults.matrix.trials import Trial, trials
from tests.postgres import running_postgres

DATABASES = ("sqlite", "postgresql")
SHARES = 2
"""Into how many parts the trials of one flow on one database are cut."""


@dataclass(frozen=True)
class Part:
    """A share of the trials of one flow on one database."""

    flow: str
    database: str
    share: int
    shares: int
    only: tuple[str, ...]
    seeds: int
    most: int

    def wanted(self, fault: str) -> bool:
        """Whether a fault was asked for."""
        return is_wanted(self.only, self.flow, fault, self.database)


def is_wanted(only: tuple[str, ...], flow: str, fault: str, database: str) -> bool:
    """Whether every word that was given stands in the name of a cell."""
    return all(word.lower() in f"{flow} / {fault} / {database}".lower() for word in only)


def run_part(part: Part) -> list[Trial]:
    """Every trial of a part."""
    faults = [fault for fault in all_faults(part.seeds, part.database) if part.wanted(fault.name)]
    if not faults:
        return []
    server = running_postgres() if part.database == "postgresql" else contextlib.nullcontext(None)
    done: list[Trial] = []
    with server as url:
        for trial in trials(
            FLOWS[part.flow],
            faults,
            database=part.database,
            server_url=url,
            share=(part.share, part.shares),
            most=part.most,
        ):
            done.append(trial)
            if trial.deviations:
                sys.stderr.write(described(trial))
    return done
