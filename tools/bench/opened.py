"""A server that allows all and keeps no trail, to see what trust costs: no decision, no audit
record, and no turns, which are for the trail's sake; with `CAREPLANE_LEDGER=false` no ledger. It
exists in the bench only.

    CAREPLANE_LEDGER=false python -m tools.bench.opened serve --data FOLDER
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from careplane.access.decide import Decider
from careplane.app import asgi, founding, serving
from careplane.app.cli import main
from careplane.app.dispatch import App
from careplane.app.operations.drain import DrainingServer
from careplane.records.account import Account
from careplane.records.parts import Parts
from careplane.search.plan import EVERYTHING, Node
from careplane.storage.ports.records import Tenant

_TARGET = "tools.bench.opened:create"


class _AllowAll(Decider):
    def __init__(self) -> None:
        super().__init__(lambda *_: EVERYTHING, lambda *_: None, lambda *_: EVERYTHING)

    def restriction(self, *_: Any) -> Node:
        return EVERYTHING

    def require(self, *_: Any) -> Node:
        return EVERYTHING

    def incoming(self, *_: Any) -> Node:
        return EVERYTHING

    def searching(self, *_: Any) -> Node:
        return EVERYTHING

    def everywhere(self, *_: Any) -> Node:
        return EVERYTHING


class _NoTrail:
    async def append(self, tenant: Tenant, record: bytes) -> None:
        """Nothing is kept."""


def _parts(store: Any, audit: Any, decider: Any, *rest: Any, **more: Any) -> Parts:
    kept: Any = _NoTrail()
    return Parts(store, kept, _AllowAll(), *rest, **more)


def _nothing(account: Account, *_: Any) -> None:
    """In place of a record."""


def _replace(module: ModuleType, name: str, by: Any) -> None:
    if name not in vars(module):
        raise LookupError(f"{module.__name__} has no {name} to take out any more.")
    vars(module)[name] = by


def create() -> App:
    """The application of a process, with what is measured taken out."""
    _replace(founding, "Parts", _parts)
    for name in ("success", "failure"):
        setattr(Account, name, _nothing)
    _replace(asgi, "in_turns", lambda app: app)
    return asgi.create()


class _Server(DrainingServer):
    def __init__(self, target: str, **more: Any) -> None:
        super().__init__(_TARGET, **more)


if __name__ == "__main__":
    _replace(serving, "DrainingServer", _Server)
    main()
