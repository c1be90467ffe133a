"""The terminology browser: code systems, value sets and concept maps, and what is in them.

All that is shown passes the door, so a person finds what an app of theirs would find.
"""

from __future__ import annotations

from careplane.web.pages.terminology import concept, maps, search, systems, value_sets
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, Handler], ...] = (
    ("/terminology", search.show),
    ("/terminology/code-system", systems.show),
    ("/terminology/concept", concept.show),
    ("/terminology/value-set", value_sets.show),
    ("/terminology/concept-map", maps.show),
)
