"""Steps `API access` and `credentials and marketplaces`: whether Amazon answers, and where the seller sells."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mfn.amazon.failures import AccessDeniedError, AmazonUnavailableError
from mfn.amazon.marketplaces import BY_ID, ENDPOINTS
from mfn.amazon.sellers import read_participations
from mfn.connections import load_connections
from mfn.ledger.budget import PLANS, Budget
from mfn.steps.checking.findings import failed, failure, ok, remedy_of, warning

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from mfn.amazon.probing import Answered
    from mfn.amazon.sellers import Participation
    from mfn.connection import Connection
    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace

MOST_SKEW = timedelta(minutes=2)
"""Amazon refuses a search that ends less than two minutes ago; a clock that is ahead requests such a search."""

SEARCHES = "searchOrders"
PATIENCE_SECONDS = 10.0
"""How long a check waits for a call when the rate budget has none left."""


def reach_amazon(place: CheckPlace) -> list[Finding]:
    """Whether the connection's two hosts answer, and whether their clocks agree with ours."""
    from mfn.amazon.probing import reach  # noqa: PLC0415 - sp_api takes 0.2 s that a wrong file does not need
    from mfn.amazon.transport import LOGIN_ENDPOINT  # noqa: PLC0415

    connection = place.connection
    hosts = (connection.endpoint or ENDPOINTS[connection.region], connection.lwa_endpoint or LOGIN_ENDPOINT)
    answers, found = [], []
    for host in dict.fromkeys(hosts):
        try:
            answers.append(reach(host))
        except AmazonUnavailableError as error:
            found.append(failure(error))
    if answers:
        found.append(ok(f"{' and '.join(answer.host for answer in answers)} can be reached"))
    return [*found, *clock_findings(answers)]


def clock_findings(answers: Sequence[Answered]) -> list[Finding]:
    """Hosts whose clock is too far from this machine's; none if they agree, or send no time."""
    found = []
    for answer in answers:
        if answer.ahead is None or abs(answer.ahead) <= MOST_SKEW:
            continue
        minutes = abs(answer.ahead).total_seconds() / 60
        where = "ahead of" if answer.ahead > timedelta(0) else "behind"
        found.append(
            warning(
                f"this machine's clock is {minutes:.0f} minutes {where} that of {answer.host}",
                "Synchronise this machine's clock by NTP: search windows and tokens depend on it.",
            )
        )
    return found


def twin_findings(place: CheckPlace) -> list[Finding]:
    """Connections that import the same orders: those of the same account with a marketplace in common."""
    mine, found = place.connection, []
    for other in load_connections(place.settings).values():
        common = [market.name for market in other.marketplaces if market in mine.marketplaces]
        if other.name == mine.name or other.account != mine.account or not common:
            continue
        what = f"the connection {other.name} has the same account, and also {', '.join(common)}"
        if other.name in place.sharing:
            text = f"{what}: both import each order, and wms_order.connection says which one wrote it last"
        else:
            text = f"{what}, but another warehouse: each order goes to both and would be shipped twice"
        found.append(warning(text, f"Remove {', '.join(common)} from one of the two in connections.yaml."))
    return found


def rate_left(place: CheckPlace) -> Finding:
    """What is left of the searches that Amazon allows this account.

    Raises:
        RetriableError: The ledger cannot be reached.
    """
    budget = Budget(place.ledger.engine, place.connection.account)
    left = max(0, int(budget.left(SEARCHES)))
    refill = f"{budget.rate(SEARCHES) * 3600:,.0f} are added per hour"
    text = f"{left} of {PLANS[SEARCHES].burst} searches for orders are left, {refill}"
    if left:
        return ok(text)
    return warning(text, "Imports wait for the next one. Check that no other application searches with this account.")


def look_at_account(place: CheckPlace) -> list[Finding]:
    """Whether the credentials are accepted, and where the account sells compared with what is configured.

    Raises:
        ConfigurationError: Secrets are missing; names all of them.
        RetriableError: Amazon did not answer.
        FatalError: Login with Amazon refuses the credentials; names which.
    """
    session = place.session
    session.library.login.get_auth()
    taken = ok("Login with Amazon accepts the credentials")
    try:
        participations = read_participations(session, max_wait_seconds=PATIENCE_SECONDS)
    except AccessDeniedError as error:
        # No run needs this operation; if the whole authorization has ended, the step `roles` says so.
        return [
            taken,
            warning(
                "Amazon does not say where the account sells: " + error.message.rstrip("."),
                f"{remedy_of(error)} If the roles are denied too, the token has expired, or is for another region than"
                f" {', '.join(place.name for place in place.connection.marketplaces)}: each region has its own.",
            ),
        ]
    of_account = [
        other for other in load_connections(place.settings).values() if other.account == place.connection.account
    ]
    imported = {key for other in of_account for key in other.marketplace_ids}
    return [taken, *marketplace_findings(place.connection, participations, imported=imported)]


def marketplace_findings(
    connection: Connection, participations: Sequence[Participation], *, imported: Collection[str]
) -> list[Finding]:
    """The marketplaces an account sells in against those configured; all differences at once.

    Args:
        connection: The connection.
        participations: Those that Amazon names, of marketplaces of any kind.
        imported: Ids of the marketplaces that this account's connections have, this one's included.
    """
    there = {one.marketplace_id: one for one in participations if one.is_participating}
    absent = [place.name for place in connection.marketplaces if place.marketplace_id not in there]
    found = []
    sells_in = [BY_ID[key].name for key in there if key in BY_ID]
    if absent:
        found.append(
            failed(
                f"the account does not sell in {', '.join(absent)}; it sells in {', '.join(sells_in) or 'none'}",
                f"Correct marketplaces of {connection.name} in connections.yaml, or the credentials: they may belong"
                " to another seller or region.",
            )
        )
    left_out = [
        BY_ID[key].name
        for key in there
        if key in BY_ID and BY_ID[key].region == connection.region and key not in imported
    ]
    if left_out:
        found.append(
            warning(
                f"the account also sells in {', '.join(left_out)}, whose orders are not imported",
                f"Add {', '.join(left_out)} to marketplaces of a connection, unless another system ships these orders.",
            )
        )
    suspended = [
        place.name
        for place in connection.marketplaces
        if place.marketplace_id in there and there[place.marketplace_id].has_suspended_listings
    ]
    if suspended:
        found.append(
            warning(
                f"listings are suspended in {', '.join(suspended)}",
                "If this is not intended, check Seller Central > Account Health, or end the holiday setting.",
            )
        )
    if not absent:
        names = ", ".join(place.name for place in connection.marketplaces)
        found.append(ok(f"the account sells in {names}, as configured"))
    return found
