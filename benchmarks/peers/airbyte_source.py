"""airbyte's source for Amazon Seller Partner, asking the local Amazon: `python airbyte_source.py ENDPOINT read …`.

Runs with the Python of the environment that the source was installed into, and knows nothing of this project. Where
the source sends its requests, and how long it waits, is all that is changed:

- Its addresses are fixed; every request goes to the endpoint instead.
- The pace that its manifest sets itself, a page of orders a minute and an order's items in two seconds, is left out:
  rates are not what is measured.
- A wait before a request is made again takes a hundredth of its time; what it would have waited is told on standard
  error when the program ends.
"""

import atexit
import sys
import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from airbyte_cdk.sources.declarative.yaml_declarative_source import (  # type: ignore[import-not-found]
    YamlDeclarativeSource,
)
from source_amazon_seller_partner.run import run  # type: ignore[import-not-found]

FASTER = 100
WAITING = {"backoff._sync", "airbyte_cdk.sources.streams.http.rate_limiting"}
"""The modules that wait before a request is made again."""

endpoint = urlsplit(sys.argv.pop(1))
send, wait, parse = requests.adapters.HTTPAdapter.send, time.sleep, YamlDeclarativeSource._parse  # noqa: SLF001
waited = [0.0]


def send_here(adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
    """Send a request to the local Amazon."""
    there = urlsplit(request.url)
    request.url = urlunsplit((endpoint.scheme, endpoint.netloc, there.path, there.query, ""))
    return send(adapter, request, *args, **options)


def wait_less(seconds: float) -> None:
    """Wait a hundredth of the time before a request is made again."""
    if sys._getframe(1).f_globals["__name__"] in WAITING:  # noqa: SLF001 - who waits is known no other way
        waited[0] += seconds
        wait(seconds / FASTER)
    else:
        wait(seconds)


def without_pace(manifest: str) -> Any:
    """The manifest, but for the pace that it sets."""
    return {name: part for name, part in parse(manifest).items() if name != "api_budget"}


for where, name, instead in (
    (requests.adapters.HTTPAdapter, "send", send_here),
    (time, "sleep", wait_less),
    (YamlDeclarativeSource, "_parse", staticmethod(without_pace)),
):
    setattr(where, name, instead)
atexit.register(lambda: print(f"waited {waited[0]:.1f}", file=sys.stderr))
run()
