"""Rendering the pages of the report site, in the same layout and style as the reports of runs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse

from mfn.reports.templating import environment, style_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from markupsafe import Markup

Row = TypeVar("Row")

PAGE_SIZE = 50
POLICY = (
    "default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No script, nothing from another host, in nobody's frame; forms lead back here."""


def one_page(find: Callable[..., Sequence[Row]], number: int) -> tuple[Sequence[Row], bool]:
    """One page of a long list, and whether it is the last.

    Args:
        find: What finds a part of the list, by its `limit` and `offset`.
        number: Which page, from 1.
    """
    found = find(limit=PAGE_SIZE + 1, offset=(number - 1) * PAGE_SIZE)
    return found[:PAGE_SIZE], len(found) <= PAGE_SIZE


def page(template: str, *, root: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of the site.

    Args:
        template: Its name in `reports/templates/site`, without its suffix.
        root: The way from the page back to the site's first page, e.g. `../`; links are relative, so that the site
            may lie below any address.
        status: The HTTP status.
        values: What the template shows; every text is escaped.
    """
    style = _style()
    text = environment().get_template(f"site/{template}.html.j2").render(
        **style, root=root, path=quoted, query=query, **values
    )  # fmt: skip
    policy = POLICY.format(style=f"'sha256-{style['style_hash']}'")
    return HTMLResponse(text, status, headers={"Content-Security-Policy": policy})


def run_page(text: str) -> HTMLResponse:
    """The report of a run as it was written.

    Its own policy, in its head, lets in the one style sheet that it was written with, which may be an older one.

    Args:
        text: The page.
    """
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY.format(style="'unsafe-inline'")})


def quoted(part: str) -> str:
    """An id as one part of an address."""
    return quote(part, safe="")


def query(values: Mapping[str, Any], **changes: Any) -> str:
    """What an address has from its question mark on; what is empty or None is left out.

    Args:
        values: Names and values.
        changes: Others in their place.
    """
    given = {name: value for name, value in {**values, **changes}.items() if value not in {None, ""}}
    return f"?{urlencode(given)}" if given else ""


@cache
def _style() -> Mapping[str, Markup]:
    return style_of("style.css", "site/site.css")
