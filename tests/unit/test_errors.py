"""Errors travel between processes whole: Prefect pickles what a task raises."""

from __future__ import annotations

import pickle

import pytest

from mfn.errors import (
    ConfigurationError,
    DataError,
    FatalError,
    LeaseHeldError,
    LeaseLostError,
    MfnError,
    RetriableError,
    RunFailedError,
)

PLAIN = [ConfigurationError, DataError, FatalError, LeaseHeldError, LeaseLostError, RetriableError]


@pytest.mark.parametrize("kind", PLAIN)
def test_an_error_keeps_its_words_and_its_exit_status_on_the_way(kind: type[MfnError]) -> None:
    error = pickle.loads(pickle.dumps(kind("it broke", remedy="fix it")))
    assert type(error) is kind
    assert (error.message, error.remedy, str(error)) == ("it broke", "fix it", "it broke")
    assert error.exit_code == kind.exit_code


def test_a_failed_run_keeps_what_it_did_on_the_way() -> None:
    failed = RunFailedError(RetriableError("it broke", remedy="fix it"), {"loaded": 3})
    error = pickle.loads(pickle.dumps(failed))
    assert isinstance(error, RunFailedError)
    assert (error.message, error.remedy, error.summary, error.exit_code) == ("it broke", "fix it", {"loaded": 3}, 1)
