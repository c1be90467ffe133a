"""How many jobs there may be."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.errors import Busy


@dataclass(frozen=True, slots=True)
class Lane:
    """Limits that some kinds share: how many jobs may be under way together, how many of each
    tenant (of each owner where a process carries out its own), how many of a tenant may be open,
    with what is raised where there are more, and how many of a kind and a tenant are kept."""

    name: str
    at_once: int
    each: int
    most_open: int
    full: type[Busy] = Busy
    most_kept: int = 1000
