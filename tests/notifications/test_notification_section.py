"""The section `notifications` of connections.yaml."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mfn.connection import Notifications
from mfn.connections import find_connection
from mfn.errors import ConfigurationError
from mfn.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/mfn-orders"


def read(folder: Path, **section: Any) -> Notifications:
    text = f"""\
connections:
  us:
    seller_id: A2TESTSELLER001
    marketplaces: [US]
    notifications: {json.dumps(section)}
"""
    (folder / "connections.yaml").write_text(text, encoding="utf-8")
    return find_connection(load_settings(), "us").notifications


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MFN_CONNECTIONS", raising=False)
    return tmp_path


def test_the_url_of_an_aws_queue_gives_its_region_unless_another_is_set(folder: Path) -> None:
    assert read(folder, queue_url=QUEUE_URL).region == "eu-west-1"
    assert read(folder, queue_url=QUEUE_URL, region="eu-central-1").region == "eu-central-1"
    local = "http://127.0.0.1:5000/123456789012/mfn-orders"
    assert read(folder, queue_url=local, endpoint="http://127.0.0.1:5000/") == Notifications(
        queue_url=local, region=None, endpoint="http://127.0.0.1:5000"
    )
    assert read(folder, queue_url=None).queue_url is None


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"queue_url": "mfn-orders"}, "the URL of an SQS queue"),
        ({"region": "Virginia"}, "notifications.region"),
        ({"endpoint": "localhost"}, "expected a base URL"),
        ({"queue": "mfn-orders"}, "valid keys are: queue_url, region, endpoint"),
    ],
)
def test_a_wrong_section_is_reported_with_its_place(folder: Path, section: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=r"connections\.yaml:5: connections\.us\.notifications") as caught:
        read(folder, **section)
    assert message in caught.value.message
