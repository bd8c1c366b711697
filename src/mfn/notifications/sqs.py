"""A queue of Amazon SQS: its messages, their number, and its failures as this project's errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3  # noqa: TID251 - the one place that talks to SQS
import msgspec
from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError

from mfn.errors import ConfigurationError, FatalError, MfnError, RetriableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from types_boto3_sqs.client import SQSClient

    from mfn.connection import Notifications

AT_ONCE = 10
"""SQS hands out and deletes at most ten messages a call (its API reference, ReceiveMessage and DeleteMessageBatch)."""

ANSWER_SECONDS = 10
"""How long SQS may take to answer."""

NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"}
THROTTLED = {"Throttling", "ThrottlingException", "RequestThrottled", "OverLimit", "KmsThrottled", "SlowDown"}
NO_ANSWER_OF_SQS = (ResponseParserError, KeyError, TypeError, AttributeError, ValueError)
"""What boto3, or the code that reads its result, raises for an answer of another form."""

SERVER_ERROR = 500
UNAUTHORIZED, FORBIDDEN, REQUEST_TIMEOUT, TOO_MANY = 401, 403, 408, 429

GOES_ON = (
    "Nothing is lost: the messages wait on the queue, and the scheduled import searches meanwhile. If the fault"
    " persists, check the network between this machine and SQS, and the health of AWS in that region."
)
PERMISSIONS = "sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes"


class Message(NamedTuple):
    """A message as SQS hands it out.

    Attributes:
        message_id: The id that SQS gave it.
        receipt: Needed to delete it; a new one each time the message is handed out.
        body: What was sent.
    """

    message_id: str
    receipt: str
    body: str


class Depth(NamedTuple):
    """How many messages a queue has, as far as SQS knows.

    Attributes:
        waiting: To be handed out.
        in_flight: Handed out and not deleted yet.
    """

    waiting: int
    in_flight: int


class Queue:
    """A queue of Amazon SQS, reached with the credentials that boto3 finds in its own places.

    Args:
        notifications: Which queue.

    Raises:
        ConfigurationError: Something that boto3 read is wrong: its own configuration, a profile.
    """

    def __init__(self, notifications: Notifications) -> None:
        self.url = str(notifications.queue_url)
        patient = Config(
            connect_timeout=ANSWER_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        with _explained(self.url):
            # A session of its own: the one that boto3 keeps for all may not be shared by threads.
            self._client: SQSClient = boto3.session.Session().client(
                "sqs", region_name=notifications.region, endpoint_url=notifications.endpoint, config=patient
            )

    def receive(self) -> list[Message]:
        """Up to ten messages that are there now, hidden from others until the queue's visibility timeout is over.

        Raises:
            RetriableError: SQS cannot be reached, or throttles.
            FatalError: It refuses, or has no such queue.
            ConfigurationError: No credentials, or no region.
        """
        with _explained(self.url):
            answer = self._client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=0)
            return [
                Message(one["MessageId"], one["ReceiptHandle"], one.get("Body", ""))
                for one in answer.get("Messages", [])
            ]

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages that were received; one that SQS fails to delete is handed out again.

        Args:
            messages: At most ten.

        Raises:
            MfnError: As in `receive`.
        """
        if not messages:
            return
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(messages)
        ]
        with _explained(self.url):
            self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def send(self, payload: Mapping[str, Any]) -> None:
        """Put a document on the queue, as the local Amazon does.

        Args:
            payload: What is sent as JSON.

        Raises:
            MfnError: As in `receive`.
        """
        with _explained(self.url):
            self._client.send_message(QueueUrl=self.url, MessageBody=msgspec.json.encode(payload).decode())

    def depth(self) -> Depth:
        """How many messages it has.

        Raises:
            MfnError: As in `receive`.
        """
        with _explained(self.url):
            answer = self._client.get_queue_attributes(
                QueueUrl=self.url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )
            counts = answer["Attributes"]
            return Depth(
                int(counts["ApproximateNumberOfMessages"]), int(counts["ApproximateNumberOfMessagesNotVisible"])
            )


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(url, error) from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise RetriableError(f"the queue {url} does not answer: {error}.", remedy=GOES_ON) from None
    except exceptions.NoRegionError:
        raise ConfigurationError(
            f"the region of the queue {url} is unknown.",
            remedy="Set notifications.region in connections.yaml, e.g. us-east-1.",
        ) from None
    except (exceptions.CredentialRetrievalError, exceptions.MetadataRetrievalError) as error:
        raise RetriableError(f"AWS gave no credentials for the queue {url}: {error}.", remedy=GOES_ON) from None
    except exceptions.BotoCoreError as error:
        raise ConfigurationError(
            f"the queue {url} cannot be read: {str(error).rstrip('.')}.",
            remedy="boto3 finds AWS credentials in its usual places, e.g. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            f" or the machine's role; they need {PERMISSIONS} (docs/notifications.md).",
        ) from None
    except NO_ANSWER_OF_SQS:
        raise RetriableError(
            f"the queue {url}: what answers there is not SQS.",
            remedy=f"Check where queue_url and endpoint in connections.yaml, or a proxy in between, lead. {GOES_ON}",
        ) from None


def _refused(url: str, error: exceptions.ClientError) -> MfnError:
    answer: Mapping[str, Any] = error.response
    said = answer.get("Error", {})
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(said.get("Code", ""))
    text = f"the queue {url}: SQS answered HTTP {status} {code}: {str(said.get('Message', '')).rstrip('.')[:300]}."
    if status >= SERVER_ERROR or status in (REQUEST_TIMEOUT, TOO_MANY) or code in THROTTLED:
        return RetriableError(text, remedy=GOES_ON)
    if code in NO_QUEUE:
        return FatalError(
            text,
            remedy="Correct notifications.queue_url in connections.yaml (and region, endpoint), or create the queue"
            " again with its subscription (docs/notifications.md).",
        )
    if status in (UNAUTHORIZED, FORBIDDEN) or "Denied" in code or "Token" in code or "Signature" in code:
        return FatalError(
            text,
            remedy=f"Grant {PERMISSIONS} on this queue (and kms:Decrypt if it is encrypted with your own key)"
            " to the AWS credentials that mfn runs with, or renew the credentials.",
        )
    return FatalError(text, remedy="Correct what AWS names; docs/notifications.md shows how the queue is set up.")
