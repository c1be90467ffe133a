"""What an owner may ask of changes. That something is told, or not, is an answer too: so criteria
and filters may read only what the owner sees, of every resource of the type."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from careplane.access.caller import Caller
from careplane.access.decide import ViewOf, whole
from careplane.interop.subscriptions.filters import nodes_of
from careplane.interop.subscriptions.matching import Rule, rules_of
from careplane.interop.subscriptions.topic import Topic
from careplane.kernel.errors import Forbidden
from careplane.records.veil.registry import shown
from careplane.search.criterion import Setting
from careplane.search.plan import Node


@dataclass(frozen=True, slots=True)
class Sight:
    """`setting` is that of one who sees everything."""

    setting: Setting
    views: ViewOf = whole

    def understood(
        self, owner: Caller, topic: Topic, filters: tuple[str, ...]
    ) -> tuple[tuple[Rule, ...], dict[str, Node]]:
        """The rules of a topic and the nodes of filters. Raises Invalid or Unsupported where they
        cannot be read, Forbidden where the owner does not see what they read."""
        view = self.views(owner)
        if view is None:
            return rules_of(self.setting, topic), nodes_of(self.setting, topic, filters)
        if view.study:
            raise Forbidden("Who sees records de-identified cannot subscribe to changes.")
        for trigger in topic.triggers:
            if trigger.fhirpath and view.bound(trigger.type):
                raise Forbidden(
                    f"This topic looks at {trigger.type} by FHIRPath, and its owner does not see "
                    "all of it."
                )
        setting = replace(self.setting, registry=shown(self.setting.registry, view))
        return rules_of(setting, topic), nodes_of(setting, topic, filters)
