"""What the documents show of results, as charts: SVG, the same bytes for the same result on one machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from benchmarks.goals import ROOT
from benchmarks.results import encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from benchmarks.results import Result, Row

FOLDER = ROOT / "docs" / "images" / "performance"
PAPER, INK, RULE = "#fbfbfa", "#4c4c48", "#e2e2de"
COLOURS = ["#17826f", "#5b6fa8", "#b8630f", "#8d8d86", "#a23b5c", "#6f8f2f", "#3f3f3b"]
WIDTH, HEIGHT = 560, 260
MOST_MIB = 600
SHOWN_PACKAGES = 6
MICROSECONDS = "µs of CPU an order"


def cost_of_an_order(result: Result) -> alt.TopLevelMixin:
    """What an order costs, by how many there are."""
    return _curve(result, "cpu_us_per_order", MICROSECONDS)


def memory(result: Result) -> alt.TopLevelMixin:
    """The most memory, by how many orders there are, below the line that was promised."""
    line = alt.Chart(_data([{"most": MOST_MIB}])).mark_rule(strokeDash=[4, 4], color=COLOURS[2]).encode(y="most:Q")
    return alt.layer(_curve(result, "peak_mib", "peak memory, MiB"), line)


def _curve(result: Result, column: str, title: str) -> alt.Chart:
    points = [
        {"orders": row["orders"], "way": f"{row['source']}, {row['database']}", column: row[column]}
        for row in result.table("imports")
    ]
    chart: alt.Chart = (
        alt.Chart(_data(points), width=WIDTH, height=HEIGHT)
        .mark_line(point=True)
        .encode(
            x=alt.X("orders:Q", title="orders").scale(type="log").axis(format="~s", grid=False),
            y=alt.Y(f"{column}:Q", title=title).scale(zero=True),
            color=alt.Color("way:N", title=None, sort=None).scale(range=COLOURS),
        )
    )
    return chart


def packages_of_steps(result: Result) -> alt.TopLevelMixin:
    """What each step spends, by package."""
    rows = result.table("packages")
    spent: dict[Any, float] = {}
    for row in rows:
        spent[row["package"]] = spent.get(row["package"], 0.0) + _number(row, "cpu_us_per_order")
    largest = sorted(spent, key=lambda package: -spent[package])[:SHOWN_PACKAGES]
    bars = [
        {
            "step": row["step"],
            "package": row["package"] if row["package"] in largest else "others",
            "cost": row["cpu_us_per_order"],
        }
        for row in rows
    ]
    chart: alt.Chart = (
        alt.Chart(_data(bars), width=WIDTH, height=160)
        .mark_bar()
        .encode(
            x=alt.X("sum(cost):Q", title=MICROSECONDS),
            y=alt.Y("step:N", title=None, sort=None),
            color=alt.Color("package:N", title=None, sort=[*largest, "others"]).scale(range=COLOURS),
            order=alt.Order("sum(cost):Q", sort="descending"),
        )
    )
    return chart


def age_by_hour(result: Result) -> alt.TopLevelMixin:
    """How old the oldest order is that the warehouse does not have, over the day, and at the least."""
    points = [
        {"scenario": row["scenario"], "hour": row["hour"], "of": of, "minutes": _number(row, column) / 60}
        for row in result.table("hours")
        for of, column in (("measured", "oldest_seconds"), ("at the least", "bound_seconds"))
    ]
    chart: alt.Chart = (
        alt.Chart(_data(points), width=WIDTH / 2, height=HEIGHT / 2)
        .mark_line()
        .encode(
            x=alt.X("hour:Q", title="hour of the day"),
            y=alt.Y("minutes:Q", title="minutes"),
            color=alt.Color("of:N", title=None, sort=None).scale(range=COLOURS),
            strokeDash=alt.StrokeDash("of:N", title=None, sort=None),
            facet=alt.Facet("scenario:N", title=None, columns=2, sort=None),
        )
        .resolve_scale(y="independent")
    )
    return chart


def orders_a_second(result: Result) -> alt.TopLevelMixin:
    """How many orders a second are processed again, by how many workers there are, or by none of Prefect's."""
    bars = [
        {
            "workers": f"{row['what']}, {row['workers'] or 'without Prefect'}",
            "rate": row["orders_per_second"],
        }
        for row in result.rows
        if row.get("workers") is not None and row.get("orders_per_second") is not None
    ]
    chart: alt.Chart = (
        alt.Chart(_data(bars), width=WIDTH, height={"step": 24})
        .mark_bar(color=COLOURS[0])
        .encode(x=alt.X("rate:Q", title="orders a second"), y=alt.Y("workers:N", title=None, sort=None))
    )
    return chart


def fairness(result: Result) -> alt.TopLevelMixin:
    """How long an import takes, alone and beside others: the median, and what 95 of 100 stay below."""
    bars = [
        {
            "round": f"{how}, {str(row['round']).replace('_', ' ')}",
            "of": "median" if percentile == "p50" else "95 of 100",
            "seconds": row[f"{measured}_{percentile}_seconds"],
        }
        for table, measured, how in (("processes", "import", "a process"), ("flow_runs", "done", "a flow run"))
        for row in result.table(table)
        for percentile in ("p50", "p95")
    ]
    chart: alt.Chart = (
        alt.Chart(_data(bars), width=WIDTH, height={"step": 14})
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="s"),
            y=alt.Y("round:N", title=None, sort=None),
            yOffset=alt.YOffset("of:N", sort=None),
            color=alt.Color("of:N", title=None, sort=None).scale(range=COLOURS),
        )
    )
    return chart


def peers(result: Result) -> alt.TopLevelMixin:
    """What one more clean order costs each way."""
    bars = [{"way": row["way"], "cost": row["cpu_us_of_one_more"]} for row in result.table("clean")]
    chart: alt.Chart = (
        alt.Chart(_data(bars), width=WIDTH, height=120)
        .mark_bar(color=COLOURS[0])
        .encode(x=alt.X("cost:Q", title="µs of CPU of one more order"), y=alt.Y("way:N", title=None, sort=None))
    )
    return chart


def _number(row: Row, column: str) -> float:
    value = row[column]
    return float(value) if isinstance(value, int | float) else 0.0


CHARTS: dict[str, dict[str, Callable[[Result], alt.TopLevelMixin]]] = {
    "cost_curve": {"cost_of_an_order": cost_of_an_order, "memory": memory},
    "many_connections": {"fairness": fairness},
    "peers": {"peers": peers},
    "profile_import": {"packages_of_steps": packages_of_steps},
    "reprocess": {"orders_a_second": orders_a_second},
    "simulated_day": {"age_by_hour": age_by_hour},
}
"""By benchmark, its charts by the name of their file."""


def write_charts(result: Result, folder: Path = FOLDER) -> list[Path]:
    """Draw the charts of a result.

    Args:
        result: The result.
        folder: Where to; made where it is not there.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in CHARTS.get(result.name, {}).items():
        path = folder / f"{name}.svg"
        path.write_text(drawn(draw(result), result), encoding="utf-8")
        written.append(path)
    return written


def drawn(chart: alt.TopLevelMixin, result: Result) -> str:
    """A chart as SVG, with a mark that tells of which result it is."""
    styled = chart.configure(background=PAPER, font="Liberation Sans, Arial, sans-serif", padding=12)
    styled = styled.configure_axis(labelColor=INK, titleColor=INK, gridColor=RULE, domainColor=RULE, tickColor=RULE)
    styled = styled.configure_view(stroke=None).configure_legend(labelColor=INK, orient="bottom", columns=3)
    return f"{vl_convert.vegalite_to_svg(styled.to_dict())}\n{mark_of(result)}\n"


def mark_of(result: Result) -> str:
    """The comment at the end of a chart: which result it shows."""
    return f"<!-- {result.name} {hashlib.sha256(encoded(result)).hexdigest()} -->"


def _data(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])
