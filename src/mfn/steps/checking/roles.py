"""Step `roles`: what Amazon lets this application do, and which role is missing for what; nothing is changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mfn.amazon.client import INCLUDED_DATA
from mfn.amazon.failures import DELIVERY, DEVELOP_APPS, LISTING, SUSPICION, TRACKING, AccessDeniedError
from mfn.amazon.quantities import MERCHANT_CHANNEL
from mfn.errors import MfnError
from mfn.ledger.order_listing import last_loaded_at
from mfn.ledger.parcels import count_parcels
from mfn.models import ParcelStatus
from mfn.steps.checking.findings import ORDERS, counted, failed, failure, not_looked_at, ok, remedy_of, warning
from mfn.steps.importing.seen_pages import ROLE_ALARM_ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace
    from mfn.steps.checking.sample import OrderSample

PURPOSES = {
    TRACKING: "to read orders and to confirm their parcels",
    DELIVERY: "to see delivery addresses",
    LISTING: "to read listings and to push stock levels",
}
"""What each role is needed for here, by Amazon's names as of November 2026."""

HOW = (
    f"In {DEVELOP_APPS}, check that the developer profile and the application have it, authorize the application again"
    " and replace SP_API_REFRESH_TOKEN with the new token (docs/setup.md)."
)


def order_role_findings(place: CheckPlace, sample: OrderSample | AccessDeniedError | None) -> list[Finding]:
    """Whether orders may be read, and with their recipients.

    Args:
        place: The workplace.
        sample: What a search for orders has shown, or Amazon's denial; None if it failed for another reason.

    Raises:
        RetriableError: Amazon did not answer.
        FatalError: The credentials are refused.
    """
    from mfn.amazon.probing import may_read_order  # noqa: PLC0415 - sp_api takes 0.2 s that a wrong file does not need

    session = place.session
    shown = None if isinstance(sample, AccessDeniedError) else sample
    order_id = shown.texts[0][0] if shown is not None and shown.texts else None
    denial = may_read_order(session, order_id, ())
    if denial is not None:
        return [_missing(TRACKING, denial), _missing(DELIVERY, denial)]
    found = [ok(f"{TRACKING}: orders can be read")]
    denial = sample if isinstance(sample, AccessDeniedError) else may_read_order(session, order_id, INCLUDED_DATA)
    if denial is not None:
        return [
            *found,
            failed(f"{DELIVERY}, needed {PURPOSES[DELIVERY]}: {denial.message.rstrip('.')}", remedy_of(denial)),
        ]
    if shown is None:
        return [*found, not_looked_at(ORDERS, what=DELIVERY)]
    return [*found, _recipients(place, shown)]


def _recipients(place: CheckPlace, sample: OrderSample) -> Finding:
    if not len(sample.due):
        if at := last_loaded_at(place.ledger, place.connection.name):
            return ok(f"{DELIVERY}: no order is due; the last one came with its recipient at {at:%Y-%m-%d %H:%M} UTC")
        return warning(
            f"{DELIVERY}: Amazon accepts the request, but no order is due that could show a recipient",
            "Run mfn check again when an order is due; without the role, orders come without their recipients.",
        )
    due, shown = len(sample.due), int(sample.due["has_recipient"].sum())
    if shown:
        return ok(f"{DELIVERY}: {shown} of {counted(due, 'due order')} came with a recipient")
    text = f"{DELIVERY}, needed {PURPOSES[DELIVERY]}: none of {counted(due, 'due order')} has a recipient"
    if due >= ROLE_ALARM_ORDERS:
        return failed(text, HOW)
    return warning(f"{text}, which may be chance", HOW)


def listing_role_findings(place: CheckPlace, listings: pd.DataFrame | AccessDeniedError | None) -> list[Finding]:
    """Whether listings may be read and changed; every operation is tried, even if others fail.

    Args:
        place: The workplace.
        listings: `seller_sku`, `marketplace_id`, `channel`, `quantity` of the account's listings, or Amazon's denial;
            None if reading them failed for another reason.
    """
    from mfn.amazon.probing import may_patch_listing, may_read_feeds, may_read_reports  # noqa: PLC0415 - as above

    session = place.session
    denied = {"searchListingsItems": listings} if isinstance(listings, AccessDeniedError) else {}
    tried = ["searchListingsItems"] if listings is not None else []
    asked: dict[str, Callable[[], AccessDeniedError | None]] = {
        "getFeeds": partial(may_read_feeds, session),
        "getReports": partial(may_read_reports, session),
    }
    candidate = None if listings is None or isinstance(listings, AccessDeniedError) else _candidate(listings)
    if candidate is not None:
        asked["patchListingsItem"] = partial(may_patch_listing, session, *candidate)
    found = []
    for operation, ask in asked.items():
        try:
            denial = ask()
        except MfnError as error:
            found.append(failure(error))
            continue
        tried.append(operation)
        if denial is not None:
            denied[operation] = denial
    if denied:
        first = next(iter(denied.values()))
        return [
            *found,
            failed(
                f"{LISTING}, needed {PURPOSES[LISTING]}: Amazon denies {', '.join(denied)}"
                f" ({first.message.rstrip('.')})",
                HOW + f" If it has the role, seller_id {place.connection.seller_id} may belong to another account.",
            ),
        ]
    if tried:
        found.append(ok(f"{LISTING}: allowed: {', '.join(tried)}; a change was tried as a preview only"))
    if candidate is None and listings is not None:
        found.append(
            warning(
                f"{LISTING}: changing a listing was not tried, because the seller fulfils none",
                "Run mfn check again when there is a listing.",
            )
        )
    return found


def _candidate(listings: pd.DataFrame) -> tuple[str, str, int] | None:
    """The marketplace id, SKU and quantity of a listing whose change can be previewed: an own one, with a plain SKU."""
    from mfn.amazon.listings import PLAIN  # noqa: PLC0415 - as above

    own = listings[(listings["channel"] == MERCHANT_CHANNEL) & listings["quantity"].notna()]
    rows: Sequence[tuple[str, str, float]] = list(
        zip(own["marketplace_id"].tolist(), own["seller_sku"].tolist(), own["quantity"].tolist(), strict=True)
    )
    return next(((place, sku, int(shown)) for place, sku, shown in rows if PLAIN.fullmatch(sku)), None)


def confirm_role_finding(place: CheckPlace) -> Finding:
    """Whether parcels may be confirmed: parcels sent before show it, because a trial would change an order.

    Raises:
        RetriableError: The ledger cannot be reached.
    """
    taken = count_parcels(place.ledger, place.connection.name, (ParcelStatus.SENT, ParcelStatus.VERIFIED))
    if taken:
        return ok(f"{TRACKING}: Amazon has accepted {counted(taken, 'parcel')} by confirmShipment")
    return warning(
        f"{TRACKING}: confirmShipment was not tried, because that would change an order",
        "The first parcel that mfn confirm sends will show it; until then check in Seller Central that the application"
        " has the role.",
    )


def _missing(role: str, denial: AccessDeniedError) -> Finding:
    answer = denial.message.partition(SUSPICION)[0].strip().rstrip(".")  # this finding says which role it is
    return failed(f"{role}, needed {PURPOSES[role]}: {answer}", HOW)
