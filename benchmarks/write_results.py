"""Put the newest results into the documents: `python -m benchmarks.write_results [NAME …]`.

Of each benchmark that is named, or of all, the newest run with its default options (or a file that is named instead)
becomes `results/NAME.json`. Of every such file the tables of the documents are made, between `<!-- NAME.PART -->` and
`<!-- /NAME.PART -->`, and the charts. PART is `about`, `goals`, one of `benchmarks.tables.PARTS` or of
`benchmarks.charts.CHARTS`; `all.goals` are the goals of all of them.
"""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.charts import CHARTS, FOLDER, write_charts
from benchmarks.goals import ROOT, console
from benchmarks.peers.tables import write_into_readme
from benchmarks.results import RESULTS, encoded, published, read_result, runs_of
from benchmarks.tables import PARTS, about, goals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.results import Result

DOCUMENTS = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
PART = re.compile(r"(<!-- ([a-z_]+)\.([a-z_]+) -->\n).*?(<!-- /\2\.\3 -->)", flags=re.DOTALL)
NOTHING_YET = "No figures yet: `python -m benchmarks.{name}`, then `python -m benchmarks.write_results`."


def main() -> None:
    """Publish what is named, and write documents and charts."""
    parser = argparse.ArgumentParser(description="Put the newest results into the documents.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="benchmarks, or files of results; none: every benchmark"
    )
    publish(parser.parse_args().names)
    results = published()
    for result in results.values():
        for path in write_charts(result):
            console.print(f"drew {path.relative_to(ROOT)}")
    for document in DOCUMENTS:
        before = document.read_text(encoding="utf-8")
        after = with_results(before, results)
        if after != before:
            document.write_text(after, encoding="utf-8")
            console.print(f"wrote {document.relative_to(ROOT)}")
    if "peers" in results:
        write_into_readme(results["peers"])


def publish(names: Sequence[str]) -> None:
    """Make runs what the documents show.

    Args:
        names: Benchmarks, of which the newest run counts that was told nothing but its defaults, or files; none: every
            benchmark that has such a run.
    """
    for name in names or sorted({path.stem.rsplit("-", 2)[0] for path in RESULTS.glob("*-*-*.json")}):
        path = Path(name) if name.endswith(".json") else _newest(name)
        if path is None:
            console.print(f"{name}: no run with its default options", style="bold")
            continue
        result = read_result(path)
        (RESULTS / f"{result.name}.json").write_bytes(encoded(result))
        console.print(f"{result.name}: {path.name}")


def _newest(name: str) -> Path | None:
    return next((path for path in reversed(runs_of(name)) if not read_result(path).options), None)


def with_results(document: str, results: Mapping[str, Result]) -> str:
    """A document with every part that it marks as the results have it.

    Args:
        document: Markdown.
        results: What is published, by benchmark.

    Raises:
        KeyError: It marks a part that there is not.
    """
    return PART.sub(partial(_filled, results), document)


def _filled(results: Mapping[str, Result], found: re.Match[str]) -> str:
    begin, name, part, end = found.groups()
    return f"{begin}\n{shown_part(results, name, part)}\n\n{end}"


def shown_part(results: Mapping[str, Result], name: str, part: str) -> str:
    """One part.

    Args:
        results: What is published, by benchmark.
        name: A benchmark, or `all`.
        part: `about`, `goals`, or one of the benchmark's own tables and charts.

    Raises:
        KeyError: There is no such part.
    """
    if name == "all":
        return goals(list(results.values())) if results else NOTHING_YET.format(name="NAME")
    make = {"about": about, "goals": lambda result: goals([result]), **PARTS.get(name, {}), **_pictures(name)}[part]
    return make(results[name]) if name in results else NOTHING_YET.format(name=name)


def _pictures(name: str) -> dict[str, Callable[[Result], str]]:
    """The charts of a benchmark, as the documents show them."""
    return {chart: partial(_picture, chart, draw.__doc__ or "") for chart, draw in CHARTS.get(name, {}).items()}


def _picture(chart: str, caption: str, _result: Result) -> str:
    return f"![{caption.rstrip('.')}]({(FOLDER / chart).relative_to(ROOT / 'docs')}.svg)"


if __name__ == "__main__":
    main()
