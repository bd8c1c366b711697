"""`mfn batches`, `mfn rerun` and `mfn report`: what ran, what failed, run it again, read what it found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfn.cli.output import (
    PASTED,
    JsonOption,
    most_rows,
    print_json,
    print_left_out,
    print_line,
    print_nothing,
    print_several,
    print_table,
)
from mfn.errors import ConfigurationError, MfnError
from mfn.models import SUMMED
from mfn.moments import iso
from mfn.settings import load_settings

if TYPE_CHECKING:
    from mfn.models import BatchKind


def add_to(application: typer.Typer) -> None:
    """Add the commands of this file."""
    application.command("batches")(batches)
    application.command("rerun")(rerun)
    application.command("report")(report)


def batches(
    failed: Annotated[bool, typer.Option("--failed", help="Only batches that failed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what ran, newest first."""
    from mfn.ledger.batch_failures import note_dead_batches  # noqa: PLC0415 - so that --help answers at once
    from mfn.ledger.batch_listing import list_batches  # noqa: PLC0415 - so that --help answers at once
    from mfn.ledger.opening import ledger_if_any  # noqa: PLC0415

    settings = load_settings()
    rows: list[dict[str, Any]] = []
    most = None if as_json else most_rows()
    ledger = ledger_if_any(settings)
    if ledger is not None:
        note_dead_batches(ledger)
        limit = None if most is None else most + 1
        rows = [_shown(row) for row in list_batches(ledger, failed=failed, limit=limit)]
    if as_json:
        print_json({"batches": rows})
    elif not rows:
        print_nothing("failed batches" if failed else "batches", settings, is_there=ledger is not None)
    else:
        print_table(
            ("batch", "status", "last stage", "started (UTC)", "input", "done", "held", "error"),
            [
                (
                    row["batch_id"],
                    row["status"] if row["failed_at"] is None else f"failed at {row['failed_at']}",
                    row["stage"],
                    (row["started_at"] or "")[:19].replace("T", " "),
                    *(row["counts"].get(name, "") for name in _columns(row["kind"])),
                    row["error"],
                )
                for row in rows[:most]
            ],
        )
        if len(rows) > len(rows[:most]):
            print_left_out(f"the newest {most}", f"mfn batches{' --failed' if failed else ''}")


def _columns(kind: BatchKind) -> tuple[str, str, str]:
    """The columns of a kind of run: what it was given, what it did with that, and what waits for a person."""
    given, done = SUMMED[kind][:2]
    return given, done, "differing" if kind == "reconcile" else "held"


def _shown(row: Any) -> dict[str, Any]:
    from mfn.ledger.batch_failures import failed_at  # noqa: PLC0415 - so that --help answers at once

    return {
        "batch_id": row.batch_id,
        "connection": row.connection,
        "kind": row.kind,
        "status": row.status,
        "stage": row.stage,
        "failed_at": failed_at(row),
        "counts": row.counts,
        "error": row.error,
        "remedy": row.remedy,
        "window": {"after": iso(row.window_after), "before": iso(row.window_before)},
        "started_at": iso(row.started_at),
        "finished_at": iso(row.finished_at),
        "report": row.report,
        "flow_run_id": row.flow_run_id,
    }


def rerun(
    batch: Annotated[
        list[str] | None,
        typer.Argument(metavar="BATCH", help="Batch ids; see mfn batches.", show_default=False, parser=PASTED),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Every batch that failed.")] = False,
    from_stage: Annotated[
        str | None,
        typer.Option(
            help="The stage to start with. import: extract, validate, transform, load;"
            " confirm: collect, normalize, confirm, verify; inventory: read, compare, push, verify;"
            " reconcile: search, compare; purge: purge, scrub."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run batches again, from where they failed. Nothing is done twice."""
    wanted = list(dict.fromkeys(batch or []))
    if bool(wanted) == failed:
        raise ConfigurationError("rerun takes either batch ids or --failed.", remedy="See mfn batches --failed.")
    from mfn.steps.rerunning.reruns import check_batches, failed_batches, rerun_batch  # noqa: PLC0415 - pandas takes a second

    settings = load_settings()
    chosen = failed_batches(settings) if failed else wanted
    check_batches(settings, chosen, from_stage=from_stage)
    results: list[dict[str, Any]] = []
    errors: list[MfnError] = []
    for batch_id in chosen:
        try:
            summary = rerun_batch(settings, batch_id, from_stage=from_stage)
        except MfnError as error:
            errors.append(error)
            results.append({"batch_id": batch_id, "status": "failed", "error": error.message, "remedy": error.remedy})
        else:
            results.append(summary)

    def show() -> None:
        for result in results:
            at = f", report: {result['report']}" if result.get("report") else ""
            print_line(f"{result['batch_id']}: {result['status']}{at}")
        if not results:
            print_line("nothing to run again")

    print_several({"batches": results}, errors, show, of=len(chosen), as_json=as_json)


def report(
    batch: Annotated[
        str | None,
        typer.Argument(
            metavar="BATCH",
            help="A batch id. Default: the index of all runs.",
            show_default=False,
            parser=PASTED,
        ),
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the path of a run's report, or open it."""
    settings = load_settings()
    path = settings.reports / "index.html"
    missing = ConfigurationError(
        f"there is no report at {path} yet.", remedy="Every run writes it, for example mfn import CONNECTION."
    )
    if batch is not None:
        from mfn.ledger.batches import get_batch  # noqa: PLC0415 - so that --help answers at once
        from mfn.ledger.opening import existing_ledger  # noqa: PLC0415

        row = get_batch(existing_ledger(settings), batch)
        path = settings.reports / f"{batch}.html"
        if row.report is not None and not path.is_file():  # with another MFN_HOME; one that was moved has it here
            path = Path(row.report)
        missing = ConfigurationError(
            f"there is no report at {path}: the run is not finished, its report is on another machine, or was deleted.",
            remedy=f"To see what the ledger knows about the run: mfn site, then open /runs/{batch}.",
        )
    if not path.is_file():
        raise missing
    if as_json:
        print_json({"report": str(path)})
    else:
        print_line(str(path))
    if open_:
        typer.launch(path.as_uri())
