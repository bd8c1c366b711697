"""Step `API access`, if a queue is configured: whether it answers, and whether its messages can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mfn.ledger.refused_notifications import refused_notifications
from mfn.notifications.reading import open_queue
from mfn.steps.checking.findings import counted, ok, warning

if TYPE_CHECKING:
    from mfn.steps.checking.findings import Finding
    from mfn.steps.checking.place import CheckPlace


def queue_findings(place: CheckPlace) -> list[Finding]:
    """Whether the connection's queue answers; nothing if it has none. No message is taken from it.

    Raises:
        MfnError: The queue does not answer, or refuses; boto3, its credentials or a region is missing.
    """
    section, name = place.connection.notifications, place.connection.name
    if section.queue_url is None:
        return []
    depth = open_queue(section).depth()
    found = [ok(f"the queue {section.queue_url} answers: {counted(depth.waiting, 'message')} to read")]
    if refused := len(refused_notifications(place.ledger, name)):
        text = f"{counted(refused, 'message')} on the queue could not be used in the last 30 days"
        found.append(warning(text, f"mfn notifications {name} lists them and why; the search finds their orders."))
    return found
