"""The templates of the reports and of the report site: everything is escaped, and nothing comes from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mfn.plain_text import shown_lines
from mfn.reports.grouping import title_of
from mfn.reports.wording import (
    by_count,
    counted,
    date,
    edge,
    feed_state,
    hours_left,
    lasted,
    late_by,
    lost_percent,
    moment,
    moved,
    not_believed,
    number,
    utc,
)

COLOURS = {
    "held": "held-colour",
    "failed": "failed-colour",
    "differing": "held-colour",
    "matched": "loaded",
    "purged": "loaded",
    "kept": "unchanged",
}


def colour(name: str) -> str:
    """The class that gives a part of the sum its colour; the bare names of some are those of pills."""
    return COLOURS.get(name, name)


def _shown(value: object) -> object:
    return shown_lines(value) if type(value) is str else value  # a Markup is one of ours


@cache
def environment() -> Environment:
    """The templates, each text that goes into them escaped, with the filters that make words of figures."""
    made = Environment(
        loader=PackageLoader("mfn.reports"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(style_of("style.css"))
    filters = (
        by_count, colour, counted, date, edge, feed_state, hours_left, lasted, late_by, lost_percent, moment,
        moved, not_believed, number, title_of, utc,
    )  # fmt: skip
    made.filters.update({one.__name__: one for one in filters})
    return made


def style_of(*names: str) -> dict[str, Markup]:
    """`style`, the content of style sheets, and `style_hash`, by which a page's own policy allows it.

    Args:
        names: The style sheets, in their order.
    """
    folder = files("mfn.reports").joinpath("templates")
    style = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": Markup(style), "style_hash": Markup(digest)}  # noqa: S704 - our own files
