"""Login with Amazon: access tokens, and who may call.

Form and errors: Selling Partner API documentation, "Connect to the Selling Partner API", and OAuth 2.0 (RFC 6749).
"""

import secrets
import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from mfn.simulator.operations import local_amazon, operations
from mfn.simulator.replies import AmazonError, json_reply

TOKEN_SECONDS = 3600


class AccessTokens:
    """The access tokens that were given out; each lasts an hour of the machine's time, as the caller counts it."""

    def __init__(self) -> None:
        self._expiry: dict[str, float] = {}

    def issue(self) -> str:
        """A new token."""
        token = f"Atza|{secrets.token_urlsafe(48)}"
        self._expiry[token] = time.monotonic() + TOKEN_SECONDS
        return token

    def expire(self) -> None:
        """Let every token that was given out be too old from now on."""
        self._expiry = dict.fromkeys(self._expiry, 0.0)

    def check(self, token: str | None) -> None:
        """Let a request in.

        Args:
            token: The header `x-amz-access-token`.

        Raises:
            AmazonError: 403, there is none, or it is unknown or too old.
        """
        if not token:
            raise _denied("Access token is missing in the request header.")
        if token not in self._expiry:
            raise _denied("The access token you provided is revoked, malformed or invalid.")
        if self._expiry[token] <= time.monotonic():
            raise _denied("The access token you provided has expired.")


def _denied(details: str) -> AmazonError:
    return AmazonError(403, "Unauthorized", "Access to requested resource is denied.", details)


router = operations()


@router.post("/auth/o2/token", operation_id="loginWithAmazon")
async def log_in(request: Request) -> Response:
    """An access token for a refresh token; every application and refresh token that is not empty is known here."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    if form.get("grant_type") != "refresh_token":
        return _refused(400, "unsupported_grant_type", "The authorization grant type is not supported.")
    if not form.get("client_id") or not form.get("client_secret"):
        return _refused(401, "invalid_client", "Client authentication failed.")
    if not form.get("refresh_token"):
        return _refused(400, "invalid_request", "The request is missing a required parameter: refresh_token.")
    return json_reply(
        {
            "access_token": local_amazon(request).access.issue(),
            "refresh_token": form["refresh_token"],
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
        }
    )


def _refused(status: int, error: str, description: str) -> Response:
    return json_reply({"error": error, "error_description": description}, status)
