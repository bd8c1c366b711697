"""The report site on a port of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from mfn.serving import base_url, listen, serve_until_interrupted
from mfn.site.app import build_site

if TYPE_CHECKING:
    from collections.abc import Callable

    from mfn.settings import Settings


def serve(settings: Settings, host: str, port: int, *, on_ready: Callable[[str], None]) -> None:
    """Serve the report site until interrupted; prints nothing.

    Args:
        settings: The settings in force.
        host: The address to listen on.
        port: The port; 0 for a free one.
        on_ready: Told the site's address once it answers.

    Raises:
        ConfigurationError: The port is taken.
    """
    listener = listen(host, port)
    config = uvicorn.Config(
        build_site(settings),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    serve_until_interrupted(config, listener, on_ready=lambda: on_ready(base_url(host, listener)))
