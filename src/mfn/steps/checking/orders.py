"""Step `order status and channel`: what would be imported now, and what would be held and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mfn.amazon.orders import DUE, MERCHANT, PENDING
from mfn.ledger.orders import tracked_orders
from mfn.models import Outcome
from mfn.steps.checking.findings import counted, failed, ok, warning
from mfn.steps.importing.judging import READY, judge
from mfn.steps.importing.order_frames import Bench

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace
    from mfn.steps.checking.sample import OrderSample
    from mfn.steps.importing.judging import Judgement

BEFORE_START = "placed_before_start"


def seen_finding(place: CheckPlace, sample: OrderSample) -> Finding:
    """The orders that Amazon shows, by status and by who fulfils them.

    Args:
        place: The workplace.
        sample: What one search has shown.
    """
    statuses = Counter(sample.orders["fulfillment_status"].tolist())
    due = sum(statuses.pop(status, 0) for status in DUE)
    pending = sum(statuses.pop(status, 0) for status in PENDING)
    others = [f"{count} {status}" for status, count in statuses.most_common()]
    unread = len(sample.texts) - len(sample.orders)
    parts = [f"{due} due (UNSHIPPED or PARTIALLY_SHIPPED)", f"{pending} with a pending payment", *others]
    parts += [f"{unread} that cannot be read"] if unread else []
    first = "the first " if sample.has_more else ""
    what = counted(len(sample.texts), f"order fulfilled by {MERCHANT}", f"orders fulfilled by {MERCHANT}")
    days = f"{place.connection.orders.initial_lookback_days:g} days"
    return ok(f"{first}{what} that changed within {days}: {', '.join(parts)}")


def judged_findings(
    place: CheckPlace, sample: OrderSample, items: pd.DataFrame, ship_methods: pd.DataFrame
) -> list[Finding]:
    """The verdicts of a first import on the orders, by the same checks; nothing is written.

    Args:
        place: The workplace.
        sample: What one search has shown.
        items: The warehouse's items.
        ship_methods: The warehouse's shipping methods.

    Raises:
        FatalError: A check that holds orders could not run.
        RetriableError: The ledger or the warehouse could not be reached.
    """
    tracked = tracked_orders(place.ledger, place.connection.name, [order_id for order_id, _ in sample.texts])
    judgements = judge(Bench(place, items, ship_methods), sample.texts, tracked).judgements
    return [*_before_start(place, judgements), *_held(place, judgements)]


def _before_start(place: CheckPlace, judgements: Sequence[Judgement]) -> list[Finding]:
    not_before = place.connection.orders.not_before
    early = sum(any(reason.code == BEFORE_START for reason in one.reasons) for one in judgements)
    if not_before is None and not any(one.is_due for one in judgements):
        return []
    if not_before is None:
        return [
            warning(
                "orders.not_before is not set, so every order that is due is imported",
                "If another system shipped before this one, set not_before under orders in connections.yaml to the"
                " time of the cut-over (docs/cut-over.md); otherwise set it to a time before the oldest of them.",
            )
        ]
    since = f"orders.not_before is {not_before:%Y-%m-%d %H:%M} UTC"
    return [ok(f"{since}: {counted(early, 'order')} placed earlier would be left to the previous system")]


def _held(place: CheckPlace, judgements: Sequence[Judgement]) -> list[Finding]:
    held = [one for one in judgements if one.outcome == Outcome.HELD]
    passed = sum(one.outcome == READY and one.status is not None for one in judgements)
    due = len([one for one in judgements if one.is_due or one.outcome == Outcome.HELD])
    # An order that the warehouse has keeps its status, whatever the verdict.
    unchanged = sum(one.status is None and one.outcome in (READY, Outcome.UNCHANGED) for one in judgements)
    text = f"{passed} would be loaded, {len(held)} held"
    if unchanged:
        text += f", {unchanged} already in the warehouse"
    if not held:
        return [ok(text)]
    codes = Counter(code for one in held for code in {reason.code for reason in one.reasons})
    text += ": " + ", ".join(f"{code} {count}" for code, count in codes.most_common())
    name = place.connection.name
    remedy = (
        f"docs/runbook.md explains each code with its remedy; the report of mfn import {name} --dry-run shows them."
    )
    percent = place.connection.orders.hold_alarm_percent
    if len(held) * 100 > percent * due:
        alarm = f", more than {percent:g} percent of due orders: an import would end as failed"
        return [failed(text + alarm, remedy)]
    return [warning(text, remedy)]
