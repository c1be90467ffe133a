"""capabilities: what this server does, made from the registries it works with (FHIR R4, 3.1.0.10
and 2.31 CapabilityStatement), so that it cannot say more or less."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, lru_cache, partial

from careplane import __version__
from careplane.fhir import patch
from careplane.fhir.codec import json
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.fhir.tree import Tree
from careplane.kernel.clock import format_instant
from careplane.records.profiles.holding import Supported
from careplane.rest.operation import Operation
from careplane.search.compartments import COMPARTMENTS
from careplane.search.registry import FULL_TEXT, Parameter, Registry
from careplane.storage.ports.records import Tenant

_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type",
    "create", "search-type",
)  # fmt: skip
_SYSTEM = ("transaction", "batch", "search-system", "history-system")
_TENANTS = 64
"""Whose statements are kept; those of others are made again."""
_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"


More = Callable[[Tenant, str], Mapping[str, Tree]]
"""From a tenant and its base address to what features add: by type, and under "" to `rest`."""
Current = Callable[[Tenant], Awaitable[Registry]]
Supporting = Callable[[], Awaitable[Supported]]
"""What installed packages are for; another object when that has changed."""
_FIRST = Tenant(1)


def _nothing_more(tenant: Tenant, base: str) -> Mapping[str, Tree]:
    return {}


def _open(base: str) -> Tree:
    return {"cors": True}


class Capabilities:
    """The statement of one tenant, made once for each base address, and anew when search parameters
    have been defined or packages installed, which `supported` tells. `started` is in microseconds
    since 1970; `current` asks for the search parameters of a tenant, `security` says from the base
    address how clients get in."""

    def __init__(
        self,
        registry: Registry,
        operations: Sequence[Operation],
        started: int,
        more: More = _nothing_more,
        current: Current | None = None,
        security: Callable[[str], Tree] = _open,
        supported: Supporting | None = None,
        tenant: Tenant = _FIRST,
    ) -> None:
        self.of = lru_cache(maxsize=_TENANTS)(
            partial(Capabilities, registry, operations, started, more, current, security, supported)
        )
        self._supporting = supported
        self._supported: Supported | None = None
        self._tenant = tenant
        self._registry = registry
        self._more = more
        self._current = current
        self._security = security
        self._waiting: list[tuple[tuple[Parameter, str], ...]] = []
        self._operations = tuple(operations)
        self.date = format_instant(started)
        self.statement = lru_cache(maxsize=16)(self._statement)

    async def renew(self) -> None:
        """Learn of search parameters that were defined since, and which of them are ready."""
        if self._supporting is not None:
            supported = await self._supporting()
            if supported is not self._supported:
                self._supported = supported
                self.statement.cache_clear()
        if self._current is None:
            return
        registry = await self._current(self._tenant)
        waiting = [registry.waiting(type) for type in RESOURCE_TYPES]
        if registry is not self._registry or waiting != self._waiting:
            self._registry, self._waiting = registry, waiting
            self.statement.cache_clear()
            self.__dict__.pop("_sources", None)

    def _statement(self, base: str) -> bytes:
        return json.dump(
            {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "date": self.date,
                "kind": "instance",
                "software": {"name": "Careplane", "version": __version__},
                "implementation": {"description": "Careplane FHIR store", "url": base},
                "fhirVersion": "4.0.1",
                "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
                "patchFormat": sorted(patch.KINDS),
                **self._guides(),
                "rest": [self._rest(base, self._more(self._tenant, base))],
            }
        )

    def _rest(self, base: str, more: Mapping[str, Tree]) -> Tree:
        return {
            **more.get("", {}),
            "mode": "server",
            "security": self._security(base),
            "resource": [self._resource(type) | more.get(type, {}) for type in RESOURCE_TYPES],
            "interaction": [{"code": code} for code in _SYSTEM],
            "searchParam": [_parameter(p) for p in self._registry.of("Resource")],
            **self._offered("system", None),
            "compartment": [_COMPARTMENT + name.lower() for name in COMPARTMENTS],
        }

    def _resource(self, type: str) -> Tree:
        parameters = self._registry.of(type)
        return {
            "type": type,
            "profile": f"http://hl7.org/fhir/StructureDefinition/{type}",
            **self._profiles(type),
            "interaction": [{"code": code} for code in _INTERACTIONS],
            "versioning": "versioned-update",
            "readHistory": True,
            "updateCreate": True,
            "conditionalCreate": True,
            "conditionalRead": "full-support",
            "conditionalUpdate": True,
            "conditionalDelete": "single",
            "referencePolicy": ["literal", "logical"],
            "searchInclude": ["*", *_paths(type, parameters)],
            **self._referring(type),
            "searchParam": [
                *(_parameter(p) for p in parameters),
                *(_unready(p, reason) for p, reason in self._registry.waiting(type)),
            ],
            **self._offered("type", type),
        }

    def _profiles(self, type: str) -> Tree:
        found = self._supported.profiles.get(type) if self._supported else None
        return {"supportedProfile": list(found)} if found else {}

    def _guides(self) -> Tree:
        guides = self._supported.guides if self._supported else ()
        return {"implementationGuide": list(guides)} if guides else {}

    def _referring(self, type: str) -> Tree:
        paths = self._sources.get(type)
        return {"searchRevInclude": paths} if paths else {}

    @cached_property
    def _sources(self) -> dict[str, list[str]]:
        """Type -> what refers to it. Parameters that may refer to anything would be on each."""
        found: dict[str, list[str]] = {}
        for source in RESOURCE_TYPES:
            for parameter in self._registry.references(source):
                if len(parameter.targets) < len(RESOURCE_TYPES):
                    for target in sorted(parameter.targets):
                        found.setdefault(target, []).append(f"{source}:{parameter.code}")
        return found

    def _offered(self, level: str, type: str | None) -> Tree:
        levels = (level,) if type is None else ("type", "instance")
        found = [
            {"name": operation.name, "definition": operation.definition.url}
            for operation in self._operations
            if any(operation.serves(level, type) for level in levels)
        ]
        return {"operation": found} if found else {}


def _paths(type: str, parameters: Sequence[Parameter]) -> list[str]:
    return [f"{type}:{p.code}" for p in parameters if p.type == "reference"]


def _unready(parameter: Parameter, reason: str) -> Tree:
    """One that is defined here, and that no search is answered by yet."""
    return _parameter(parameter) | {"documentation": f"Not ready: {reason}"}


def _parameter(parameter: Parameter) -> Tree:
    written: Tree = {
        "name": parameter.code,
        "definition": parameter.definition.url,
        "type": parameter.type,
    }
    if parameter.definition.expression:
        written["documentation"] = f"Looks at {parameter.definition.expression}"
    elif parameter.param in FULL_TEXT:
        written["documentation"] = 'Words, "phrases", begin*; AND, OR, NOT and parentheses'
    return written
