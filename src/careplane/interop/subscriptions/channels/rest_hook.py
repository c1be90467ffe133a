"""rest-hook: the notification Bundle by POST to the endpoint (backport 1.1, Channels, REST-
Hook)."""

from __future__ import annotations

from careplane.fhir.codec import json, xml
from careplane.interop.subscriptions.channel import Notification
from careplane.interop.subscriptions.posting import Posting
from careplane.interop.subscriptions.subscription import XML, Subscription


class RestHook:
    """Sends with the subscription's headers, in the form that it asks for."""

    def __init__(self, posting: Posting) -> None:
        self._posting = posting

    async def send(self, subscription: Subscription, notification: Notification) -> None:
        """Any 2xx accepts it."""
        raw = notification.raw
        if subscription.mime == XML:
            raw = xml.dump(json.parse(raw))
        headers = [*subscription.headers, ("Content-Type", subscription.mime)]
        await self._posting.post(subscription.endpoint, raw, headers, subscription.timeout)
