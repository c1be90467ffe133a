"""Decisions of one installation: its scopes and its policies, over the search parameters of R4."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from careplane.access.caller import Caller
from careplane.access.consent.consents import Consents
from careplane.access.decide import Decider
from careplane.access.deidentify.pseudonyms import Pseudonyms
from careplane.access.masks.view import View
from careplane.access.policy.policies import Policies, load
from careplane.access.policy.relations import Relations, record_of
from careplane.access.policy.source import read_folder, shipped
from careplane.access.scopes import Permission
from careplane.access.tenants.known import Tenants
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.kernel.errors import Forbidden
from careplane.search.criterion import Setting
from careplane.search.parse import criteria
from careplane.search.plan import Node
from careplane.search.registry import r4_registry

DEMO = "demo.cedar"


def decider_of(
    settings: Settings, tenants: Tenants | None = None, consents: Consents | None = None
) -> Decider:
    """Raises Incorrect where a policy of the installation cannot be used, with its file and line.
    Those of an institution that has its own are read when it is first asked for."""
    relations = _relations()
    usual = _loaded(settings.policies, settings.demo, relations)
    own = lru_cache(maxsize=None)(lambda folder: _loaded(folder, settings.demo, relations))

    def of(caller: Caller) -> Policies:
        if tenants is None:
            return usual
        found = tenants.by_number(caller.tenant)
        if found is None:  # an error is not remembered, a decision is
            raise Forbidden("The institution of this caller is not served here.")
        return own(found.policies) if found.policies else usual

    def restriction(caller: Caller, permission: Permission, type: str) -> Node:
        return of(caller).restriction(caller, permission, type)

    def view(caller: Caller) -> View | None:
        found = None if tenants is None else tenants.by_number(caller.tenant)
        policies = own(found.policies) if found is not None and found.policies else usual
        return policies.view(caller)

    return Decider(
        relations.criteria,
        relations.compartment,
        restriction,
        view,
        consents,
        settings.break_glass_policies,
    )


def studies_of(key: Keys) -> Callable[[str], Pseudonyms]:
    """The pseudonyms of studies, by the key of the installation."""
    mine = key.derive("pseudonyms")
    return lru_cache(maxsize=64)(lambda study: Pseudonyms(mine, study))


def policies_of(settings: Settings, folder: str = "") -> Policies:
    """The ready roles, those of the demo where it is one, and the institution's own: of its folder,
    if it has one."""
    return _loaded(folder or settings.policies, settings.demo, _relations())


def texts_of(settings: Settings) -> dict[str, str]:
    """The files of these policies as they are now, by name. Raises Incorrect."""
    folder = Path(settings.policies) if settings.policies else None
    return {
        **shipped(),
        **(_demo() if settings.demo else {}),
        **(read_folder(folder) if folder else {}),
    }


def _loaded(policies: str, demo: bool, relations: Relations) -> Policies:
    if not policies:
        return _ready(demo)
    return load(relations, Path(policies), _demo() if demo else {})


@cache
def _ready(demo: bool) -> Policies:
    """Those that come with Careplane, which are the same for every institution."""
    return load(_relations(), None, _demo() if demo else {})


def _demo() -> dict[str, str]:
    return {DEMO: (resources.files("careplane.app.demo") / DEMO).read_text("utf-8")}


def _relations() -> Relations:
    """No right hangs on the words of a text, nor on a search parameter of one's own."""
    registry = r4_registry()

    def where(type: str, query: str) -> Node:
        return criteria(Setting(registry), type, query)

    return Relations(registry, where, record_of(registry, where))
