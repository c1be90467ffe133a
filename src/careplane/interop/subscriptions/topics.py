"""The topics that are known: the catalogue, and those that clients posted as Basic resources."""

from __future__ import annotations

from collections.abc import Iterable

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.interop.subscriptions.catalogue import catalogue
from careplane.interop.subscriptions.names import FHIR_TYPES
from careplane.interop.subscriptions.posted import is_topic, topic_of
from careplane.interop.subscriptions.topic import Topic
from careplane.kernel.errors import CareplaneError
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.results import Version

_TOPICS_ONLY = (("code", f"{FHIR_TYPES}|SubscriptionTopic"), ("_count", "200"))


class Topics:
    """By address. Of two that were posted under one address, the first one counts."""

    def __init__(self) -> None:
        self._ready = catalogue()
        self._posted: dict[str, Topic] = {}  # by the id of the Basic
        self.loaded = False

    def find(self, url: str) -> Topic | None:
        """The topic, without regard to a `|version`."""
        plain = url.partition("|")[0]
        return self._ready.get(plain) or self._of_clients(plain)

    def taken(self, url: str, id: str | None) -> bool:
        """Whether another resource than this one has the address."""
        return url in self._ready or any(
            topic.url == url for other, topic in self._posted.items() if other != id
        )

    def urls(self) -> list[str]:
        """The addresses of the catalogue."""
        return list(self._ready)

    def met(self, versions: Iterable[Version]) -> None:
        """Note topics among versions that were just written."""
        for version in versions:
            if version.type == "Basic":
                self._meet(version)

    async def load(self, door: Door, caller: Caller) -> None:
        """Read those that clients have posted."""
        command = c.Search("Basic", _TOPICS_ONLY)
        while True:
            page = await door.search(caller, command)
            self.met(page.matches)
            if page.next is None:
                break
            command = c.Search("Basic", _TOPICS_ONLY, cursor=page.next)
        self.loaded = True

    def _of_clients(self, url: str) -> Topic | None:
        return next((t for _, t in sorted(self._posted.items()) if t.url == url), None)

    def _meet(self, version: Version) -> None:
        self._posted.pop(version.id, None)
        if version.deleted or b"SubscriptionTopic" not in version.rest:
            return
        tree = json.parse(whole(version))
        try:
            topic = topic_of(tree) if is_topic(tree) else None
        except CareplaneError:
            return  # written before topics were checked
        if topic:
            self._posted[version.id] = topic
