"""MFN_WORK_POOL: where the deployments go."""

from __future__ import annotations

import pytest
import yaml

from mfn.cli.deployments import render
from mfn.errors import ConfigurationError
from mfn.settings import load_settings
from tests.scaling.machines import ROOT

DOCUMENT = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))


def test_every_deployment_goes_to_the_pool_that_is_named_and_nothing_else_changes() -> None:
    here, there = (render(DOCUMENT, ["us", "eu_west"], work_pool=pool)["deployments"] for pool in ("mfn", "elsewhere"))
    assert {entry["work_pool"]["name"] for entry in there} == {"elsewhere"}
    for entry in there:
        entry["work_pool"]["name"] = "mfn"
    assert there == here


@pytest.mark.parametrize("name", ["a/b", "two words", "what?"])
def test_a_pool_that_cannot_be_named_in_a_url_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MFN_WORK_POOL", name)
    with pytest.raises(ConfigurationError, match="MFN_WORK_POOL"):
        load_settings()
