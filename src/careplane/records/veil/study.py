"""A study: who looks at records de-identified, and speaks of them by pseudonyms.

What comes in is led back to logical ids before anything is decided or found; what goes out is led
forth again. What cannot be answered without telling more than is shown is not offered: see `asked`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from careplane.access.deidentify.pseudonyms import Pseudonyms
from careplane.access.deidentify.safe_harbor import SafeHarbor
from careplane.access.policy.terms import GROUPS
from careplane.fhir.definitions import is_resource
from careplane.fhir.tree import Tree
from careplane.kernel.errors import Forbidden, Incorrect, NotFound
from careplane.records import commands as c
from careplane.search.registry import Parameter, Registry
from careplane.storage.ports.records import Version

Command = TypeVar("Command")
Pair = tuple[str, str]

KNOWLEDGE = GROUPS["knowledge"]
"""Definitions: no patient's data, so they are shown as they are."""
_PLAIN = frozenset({"_count", "_elements", "_format", "_pretty", "_summary", "_total", "_security"})
_MODIFIERS = frozenset({"", "above", "below", "in", "missing", "not", "not-in"})


def _micros(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000


class Study:
    """`registry` has the search parameters that are offered; `now` is in microseconds."""

    def __init__(self, pseudonyms: Pseudonyms, registry: Registry, now: int, base: str) -> None:
        self._pseudonyms = pseudonyms
        self._registry = registry
        self._base = f"{base}/" if base else ""
        self._harbor = SafeHarbor(self.alias, _year(now), base)

    def alias(self, type: str, id: str) -> str:
        """The id by which the study knows a resource."""
        return id if type in KNOWLEDGE else self._pseudonyms.of(type, id)

    def resolve(self, type: str, id: str) -> str | None:
        """The logical id behind it."""
        return id if type in KNOWLEDGE else self._pseudonyms.resolve(type, id)

    def identity(self, version: Version) -> tuple[str, int]:
        """The id and the time of a version, which is the begin of its year."""
        if version.type in KNOWLEDGE:
            return version.id, version.last_updated
        return self.alias(version.type, version.id), _micros(_year(version.last_updated))

    def seen(self, tree: Tree) -> Tree:
        """A resource without what names somebody."""
        return tree if tree["resourceType"] in KNOWLEDGE else self._harbor.resource(tree)

    def asked(self, command: Command) -> Command:
        """The command with logical ids. Raises Forbidden for whatever is not offered: history and
        versions (times), operations and includes (they follow ids), all writes."""
        lead = _ASKED.get(type(command))
        if lead is None:
            raise Forbidden(
                "This caller sees records de-identified: there are read, search and $export."
            )
        found: Command = lead(self, command)
        return found

    def told(self, command: object, understood: tuple[Pair, ...]) -> tuple[Pair, ...]:
        """What was understood of a search, as it was sent."""
        if not isinstance(command, c.Search) or command.type is None:
            return understood
        sent = {self._pair(command.type, *pair): pair for pair in command.pairs}
        return tuple(sent.get(pair, pair) for pair in understood)

    def _read(self, command: c.Read) -> c.Read:
        id = self.resolve(command.type, command.id) if is_resource(command.type) else None
        if id is None:
            raise NotFound(f"There is no such {command.type[:64]}.")
        return c.Read(command.type, id)

    def _search(self, command: c.Search) -> c.Search:
        if command.type is None or command.compartment or not is_resource(command.type):
            raise Forbidden("This caller sees records de-identified: search one type at a time.")
        pairs = tuple(self._pair(command.type, *pair) for pair in command.pairs)
        return replace(command, pairs=pairs)

    def _pair(self, type: str, key: str, value: str) -> Pair:
        code, _, modifier = key.partition(":")
        if "." in key or not (modifier in _MODIFIERS or is_resource(modifier)):
            raise _closed(key)
        if code == "_sort":
            if any(name.lstrip("-").startswith("_") for name in value.split(",")):
                raise _closed(key)
            return key, value
        if code == "_id":
            return key, ",".join(self._id(type, one) for one in value.split(","))
        if code in _PLAIN:
            return key, value
        if code.startswith("_"):
            raise _closed(key)
        parameter = self._registry.lookup(type, code)
        if parameter is None or parameter.type != "reference" or modifier == "missing":
            return key, value
        return key, ",".join(self._reference(parameter, modifier, v) for v in value.split(","))

    def _id(self, type: str, text: str) -> str:
        id = self.resolve(type, text)
        if id is None:
            raise _unknown("_id")
        return id

    def _reference(self, parameter: Parameter, modifier: str, text: str) -> str:
        named, slash, tail = text.removeprefix(self._base).rpartition("/")
        if slash:
            targets = [named] if is_resource(named) else []
        else:
            targets = [modifier] if modifier else sorted(parameter.targets)
        for target in targets:
            id = self.resolve(target, tail)
            if id is not None:
                return f"{target}/{id}"
        raise _unknown(parameter.code)

    def _prepare(self, command: c.PrepareExport) -> c.PrepareExport:
        if command.filters or command.group or command.patients is not None:
            raise Forbidden(
                "This caller sees records de-identified: an export has no _typeFilter, no patient "
                "and no Group."
            )
        return command

    def _export(self, command: c.Export) -> c.Export:
        if command.filters or command.since is not None or command.before is not None:
            raise Forbidden("This caller sees records de-identified: an export has no _since.")
        if command.patients is None:
            return command
        patients = (self._id("Patient", patient) for patient in command.patients)
        return replace(command, patients=tuple(patients))


def _same(study: Study, command: Any) -> Any:
    return command


_ASKED: Mapping[type, Callable[[Study, Any], Any]] = {
    c.Read: Study._read,
    c.Search: Study._search,
    c.Counts: _same,
    c.PrepareExport: Study._prepare,
    c.Export: Study._export,
    c.Note: _same,
}


def _year(micros: int) -> int:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).year


def _closed(key: str) -> Forbidden:
    return Forbidden(
        f"{key[:64]!r} is not offered to this caller, who sees records de-identified: search by "
        "codes and by references, without chains."
    )


def _unknown(key: str) -> Incorrect:
    return Incorrect(f"{key[:64]}: this is no pseudonym of this study.")
