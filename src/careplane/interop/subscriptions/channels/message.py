"""message: the notification inside a message Bundle, to `[endpoint]/$process-message` of another
FHIR server (backport 1.1, Channels, FHIR Messaging; R4, 2.4.2)."""

from __future__ import annotations

import uuid

from careplane.fhir.codec import json, xml
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.channel import Notification
from careplane.interop.subscriptions.posting import Posting
from careplane.interop.subscriptions.subscription import JSON, XML, Subscription


class Message:
    """`base` is the address of this server, the source of its messages."""

    def __init__(self, posting: Posting, base: str) -> None:
        self._posting = posting
        self._base = base

    async def send(self, subscription: Subscription, notification: Notification) -> None:
        """A success of the operation accepts it."""
        raw = message(self._base, subscription.endpoint, notification)
        if subscription.mime == XML:
            raw = xml.dump(json.parse(raw))
        headers = [
            *subscription.headers,
            ("Content-Type", subscription.mime),
            ("Accept", subscription.mime or JSON),
        ]
        url = subscription.endpoint.rstrip("/") + "/$process-message"
        await self._posting.post(url, raw, headers, subscription.timeout)


def message(base: str, endpoint: str, notification: Notification) -> bytes:
    """The message: a MessageHeader whose focus is the notification."""
    focus = f"urn:uuid:{uuid.uuid4()}"
    header = {
        "resourceType": "MessageHeader",
        "id": str(uuid.uuid4()),
        "eventUri": names.NOTIFICATION,
        "destination": [{"endpoint": endpoint}],
        "source": {"software": "Careplane", "endpoint": base},
        "focus": [{"reference": focus}],
    }
    return json.dump(
        {
            "resourceType": "Bundle",
            "id": str(uuid.uuid4()),
            "type": "message",
            "timestamp": json.parse(notification.raw)["timestamp"],
            "entry": [
                {"fullUrl": f"urn:uuid:{header['id']}", "resource": header},
                {"fullUrl": focus, "resource": json.parse(notification.raw)},
            ],
        }
    )
