"""One institution: a tenant with its names, its addresses and what was chosen for it."""

from __future__ import annotations

import re
from ipaddress import ip_address

from msgspec import Struct

from careplane.kernel.errors import Incorrect
from careplane.storage.ports.records import Tenant

FIRST = Tenant(1)
"""Whose address is that of the installation itself, `/fhir`; it is there from the beginning."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
_LONGEST_TITLE = 200


class Institution(Struct, frozen=True):
    """`number` is what its data stands under, and is never given again; `name` is short and part of
    its address; `title` is what people call it; `host` is a host name of its own, or empty.

    `retention`, `policies` and `profiles` are its own settings of these names (docs/settings.md;
    the first is `history_retention`), empty for those of the installation. Of the quotas, 0 is
    none: `most_resources` that it may store, `most_requests` a second that it may send to each
    process. `created` is in microseconds since 1970. `exchanges` are the numbers of those with whom
    it has agreed to exchange referrals; it takes effect where they have agreed, too."""

    number: int
    name: str
    title: str
    host: str = ""
    retention: str = ""
    policies: str = ""
    profiles: str = ""
    most_resources: int = 0
    most_requests: float = 0.0
    disabled: bool = False
    created: int = 0
    exchanges: tuple[int, ...] = ()

    @property
    def tenant(self) -> Tenant:
        """As the rooms below know it."""
        return Tenant(self.number)

    @property
    def root(self) -> str:
        """What its addresses begin with where it is not asked by a host name of its own."""
        return "" if self.number == FIRST else f"/t/{self.name}"


def checked(institution: Institution) -> Institution:
    """The same. Raises Incorrect for a name or a host that cannot be one."""
    if not _NAME.fullmatch(institution.name):
        raise Incorrect(
            f"{institution.name[:64]!r} is no name of an institution: up to 32 of a-z, 0-9 and -, "
            "with neither end a hyphen."
        )
    if institution.host and not is_host(institution.host):
        raise Incorrect(
            f"{institution.host[:64]!r} is no host name; write it as records.clinic.example, "
            "without a port."
        )
    title = institution.title
    if not title.strip() or len(title) > _LONGEST_TITLE or not title.isprintable():
        raise Incorrect(f"A title has 1 to {_LONGEST_TITLE} printable characters.")
    if min(institution.most_resources, institution.most_requests) < 0:
        raise Incorrect("A quota is not below 0; 0 is none.")
    return institution


def is_host(text: str) -> bool:
    """Whether it is a name of a host, in lower case; no address, and not this machine's own."""
    try:
        ip_address(text)
    except ValueError:
        return text != "localhost" and _HOST.fullmatch(text) is not None
    return False
