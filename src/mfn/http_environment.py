"""Proxies and certificates that the environment sets for every HTTP client, with plain errors if they cannot be used.

What this machine itself serves, a Prefect server, the report site or the local Amazon, is reached without a proxy: that
would look for it on its own machine.
"""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from mfn.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CERTIFICATES = "SSL_CERT_FILE"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HERE = ("localhost", "127.0.0.1", "::1")
DIRECTLY: Mapping[str, httpx.BaseTransport | None] = {
    "all://localhost": None,
    "all://127.0.0.1": None,
    "all://[::1]": None,
}
"""The `mounts` of a client that reaches this machine without a proxy."""


@contextmanager
def errors_in_words() -> Iterator[None]:
    """A context for the creation of a client, which is when httpx reads the environment.

    Raises:
        ConfigurationError: A file of certificates, or a proxy, cannot be used; names the variables, and not what they
            hold, for a proxy's address may have a password in it.
    """
    try:
        yield
    except OSError as error:  # ssl.SSLError is an OSError
        why = "it is not a certificate file" if isinstance(error, ssl.SSLError) else error.strerror
        remedy = "Set it to a certificate file in PEM format, or remove the variable."
        raise _wrong([CERTIFICATES], f"names a file that cannot be used ({why}).", remedy) from None
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        why = "SOCKS is not supported" if isinstance(error, ImportError) else "not the address of a proxy"
        names = [name for name in os.environ if name.upper() in PROXIES]
        remedy = "Set it to an HTTP proxy such as http://proxy.example.com:3128, or remove the variable."
        raise _wrong(names, f"names a proxy that cannot be used ({why}).", remedy) from None


def directly_here(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for another program, so that it, too, reaches this machine without a proxy.

    Args:
        environ: The environment; its own proxy exceptions are kept.
    """
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""  # if both are set, the first one applies
    return {**environ, "no_proxy": ",".join(filter(None, (given, *HERE)))}


def _wrong(names: list[str], message: str, remedy: str) -> ConfigurationError:
    name = ", ".join(names) or None
    return ConfigurationError(problems=(Problem("the environment", None, name, message, remedy),))
