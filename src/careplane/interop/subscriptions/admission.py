"""What is checked before a Subscription or a topic is written, whatever way it comes in by.

The server owns `status`: a client asks (`requested`) or ends (`off`), and everything else is ours.
The writer becomes the owner.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.access.kept import kept
from careplane.fhir.codec import envelope, json
from careplane.fhir.tree import Tree
from careplane.interop.subscriptions import names
from careplane.interop.subscriptions.elements import extensions, wrong
from careplane.interop.subscriptions.matching import rules_of
from careplane.interop.subscriptions.owner import Seal
from careplane.interop.subscriptions.posted import is_topic, topic_of
from careplane.interop.subscriptions.reach import Reach
from careplane.interop.subscriptions.sight import Sight
from careplane.interop.subscriptions.subscription import Subscription, read
from careplane.interop.subscriptions.topics import Topics
from careplane.kernel.clock import Clock, format_instant
from careplane.kernel.errors import Unsupported
from careplane.records.bodies import Content, Extract, accept


@dataclass(frozen=True, slots=True)
class Admission:
    """Hands out two `Admit` functions. `service` is this server itself, whose changes pass."""

    service: Caller
    seals: Seal
    topics: Topics
    sight: Sight
    extract: Extract
    reach: Reach
    clock: Clock
    mails: bool

    def subscription(self, caller: Caller, content: Content) -> Content:
        """A Subscription as it will be stored."""
        if caller == self.service:
            return content
        tree = _tree(content, self.clock())
        found = read(tree, content.id or "")
        self._reachable(found)
        topic = self.topics.find(found.topic)
        if topic is not None:
            self.sight.understood(caller, topic, found.filters)
        elif self.topics.loaded:
            raise wrong("There is no such topic here.", "Subscription.criteria")
        sealed = json.dump(_ours(tree, self.seals.seal(kept(caller))))
        accepted = accept(self.extract, sealed, content.type)
        return Content(content.type, content.id, accepted.rest, accepted.rows)

    def basic(self, caller: Caller, content: Content) -> Content:
        """A Basic; where it is a SubscriptionTopic, one that can be carried out."""
        if b"SubscriptionTopic" not in content.rest:
            return content
        tree = _tree(content, self.clock())
        topic = topic_of(tree) if is_topic(tree) else None
        if topic is not None:
            rules_of(self.sight.setting, topic)
            if self.topics.taken(topic.url, content.id):
                raise wrong("Another topic has this url.", "Basic.extension")
        return content

    def _reachable(self, found: Subscription) -> None:
        if found.kind in ("rest-hook", "message"):
            self.reach.check(found.endpoint)
        if found.kind == "email" and not self.mails:
            raise Unsupported("This server sends no mail; choose another channel.")


def _tree(content: Content, now: int) -> Tree:
    instant = format_instant(now)
    return json.parse(envelope.join(content.type, content.id or "new", 1, instant, content.rest))


def _ours(tree: Tree, sealed: str) -> Tree:
    """The resource with what is the server's to say."""
    theirs = {
        key: value for key, value in tree.items() if key not in ("error", "_error", "_status")
    }
    owner = {"url": names.OWNER, "valueString": sealed}
    others = [e for e in tree.get("extension", ()) if e not in extensions(tree, names.OWNER)]
    status = "off" if tree.get("status") == "off" else "requested"
    return theirs | {"status": status, "extension": [*others, owner]}
