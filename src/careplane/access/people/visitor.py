"""Who knocks: what is known of a browser before anybody has proven anything."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.access.people.passkeys import Site


@dataclass(frozen=True, slots=True)
class Visitor:
    """`device` is the cookie of the browser (see `throttle`), `agent` what it calls itself, `site`
    where its passkeys are good, None where none are."""

    address: str
    agent: str = ""
    device: str = ""
    site: Site | None = None
