"""Numbers and times for people, and the headline of a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mfn.models import SUMMED
from mfn.reports.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date as Date  # noqa: N812 - a type beside the function of the same name
    from datetime import datetime

    from mfn.reports.model import CarrierUse, RunReport
    from mfn.reports.stock import Brake, FeedProgress
    from mfn.rules.stock_brake import Loss

MINUTE = 60

FEED_STATES = {
    "submitting": "sent, not known yet whether Amazon received it",
    "submitted": "being processed by Amazon",
    "done": "done",
    "fatal": "failed as a whole; its SKUs will be sent again",
    "lost": "never reached Amazon; its SKUs will be sent again",
    "stuck": "given up after a day; its SKUs will be sent again",
}


def headline(report: RunReport) -> str:
    """What happened, in one sentence for a reader in a hurry.

    Args:
        report: The run.
    """
    words = WORDS[report.kind]
    done, held = report.counts.get(SUMMED[report.kind][1], 0), report.waiting
    if report.kind == "reconcile" and report.status == "done":
        return _compared(report)
    if report.kind == "purge" and report.status == "done":
        return _removed(report, done)
    waits = f"{counted(held, words.noun)} {'needs' if held == 1 else 'need'} attention"
    was = "was" if done == 1 else "were"
    if report.is_braked:
        return f"Nothing {'would be' if report.dry_run else 'was'} pushed: the warehouse is not believed."
    if report.status == "failed":
        before = f"{counted(done, words.noun)} {was} {words.done} before that" if done else f"Nothing was {words.done}"
        return f"The run failed. {before}" + (f", {waits}." if held else ".")
    if not done:
        went = f"No {words.noun} would be {words.done}" if report.dry_run else f"Nothing new for {words.target}"
    elif report.kind == "inventory":
        went = _went_out(report, done)
    else:
        late = f" ({number(report.punctuality.late)}\N{NO-BREAK SPACE}late)" if report.punctuality.late else ""
        went = f"{counted(done, words.noun)} {'would be' if report.dry_run else was} {words.done}{late}"
    return f"{went}, {waits}." if held else f"{went}, nothing is held."


def _compared(report: RunReport) -> str:
    whole, differing = report.taken_up, report.counts.get("differing", 0)
    if not whole:
        return "There were no orders to compare."
    if not differing:
        return f"Amazon, the ledger and the warehouse agree on {counted(whole, 'order')}."
    return f"{number(differing)} of {counted(whole, 'order')} {'differs' if differing == 1 else 'differ'}."


def _removed(report: RunReport, done: int) -> str:
    if not done:
        return "No buyer data is past its retention period."
    return f"Buyer data {'would be' if report.dry_run else 'was'} removed from {counted(done, 'order')}."


def _went_out(report: RunReport, done: int) -> str:
    sold_out = report.counts.get("sold_out", 0)
    gone = f" ({number(sold_out)}\N{NO-BREAK SPACE}sold\N{NO-BREAK SPACE}out)" if sold_out else ""
    return f"Stock of {counted(done, 'SKU')} {'would be' if report.dry_run else 'was'} sent to Amazon{gone}"


def verified(report: RunReport) -> str:
    """How much of what was sent Amazon shows; empty where there is nothing to say.

    Counts everything that the connection has sent so far; of each listing, the last level.
    """
    shown, not_shown = report.counts.get("verified", 0), report.counts.get("unverified", 0)
    if not shown + not_shown:
        return ""
    if report.kind == "inventory":
        open_ = f"; {number(not_shown)} not shown yet: the next runs check again" if not_shown else ""
        sent = counted(shown + not_shown, "listing")
        return f"Amazon shows the last level sent for {number(shown)} of {sent}{open_}."
    open_ = f"; {number(not_shown)} not shown yet: checked an hour after each confirmation" if not_shown else ""
    return f"Amazon shows {number(shown)} of {counted(shown + not_shown, 'parcel')} confirmed so far{open_}."


def outside(report: RunReport) -> str:
    """What a reconciliation or a purge counted outside its sum; empty where there is nothing to say."""
    missing, not_asked = (report.counts.get(name, 0) for name in ("missing", "not_asked"))
    if missing or not_asked:
        left_out = f"Amazon's search results lacked {number(missing)} of these orders." if missing else ""
        more = (
            f"The rate limit left no call for {counted(not_asked, 'more order')}: the next run checks them."
            if not_asked
            else ""
        )
        return f"{left_out} {more}".strip()
    if scrubbed := report.counts.get("scrubbed", 0):
        verb = "would also be" if report.dry_run else "was also"
        return f"Buyer data {verb} removed from {counted(scrubbed, 'order')} in the warehouse's own tables."
    return ""


def glance(report: RunReport) -> list[tuple[str, int, str]]:
    """What happened to the stock in a few figures: label, count, and how a count above zero is marked.

    Empty where every count is zero.
    """
    counts = report.counts
    figures = [
        ("Would sell out" if report.dry_run else "Sold out", counts.get("sold_out", 0), "soon"),
        ("Drift", counts.get("drift", 0), "late"),
        ("Oversold by kits", counts.get("oversold", 0), "late"),
        ("Sold, not imported", report.stock.sold_units, ""),
        ("Being processed by Amazon", counts.get("under_way", 0), ""),
    ]
    if report.kind == "inventory" and (pending := counts.get("pending", 0)):
        figures.append(("Not sent yet", pending, "soon"))
    return figures if any(count for _, count, _ in figures) else []


def moved(units: int) -> str:
    """By how much a level moved: `+12`, `\N{MINUS SIGN}38`, `0`."""
    return f"{units:+,}".replace("-", "\N{MINUS SIGN}") if units else "0"


def lost_percent(loss: Loss) -> int:
    """How much of something is gone, in percent, rounded down: 100 is all of it."""
    return (loss.before - loss.now) * 100 // loss.before


def loss_in_words(loss: Loss) -> str:
    """`4,210 SKUs before, 12 now (99 % less), in MAIN`."""
    where = f"in {loss.location}" if loss.location else "as a whole"
    return f"{number(loss.before)} {loss.what} before, {number(loss.now)} now ({lost_percent(loss)} % less), {where}"


def not_believed(brake: Brake) -> str:
    """Why the warehouse was not believed, in one sentence without a full stop."""
    return "; ".join(filter(None, (brake.why, *(loss_in_words(loss) for loss in brake.losses[:3]))))


def feed_state(feed: FeedProgress) -> str:
    """The state of a feed in words."""
    state = FEED_STATES.get(feed.status, feed.status)
    return f"{state}: {feed.words.rstrip('.')}" if feed.words else state


def carrier_sent(use: CarrierUse) -> str:
    """`U.P.S., Ground → UPS, UPS Ground`: what the warehouse writes and what was sent to Amazon."""
    written = ", ".join(part for part in (use.carrier or "no carrier", use.service) if part)
    code = f"{use.carrier_code}: {use.carrier_name}" if use.carrier_name else use.carrier_code
    sent = ", ".join(part for part in (code, use.shipping_method) if part)
    return f"{written} → {sent}" + (" (not mapped)" if use.is_unlisted else "")


def conflicts_heading(report: RunReport) -> str:
    """What the conflicts of a run have in common."""
    orders = counted(len(report.conflicts), "order")
    return f"{orders} {WORDS[report.kind].conflict[0]}"


def counted(count: int, noun: str) -> str:
    """`1 order`, `2 orders`."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def number(count: int) -> str:
    """`12,345`."""
    return f"{count:,}"


def date(day: Date) -> str:
    """`2 Nov 2026`."""
    return f"{day.day} {day:%b %Y}"


def moment(time: datetime) -> str:
    """`2 Nov 09:15`, where UTC is stated elsewhere."""
    return f"{time.day} {time:%b %H:%M}"


def edge(time: datetime, other: datetime) -> str:
    """One end of a span of time, in short: `2 Nov`, or `09:15` where both ends are on one day."""
    return f"{time:%H:%M}" if time.date() == other.date() else f"{time.day} {time:%b}"


def utc(time: datetime) -> str:
    """`2 Nov 2026, 09:15 UTC`."""
    return f"{date(time)}, {time:%H:%M} UTC"


def lasted(start: datetime, end: datetime) -> str:
    """How long something took: `14.2 s`, `3 min 5 s`."""
    seconds = (end - start).total_seconds()
    return f"{seconds:.1f} s" if seconds < MINUTE else f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"


def late_by(ship_by: datetime, confirmed_at: datetime) -> str:
    """By how much something is late, rounded down: `25 min`, `3 h`, `2 days`."""
    minutes = int((confirmed_at - ship_by).total_seconds() // MINUTE)
    hours, days = minutes // 60, minutes // (24 * 60)
    if days > 1:
        return f"{days} days"
    return f"{hours} h" if hours else f"{minutes} min"


def hours_left(time: datetime, now: datetime) -> int:
    """Whole hours until a time, rounded up; 0 or less when it has passed."""
    return math.ceil((time - now).total_seconds() / 3600)


def by_count(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counted codes, the most frequent first."""
    return sorted(figures.items(), key=lambda entry: (-entry[1], entry[0]))
