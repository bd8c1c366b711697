"""The marketplaces of a seller account, as Amazon has them.

Operation: Amazon's model sellers.json of 2025-02-26, getMarketplaceParticipations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mfn.amazon.answers import fields_of

if TYPE_CHECKING:
    from mfn.amazon.session import Session

OPERATION = "getMarketplaceParticipations"


@dataclass(frozen=True)
class Participation:
    """A marketplace in which the account may sell.

    Attributes:
        marketplace_id: Amazon's id.
        is_participating: Whether the seller takes part.
        has_suspended_listings: Whether the account's listing status there is inactive.
    """

    marketplace_id: str
    is_participating: bool
    has_suspended_listings: bool


class _Participations(Struct):
    payload: list[Any]


def read_participations(session: Session, *, max_wait_seconds: float) -> list[Participation]:
    """Every marketplace in which an account may sell, including those of other kinds that no order comes from.

    Raises:
        BudgetExhaustedError: Its turn does not come in time.
        AccessDeniedError: The role for this operation is missing, or the authorization has ended.
        RetriableError: Amazon did not answer.
        FatalError: The credentials or the request are refused.
    """
    what = f"{OPERATION} for the connection {session.connection.name}"
    found = session.ask(
        OPERATION,
        what,
        lambda: session.library.get("/sellers/v1/marketplaceParticipations"),
        _Participations,
        max_wait_seconds=max_wait_seconds,
    )
    return [one for one in map(_participation, found.payload) if one is not None]


def _participation(entry: Any) -> Participation | None:
    """A marketplace, as far as it can be read; None if not even its id can, which does not hide the others."""
    marketplace, taking_part = (fields_of(fields_of(entry).get(name)) for name in ("marketplace", "participation"))
    marketplace_id = marketplace.get("id")
    if not isinstance(marketplace_id, str):
        return None
    return Participation(
        marketplace_id,
        is_participating=taking_part.get("isParticipating") is not False,
        has_suspended_listings=taking_part.get("hasSuspendedListings") is True,
    )
