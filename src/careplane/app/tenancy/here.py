"""Whose address is being asked: known to whatever a request comes to, however deep.

A token, a session or a client of another institution is refused where it is looked up, so no path
can forget to compare. Work that no request asked for stands nowhere, and may look up any.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token

from careplane.storage.ports.records import Tenant


class Here:
    """Of one installation; each task of a request has its own."""

    def __init__(self) -> None:
        self._tenant: ContextVar[Tenant | None] = ContextVar("careplane_tenant", default=None)
        self.enter: Callable[[Tenant], Token[Tenant | None]] = self._tenant.set
        """From now on, in this task, the address of this tenant is being asked."""
        self.leave = self._tenant.reset
        """As it was before."""

    def is_here(self, tenant: Tenant) -> bool:
        """Whether what belongs to a tenant is known at this address."""
        here = self._tenant.get()
        return here is None or here == tenant
