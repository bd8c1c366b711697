"""The task of the report: the page, and the artifacts in the Prefect UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from mfn.reports.markdown import held_rows, render_markdown
from mfn.settings import load_settings
from mfn.steps.report import gate, gather, write_page
from mfn.steps.summaries import report_url
from tasks.alerts import send_alerts
from tasks.running import named_only
from tasks.showing import only_shown

if TYPE_CHECKING:
    from mfn.models import BatchRef
    from mfn.reports.model import RunReport


WAITING = {
    "import": "held-orders",
    "confirm": "held-parcels",
    "inventory": "held-skus",
    "reconcile": "differing-orders",
}
"""The name of the table of what waits for a person, for the kinds of run after which anything may."""


@task(name="report", task_run_name="report {batch.batch_id}", cache_policy=NO_CACHE, persist_result=False)
def report(batch: BatchRef) -> None:
    """Write the data-quality report, also of a run that failed, and close the batch.

    Args:
        batch: The batch, as far as it got.

    Raises:
        FatalError: A gate is closed: too many of the due orders are held, or the warehouse is not believed; or parcels
            or levels failed permanently, or a reconciliation found differences.
    """
    with named_only("report", batch):
        settings = load_settings()
        closed = gate(batch, settings)
        gathered = gather(batch, settings)
        page = write_page(batch, settings, gathered)
        url = report_url(settings, batch.batch_id) or page.as_uri()
        with only_shown("the report"):
            _show(batch, gathered, url)
        send_alerts(batch.batch_id, settings, url)
        if closed is not None:
            raise closed


def _show(batch: BatchRef, gathered: RunReport, url: str) -> None:
    """The artifacts of the run: the link to its page, the report in short, and what waits for a person."""
    key = batch.connection.replace("_", "-")
    create_link_artifact(
        key=f"{batch.kind}-page-{key}",
        link=url,
        link_text=f"The report of {batch.batch_id}",
        description=f"The report page of the newest {batch.kind} run of {batch.connection}",
    )
    create_markdown_artifact(
        key=f"{batch.kind}-report-{key}",
        markdown=render_markdown(gathered, url=url),
        description=f"The data-quality report of the newest {batch.kind} run of {batch.connection}",
    )
    if batch.kind in WAITING:
        create_table_artifact(
            key=f"{WAITING[batch.kind]}-{key}",
            table=held_rows(gathered),
            description=f"What needs a person's attention in {batch.connection}, and why",
        )
