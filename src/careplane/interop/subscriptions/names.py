"""The canonical addresses of the Subscriptions R5 Backport (1.1.0) and of its topics."""

from __future__ import annotations

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport"
_STRUCTURE = f"{GUIDE}/StructureDefinition"
SUBSCRIPTION = f"{_STRUCTURE}/backport-subscription"
NOTIFICATION = f"{_STRUCTURE}/backport-subscription-notification-r4"
STATUS = f"{_STRUCTURE}/backport-subscription-status-r4"
FILTER = f"{_STRUCTURE}/backport-filter-criteria"
CONTENT = f"{_STRUCTURE}/backport-payload-content"
HEARTBEAT = f"{_STRUCTURE}/backport-heartbeat-period"
TIMEOUT = f"{_STRUCTURE}/backport-timeout"
MAX_COUNT = f"{_STRUCTURE}/backport-max-count"
CHANNEL_TYPE = f"{_STRUCTURE}/backport-channel-type"
CAPABILITY_TOPIC = f"{_STRUCTURE}/capabilitystatement-subscriptiontopic-canonical"
CAPABILITY_WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"

OWNER = "urn:careplane:subscription-owner"
"""Our own extension: for whom a subscription speaks, sealed. Nobody but this server makes one."""

TOPICS = "urn:careplane:topic:"
"""Before the names of the topics that are always there: `urn:careplane:topic:encounter-start`."""

FHIR_TYPES = "http://hl7.org/fhir/fhir-types"
TOPIC_ELEMENTS = tuple(
    f"http://hl7.org/fhir/{release}/StructureDefinition/extension-SubscriptionTopic."
    for release in ("5.0", "4.3")
)
"""What stands before the names of the elements of a SubscriptionTopic kept as a Basic."""
