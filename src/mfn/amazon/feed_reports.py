"""What a feed's processing report says of its messages.

Its form: Amazon's listings-feed-processing-report-schema-v2.json of 2026-01-22. It says which messages were taken, not
that they have been applied: Amazon applies them afterwards (amzn/selling-partner-api-models, issue 4801), and is known
to take messages for SKUs that it does not list (issue 4402).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from mfn.amazon.answers import Words

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FeedReport:
    """What became of a feed's messages.

    Attributes:
        refused: Amazon's words for each message that it refused, by message id.
        general: Its words that are about no message: the feed itself was wrong.
        accepted: How many it took.
        invalid: How many it refused.
    """

    refused: Mapping[int, tuple[Words, ...]]
    general: tuple[Words, ...]
    accepted: int
    invalid: int


class _Issue(Struct, rename="camel"):
    severity: str
    message: str
    message_id: int | None = None
    code: str | None = None


class _Summary(Struct, rename="camel"):
    messages_accepted: int
    messages_invalid: int


class _Report(Struct):
    issues: list[_Issue]
    summary: _Summary


def report_of(content: bytes) -> FeedReport:
    """A processing report, from its text.

    Args:
        content: JSON in UTF-8.

    Raises:
        msgspec.DecodeError: It is not a processing report.
    """
    report = msgspec.json.decode(content, type=_Report)
    refused: defaultdict[int, list[Words]] = defaultdict(list)
    general: list[Words] = []
    for issue in report.issues:
        if issue.severity == "ERROR":
            words = Words(issue.code, issue.message)
            (general if issue.message_id is None else refused[issue.message_id]).append(words)
    return FeedReport(
        {message_id: tuple(words) for message_id, words in refused.items()},
        tuple(general),
        report.summary.messages_accepted,
        report.summary.messages_invalid,
    )
