"""Notifications: a `history` Bundle whose first entry is a Parameters with the status (backport
1.1, R4 Topic-Based Subscription Notification Bundle).

Resources go in as stored bytes. What the owner may not read stands here as a number only.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Literal, TypeAlias

from careplane.fhir.codec import json
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.journal import Event
from careplane.interop.subscriptions.subscription import Content, Status, Subscription
from careplane.kernel.clock import format_instant
from careplane.records.bodies import whole
from careplane.records.results import Version
from careplane.rest.bundle import recorded

Type: TypeAlias = Literal[
    "handshake", "heartbeat", "event-notification", "query-status", "query-event"
]
Told: TypeAlias = tuple[Event, Version | None]
"""An event, and its version where who is told may read it."""

_STATUS_OF = {"POST": "201", "DELETE": "204"}


def status_of(
    base: str,
    subscription: Subscription,
    type: Type,
    status: Status,
    count: int,
    told: Sequence[Told] = (),
    content: Content | None = None,
    error: str = "",
) -> Tree:
    """The Parameters that R4 has for R5's SubscriptionStatus; `count` events happened so far. With
    `empty` content neither the topic nor the focus is named."""
    content = content or subscription.content
    reference = {"reference": f"{base}/Subscription/{subscription.id}"}
    parameters: list[Tree] = [{"name": "subscription", "valueReference": reference}]
    if content != "empty":
        parameters.append({"name": "topic", "valueCanonical": subscription.topic})
    parameters += [
        {"name": "status", "valueCode": status},
        {"name": "type", "valueCode": type},
        {"name": "events-since-subscription-start", "valueString": str(count)},
    ]
    parameters += [_event(base, event, version, content) for event, version in told]
    if error:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": error}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [names.STATUS]},
        "parameter": parameters,
    }


def bundle_of(
    base: str,
    subscription: Subscription,
    status: Tree,
    told: Sequence[Told],
    now: int,
    content: Content | None = None,
) -> bytes:
    """The notification, as JSON."""
    request = {"method": "GET", "url": f"{base}/Subscription/{subscription.id}/$status"}
    entries = [
        recorded(f"urn:uuid:{status['id']}", json.dump(status), request, {"status": "200"}),
    ]
    if (content or subscription.content) == "full-resource":
        entries += [_resource(base, version) for _, version in told if version]
    return (
        b'{"resourceType":"Bundle","id":"%b","meta":{"profile":["%b"]},"type":"history",'
        b'"timestamp":"%b","entry":[%b]}'
        % (
            str(uuid.uuid4()).encode(),
            names.NOTIFICATION.encode(),
            format_instant(now).encode(),
            b",".join(entries),
        )
    )


def _event(base: str, event: Event, version: Version | None, content: Content) -> Tree:
    parts: list[Tree] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": format_instant(event.at)},
    ]
    if content != "empty" and version is not None:
        focus = {"reference": f"{base}/{event.type}/{event.id}"}
        parts.append({"name": "focus", "valueReference": focus})
    return {"name": "notification-event", "part": parts}


def _resource(base: str, version: Version) -> bytes:
    address = f"{base}/{version.type}/{version.id}"
    url = version.type if version.method == "POST" else f"{version.type}/{version.id}"
    # A PATCH is told as what it came to, the whole new version.
    method = "PUT" if version.method == "PATCH" else version.method
    return recorded(
        address,
        b"" if version.deleted else whole(version),
        {"method": method, "url": url},
        {"status": _STATUS_OF.get(method, "201" if version.version == 1 else "200")},
    )
