"""Parameters whose rows are those of other parameters, so that each row is stored once.

A parameter is known by its atoms: the paths of the values that it indexes. One with the atoms of
another is an alias of it (`Patient.phonetic` of `Patient.name`). One with `resolve() is Patient` is
an alias of the one without (`Observation.patient` of `subject`): a search for it names a Patient
anyway. One whose atoms are those of several others together is their union
(`Observation.combo-code` of `code` and `component-code`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from careplane.fhir.definitions import SearchParam, is_subtype
from careplane.search.rows import Param

_RESOLVES = re.compile(r"\.where\(resolve\(\) is [A-Za-z]+\)")
Atoms = frozenset[str]
Kind = tuple[str, tuple[str, ...]]
_SPLITS = re.compile(r"[|](?![^(]*\))")  # not inside of parentheses


def aliases(base: str, definitions: Iterable[SearchParam]) -> dict[Param, tuple[Param, ...]]:
    """Param -> the params of the same type that have its rows."""
    if base == "Bundle":  # its two references are told apart by the type of what they meet
        return {}
    found: dict[Param, tuple[Param, ...]] = {}
    kept: dict[tuple[Kind, Atoms], Param] = {}
    ordered = sorted(definitions, key=lambda d: (is_restricted(base, d), len(d.code), d.code))
    for definition in ordered:
        param = Param(f"{base}.{definition.code}")
        key = (_kind(definition), atoms(base, definition))
        if key in kept:
            found[param] = (kept[key],)
        elif not is_restricted(base, definition):
            kept[key] = param
    found.update(_unions(kept))
    return found


def _unions(kept: dict[tuple[Kind, Atoms], Param]) -> dict[Param, tuple[Param, ...]]:
    """Those that others cover: the largest first, without overlap."""
    found: dict[Param, tuple[Param, ...]] = {}
    for (kind, whole), param in kept.items():
        if kind[0] == "reference":  # chains and includes follow one parameter
            continue
        missing, parts = set(whole), []
        smaller = [(a, p) for (k, a), p in kept.items() if k == kind and a < whole]
        for piece, other in sorted(smaller, key=lambda row: (-len(row[0]), row[1])):
            if piece <= missing:
                missing -= piece
                parts.append(other)
        if len(parts) > 1 and not missing:
            found[param] = tuple(parts)
    return found


def atoms(base: str, definition: SearchParam) -> Atoms:
    """The paths that a parameter reads on resources of a type, `resolve() is T` left out."""
    paths = (_plain(path) for path in _SPLITS.split(definition.expression))
    return frozenset(path for path in paths if _is_of(base, path))


def _is_of(base: str, path: str) -> bool:
    owner = re.split(r"[^A-Za-z]", path.lstrip("("), maxsplit=1)[0]
    return is_subtype(base, owner)


def _plain(path: str) -> str:
    path = _RESOLVES.sub("", path.strip())
    path = re.sub(r"\.as\(([A-Za-z]+)\)$", r" as \1", path)
    return path[1:-1] if re.fullmatch(r"\([^()]*\)", path) else path


def is_restricted(base: str, definition: SearchParam) -> bool:
    """Whether it takes only references to some types, on resources of this type."""
    paths = (path.strip() for path in _SPLITS.split(definition.expression))
    return any(_RESOLVES.search(path) for path in paths if _is_of(base, path))


def _kind(definition: SearchParam) -> Kind:
    """Only parameters of one kind have rows alike; parts of a composite must be read alike."""
    return definition.type, tuple(c.expression for c in definition.components)
