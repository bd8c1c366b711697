"""A feed's processing report: what Amazon says about its messages.

Its form: Amazon's listings-feed-processing-report-schema-v2.json of 2026-01-22. It says which messages were accepted,
not that they have been applied: Amazon applies them afterwards (amzn/selling-partner-api-models, issue 4801), and is
known to accept messages for SKUs that it does not list (issue 4402).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from mfn.amazon.answers import UNREADABLE, Words, whole_number
from mfn.amazon.quantities import MOST_MESSAGES
from mfn.amazon.repaired_json import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FeedReport:
    """The outcome of a feed's messages.

    Attributes:
        refused: Amazon's words for each message that it refused, by message id.
        general: Its words about the feed as a whole.
        accepted: How many it accepted.
        invalid: How many it refused.
    """

    refused: Mapping[int, tuple[Words, ...]]
    general: tuple[Words, ...]
    accepted: int
    invalid: int


class _Issue(Struct, rename="camel"):
    severity: str
    message: str | None = None
    message_id: int | str | None = None
    code: str | int | None = None


class _Summary(Struct, rename="camel"):
    messages_accepted: int
    messages_invalid: int


class _Report(Struct):
    issues: list[msgspec.Raw]
    summary: _Summary


_ISSUES = msgspec.json.Decoder(_Issue)

_DIGITS_AT_MOST = len(str(MOST_MESSAGES))


def report_of(content: bytes) -> FeedReport:
    """Decode a processing report; an entry that cannot be read becomes one of the general words, and hides no other.

    Amazon's words may quote a listing: a bad text in them does not spoil the rest (`mfn.amazon.repaired_json`).

    Raises:
        msgspec.DecodeError: It is not a processing report.
    """
    report = read_json(content, _Report)
    refused: defaultdict[int, list[Words]] = defaultdict(list)
    general: list[Words] = []
    for raw in report.issues:
        try:
            issue = _ISSUES.decode(raw)
        except UNREADABLE as error:
            general.append(Words(None, f"an entry of the report cannot be read: {error}"))
            continue
        if issue.severity == "ERROR":
            words = Words(None if issue.code is None else str(issue.code), issue.message or "no reason given")
            message_id = _number(issue.message_id)
            (general if message_id is None else refused[message_id]).append(words)
    return FeedReport(
        {message_id: tuple(words) for message_id, words in refused.items()},
        tuple(general),
        report.summary.messages_accepted,
        report.summary.messages_invalid,
    )


def _number(message_id: int | str | None) -> int | None:
    """A message's number; None if there is none, or it is not one of ours."""
    return whole_number(message_id, most_digits=_DIGITS_AT_MOST) if isinstance(message_id, str) else message_id
