"""Following connections: an import whenever Amazon's rates allow one and something may be new, until stopped."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from mfn.amazon.failures import ThrottledError
from mfn.amazon.orders import DUE
from mfn.errors import FatalError, LeaseHeldError, MfnError
from mfn.ledger.batches import get_batch, update_batch
from mfn.ledger.bucket import counted_on
from mfn.ledger.budget import PLANS, Budget
from mfn.ledger.named_orders import named_orders
from mfn.ledger.opening import open_ledger
from mfn.ledger.schema import BatchOrder, LandedOrder
from mfn.ledger.search_gaps import note_gap, search_gaps
from mfn.ledger.watermarks import get_watermark, move_watermark
from mfn.models import STAGES
from mfn.rules.lanes import Lane
from mfn.rules.next_call import MANY_NAMES, Fetch, Search, State, Wait, WorkGap, next_action
from mfn.rules.search_pages import SETTLING
from mfn.steps.importing.followed import Followed
from mfn.steps.importing.lane_calls import read_queue
from mfn.steps.runs import import_parameters, new_run, run_steps
from mfn.steps.set_up import check_set_up
from mfn.steps.workplace import open_workplace, writing_under_lease

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Row

    from mfn.ledger.opening import Ledger
    from mfn.models import BatchRef
    from mfn.rules.lanes import Flow
    from mfn.settings import Settings
    from mfn.steps.workplace import Workplace

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""How often notifications are read; what they name in between goes into one run."""

NOTIFIED_FOR = timedelta(hours=1)
"""A subscription silent for this long is not relied upon: the search then looks for every order itself."""

LONGEST_WAIT_SECONDS = 60.0
"""The longest time between two looks, whatever the plan says: names and gaps may come from other processes."""

HELD_SECONDS = 15.0
"""How long a connection is paused when another import holds it."""


def follow(
    settings: Settings,
    names: Sequence[str],
    *,
    wait: Callable[[float], object] = time.sleep,
    is_over: Callable[[], bool] = lambda: False,
    read_names: Callable[[Workplace], int | None] = read_queue,
    on_import: Callable[[Mapping[str, Any]], object] = lambda _run: None,
) -> None:
    """Import the orders of some connections, each as soon as its plan says, until stopped.

    Each import is an ordinary batch with its lease and its report. Connections take turns, one import each. One that
    fails is paused, longer each time, and does not stop the others.

    Args:
        settings: The settings in force.
        names: The connections.
        wait: Waits for a number of seconds.
        is_over: Returns whether to stop; called between two imports.
        read_names: Records in the ledger what notifications name; returns how many there were, None if the connection
            has no queue.
        on_import: Called after each import with its `connection`, `batch_id` and `status`, and with the `error` and
            `remedy` of a failed one, else None.

    Raises:
        ConfigurationError: A connection does not exist or is set up wrongly; nothing was started.
    """
    for name in names:
        check_set_up(open_workplace(settings, name))
    followed = [Followed(name) for name in names]
    while not is_over():
        for one in followed:
            if one.next_at <= datetime.now(UTC) and not is_over():
                _take_turn(settings, one, read_names, on_import)
        pause = (min(one.next_at for one in followed) - datetime.now(UTC)).total_seconds()
        if pause > 0 and not is_over():
            wait(pause)


def _take_turn(
    settings: Settings,
    one: Followed,
    read_names: Callable[[Workplace], int | None],
    on_import: Callable[[Mapping[str, Any]], object],
) -> None:
    """Do what is due for a connection, and set when it wants its next turn."""
    one.next_at = datetime.now(UTC)
    rest = one.everything
    try:
        place = open_workplace(settings, one.name)
        notifications = _read(place, one, read_names)
        state = look(place, one)
        action = next_action(state)
        if isinstance(action, Wait):
            longest = LONGEST_WAIT_SECONDS if notifications is None else LOOK_SECONDS
            one.next_at = min(action.until, state.now + timedelta(seconds=longest))
            return
        rest = one.rest_after(action)
        fetched = _carry_out(settings, one, state, action, on_import)
        if isinstance(action, Fetch) and not fetched:
            _assert_answered(state, look(place, one))
    except LeaseHeldError:
        one.next_at = datetime.now(UTC) + timedelta(seconds=HELD_SECONDS)
    except MfnError as error:
        one.let_rest(rest, error)
        if rest is one.everything:
            one.next_at = rest.until
    else:
        rest.failures = 0


def _read(place: Workplace, one: Followed, read_names: Callable[[Workplace], int | None]) -> int | None:
    """Read what notifications name; a queue that cannot be read is paused: finding out may take half a minute."""
    if one.queue.until > datetime.now(UTC):
        return None
    try:
        notifications = read_names(place)
    except MfnError as error:
        one.let_rest(one.queue, error)
        return None
    one.queue.failures = 0
    if notifications:
        now = datetime.now(UTC)
        if now - one.notified_at >= NOTIFIED_FOR:
            one.notified_since = now
        one.notified_at = now
    return notifications


def _assert_answered(before: State, after: State) -> None:
    """Raise if Amazon has throttled getOrder although the plan had calls, so that a run achieved nothing.

    The names alone do not show it: of a long backlog no more than `MANY_NAMES` are counted.
    """
    if after.names >= before.names and not after.get.has(1):
        raise ThrottledError(
            "getOrder: Amazon accepts no calls at the moment.",
            remedy="Another application may be using up the account's rate limit.",
        )


def look(place: Workplace, one: Followed) -> State:
    """The present state of a connection, as the plan takes it.

    Raises:
        RetriableError: The ledger cannot be reached.
    """
    ledger = place.ledger
    budget = Budget(ledger.engine, place.connection.account)
    now = datetime.now(UTC)
    due = named_orders(ledger, one.name, MANY_NAMES) if one.names.until <= now else []
    # One that was fetched, and that Amazon did not show as it was named, would send every search back to its moment.
    unasked = [name for name in due if name.asked_at is None and name.status in DUE]
    gaps = search_gaps(ledger, one.name) if one.gaps.until <= now else []
    return State(
        now=now,
        searched_to=get_watermark(ledger, one.name),
        flow=one.flow,
        search=_lane(budget, "searchOrders"),
        get=_lane(budget, "getOrder"),
        is_notified=now - one.notified_at < NOTIFIED_FOR and not (one.queue.failures or one.names.failures),
        notified_since=one.notified_since,
        names=len(due),
        settled_names=sum(name.changed_at <= now - SETTLING for name in unasked),
        oldest_name_at=unasked[0].changed_at if unasked else None,
        has_gaps=bool(gaps),
        is_backfilled=any(gap.kind == "backfill" for gap in gaps),
        overlap=timedelta(minutes=place.connection.orders.overlap_minutes),
    )


def _lane(budget: Budget, operation: str) -> Lane:
    return Lane(budget.left(operation), counted_on(budget.rate(operation)), PLANS[operation].burst)


def _carry_out(
    settings: Settings,
    one: Followed,
    state: State,
    action: Search | Fetch | WorkGap,
    on_import: Callable[[Mapping[str, Any]], object],
) -> int:
    """Carry out an action of the plan; returns how many orders Amazon sent."""
    with new_run(settings, one.name, "import", _parameters_of(action)) as batch:
        if isinstance(action, Search):
            _aim(settings, batch, state, action)
        try:
            run_steps(batch, settings)
        except FatalError as error:
            if get_batch(open_ledger(settings), batch.batch_id).stage != STAGES["import"][-1]:
                raise
            log.warning("%s: %s", batch.batch_id, error.message)  # too many are held; the others have been loaded
        finally:
            row = get_batch(open_ledger(settings), batch.batch_id)
            if isinstance(action, Search) and row.window_before is not None:
                one.flow = _seen(open_ledger(settings), state, action, row)
            ended = {name: getattr(row, name) for name in ("batch_id", "status", "error", "remedy")}
            on_import({"connection": one.name, **ended})
    fetched: int = row.counts.get("fetched", 0)
    return fetched


def _parameters_of(action: Search | Fetch | WorkGap) -> dict[str, Any]:
    """The parameters of the import that carries out an action."""
    match action:
        case Search(is_due_only=True):
            return {**import_parameters(), "pages": 1, "due_only": True}
        case Search():
            return {**import_parameters(), "pages": 1}
        case Fetch():
            return {"dry_run": False, "named": True}
        case WorkGap():
            return {"dry_run": False, "gap": True}


def _seen(ledger: Ledger, state: State, action: Search, row: Row[Any]) -> Flow:
    """The flow of orders after a search; orders that it merely saw again do not count."""
    begun = max(moment for moment in (state.searched_to, action.after, row.window_after) if moment is not None)
    same_order = and_(LandedOrder.connection == BatchOrder.connection, LandedOrder.order_id == BatchOrder.order_id)
    news = (
        select(func.count())
        .select_from(BatchOrder)
        .join(LandedOrder, same_order)
        .where(BatchOrder.batch_id == row.batch_id, LandedOrder.last_updated_at > begun)
    )
    with ledger.reading() as database:
        orders = database.execute(news).scalar_one()
    return state.flow.seen(orders, row.window_before - begun, state.now)


def _aim(settings: Settings, batch: BatchRef, state: State, action: Search) -> None:
    """Start a search where the plan says; what it leaves out is recorded as a gap when the watermark passes it."""
    ledger = open_ledger(settings)
    if action.after is None or get_batch(ledger, batch.batch_id).page_token is not None:
        return
    with writing_under_lease(ledger, batch.lease) as database:
        if action.leaves_gap and state.searched_to is not None:
            note_gap(database, batch.connection, "named", state.searched_to, action.after)
            move_watermark(database, batch, action.after)
        update_batch(database, batch, search_after=action.after, search_before=None)
