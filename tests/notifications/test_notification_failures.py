"""What AWS refuses becomes one of our errors, whose class says whether it passes by itself."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    ReadTimeoutError,
)

from mfn.errors import ConfigurationError, FatalError, RetriableError
from mfn.notifications.sqs import _explained

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/mfn-orders"


def refusal(status: int, code: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "ReceiveMessage")


FAULTS: list[tuple[Exception, type[Exception], str]] = [
    (refusal(403, "AccessDenied"), FatalError, "sqs:ReceiveMessage"),
    (refusal(400, "AccessDeniedException"), FatalError, "sqs:ReceiveMessage"),
    (refusal(403, "InvalidClientTokenId"), FatalError, "renew"),
    (refusal(400, "ExpiredToken"), FatalError, "renew"),
    (refusal(403, "SignatureDoesNotMatch"), FatalError, "renew"),
    (refusal(400, "IncompleteSignature"), FatalError, "renew"),
    (refusal(403, "KMS.AccessDeniedException"), FatalError, "kms:Decrypt"),
    (refusal(400, "AWS.SimpleQueueService.NonExistentQueue"), FatalError, "queue_url"),
    (refusal(404, "QueueDoesNotExist"), FatalError, "queue_url"),
    (refusal(404, "InvalidAddress"), FatalError, "queue_url"),
    (refusal(401, "Unauthorized"), FatalError, "renew"),
    (refusal(403, "OptInRequired"), FatalError, "renew"),
    (refusal(400, "InvalidParameterValue"), FatalError, "docs/notifications.md"),
    (refusal(400, "ThrottlingException"), RetriableError, "Nothing is lost"),
    (refusal(403, "RequestThrottled"), RetriableError, "Nothing is lost"),
    *((refusal(400, code), RetriableError, "Nothing is lost") for code in ("Throttling", "KmsThrottled", "SlowDown")),
    (refusal(403, "OverLimit"), RetriableError, "Nothing is lost"),
    (refusal(408, "RequestTimeout"), RetriableError, "Nothing is lost"),
    (refusal(429, "TooMany"), RetriableError, "Nothing is lost"),
    (refusal(500, "InternalError"), RetriableError, "Nothing is lost"),
    (refusal(503, "ServiceUnavailable"), RetriableError, "Nothing is lost"),
    (EndpointConnectionError(endpoint_url=URL), RetriableError, "Nothing is lost"),
    (ConnectTimeoutError(endpoint_url=URL), RetriableError, "Nothing is lost"),
    (ReadTimeoutError(endpoint_url=URL), RetriableError, "Nothing is lost"),
    (CredentialRetrievalError(provider="web-identity", error_msg="later"), RetriableError, "Nothing is lost"),
    (NoCredentialsError(), ConfigurationError, "AWS_ACCESS_KEY_ID"),
    (ProfileNotFound(profile="mine"), ConfigurationError, "AWS_ACCESS_KEY_ID"),
    (NoRegionError(), ConfigurationError, "notifications.region"),
]


@pytest.mark.parametrize(("fault", "kind", "remedy"), FAULTS, ids=lambda value: str(value)[:60])
def test_each_aws_fault_becomes_one_of_our_errors(fault: Exception, kind: type[Exception], remedy: str) -> None:
    with pytest.raises((FatalError, RetriableError, ConfigurationError)) as caught, _explained(URL):
        raise fault
    assert type(caught.value) is kind
    assert URL in caught.value.message
    assert remedy in caught.value.remedy
