"""Search parameters that come at run time, as SearchParameter resources (FHIR R4, 5.5).

`customs` reads one and says what is wrong with it; `extracting` makes the rows of resources with
them. A parameter of one type on one base is a `Custom`. Its rows have a name of their own for every
way to make them (`Observation.method@0f3a...`): rows by an old expression never pass for new ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, cast

from msgspec import Struct

from careplane.fhir.definitions import SearchParam, search_parameters
from careplane.fhir.definitions.search import SearchType
from careplane.fhir.structs import Struct as Resource
from careplane.fhir.translate.compiled import build
from careplane.kernel.errors import Invalid, Issue
from careplane.search.compile import source
from careplane.search.compile.aliases import atoms
from careplane.search.expression import problem
from careplane.search.extract import distinct, extract
from careplane.search.registry import Parameter, Registry
from careplane.search.rows import Param, Rows
from careplane.search.targets import targets

SUPPORTED = ("token", "string", "date", "reference", "number", "quantity", "uri")
MAX_BASES = 50
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}").fullmatch
_ABSTRACT = ("Resource", "DomainResource")
_DIGEST_BYTES = 8
_WHERE = "SearchParameter"

Fill: TypeAlias = Callable[[Any, Rows], None]


class Custom(Struct, frozen=True, array_like=True):
    """A parameter on one type. `param` names its rows."""

    param: Param
    base: str
    code: str
    type: SearchType
    expression: str
    targets: tuple[str, ...]
    url: str


@dataclass(frozen=True, slots=True)
class _Definition(SearchParam):
    """A SearchParam with a canonical URL of its own."""

    canonical: str = ""

    @property
    def url(self) -> str:
        return self.canonical


def customs(resource: Any, registry: Registry) -> tuple[Custom, ...]:
    """What a SearchParameter defines, one a base: nothing unless it is active, or where R4 says the
    same. `registry` is R4's. Raises Invalid with all that is wrong."""
    if resource.status != "active" or _is_of_r4(resource):
        return ()
    issues = [*_about(resource), *_about_bases(resource, registry)]
    found: list[Custom] = []
    if not issues:
        bases = [base for base in resource.base if not _says_the_same(resource, base, registry)]
        found = [_custom(resource, base) for base in dict.fromkeys(bases)]
        issues = [i for custom in found if (i := _about_expression(custom, resource.base))]
    if issues:
        raise Invalid("This search parameter cannot be offered here", issues=tuple(issues))
    return tuple(found)


def parameter(custom: Custom) -> Parameter:
    """As the registry has it."""
    definition = _definition(custom)
    return Parameter(
        custom.param, custom.code, custom.type, definition, targets(custom.base, definition)
    )


def registered(
    registry: Registry, found: Iterable[Custom], waiting: Callable[[Param], str | None]
) -> Registry:
    """The registry with these besides. `waiting` says why one cannot be searched by yet."""
    return registry.with_customs({(c.base, c.code): parameter(c) for c in found}, waiting)


def extracting(
    found: Iterable[Custom], base: Callable[[Resource], Rows] = extract
) -> Callable[[Resource], Rows]:
    """A function from a resource to its rows, by R4's parameters, as `base` makes them, and
    these."""
    fills = fills_of(found)
    if not fills:
        return base

    def run(resource: Resource) -> Rows:
        rows = base(resource)
        mine = fills.get(type(resource).__name__)
        return _filled(rows, mine, resource) if mine else rows

    return run


def extracting_alone(found: Iterable[Custom]) -> Callable[[Resource], Rows]:
    """The same, by these alone."""
    fills = fills_of(found)

    def run(resource: Resource) -> Rows:
        return _filled(Rows(), fills.get(type(resource).__name__, ()), resource)

    return run


def fills_of(found: Iterable[Custom]) -> Mapping[str, tuple[Fill, ...]]:
    """By type, what puts rows of a resource to others."""
    by_type: dict[str, tuple[Fill, ...]] = {}
    for custom in found:
        by_type[custom.base] = (*by_type.get(custom.base, ()), _fill(custom))
    return by_type


def _filled(rows: Rows, fills: Iterable[Fill], resource: Resource) -> Rows:
    for fill in fills:
        fill(resource, rows)
    return distinct(rows)


@lru_cache(maxsize=4096)
def _fill(custom: Custom) -> Fill:
    return cast(Fill, build(_source(custom), "extract"))


def _source(custom: Custom) -> str:
    return source.extractor(custom.base, (_definition(custom),))


def _definition(custom: Custom) -> _Definition:
    _, _, name = custom.param.partition(".")  # with what tells this way to make rows from others
    return _Definition(
        custom.url, name, custom.type, (custom.base,), custom.expression, custom.targets,
        (), True, True, (), (), (), custom.url,
    )  # fmt: skip


def _custom(resource: Any, base: str) -> Custom:
    goals = tuple(resource.target or ())
    said = "\0".join((resource.type, resource.expression, *goals)).encode()
    mark = hashlib.blake2b(said, digest_size=_DIGEST_BYTES).hexdigest()
    param = Param(f"{base}.{resource.code}@{mark}")
    return Custom(
        param, base, resource.code, resource.type, resource.expression, goals, resource.url or ""
    )


def _is_of_r4(resource: Any) -> bool:
    """Whether R4 has it, and means the same by it."""
    known = _r4_by_url().get(resource.url)
    return (
        known is not None
        and (known.code, known.type) == (resource.code, resource.type)
        and set(resource.base or ()) <= set(known.bases)
        and _plain(resource.expression) == _plain(known.expression)
    )


def _is_free(resource: Any, base: str, registry: Registry) -> bool:
    taken = registry.lookup(base, resource.code or "") is not None
    return not taken or _says_the_same(resource, base, registry)


def _says_the_same(resource: Any, base: str, registry: Registry) -> bool:
    """Whether R4 has one on this base with the same code, type and paths, as guides often derive
    theirs from it."""
    known = registry.lookup(base, resource.code or "")
    if known is None or known.type != resource.type or not resource.expression:
        return False
    mine = atoms(base, _definition(_custom(resource, base)))
    return mine == atoms(base, known.definition)


@lru_cache(maxsize=1)
def _r4_by_url() -> dict[str, SearchParam]:
    return {definition.url: definition for definition in search_parameters()}


def _plain(expression: str | None) -> str:
    return "".join((expression or "").split())


def _about(resource: Any) -> Iterable[Issue]:
    if resource.type not in SUPPORTED:
        text = f"Parameters of type {resource.type} can only be those of R4; "
        yield _issue("not-supported", text + f"here are offered: {', '.join(SUPPORTED)}", "type")
    if not _CODE(resource.code or ""):
        text = (
            "The code of a search parameter is a letter, then letters, digits and '-', 64 at most"
        )
        yield _issue("value", text, "code")
    if not resource.expression:
        yield _issue("required", "A parameter without an expression finds nothing", "expression")
    if resource.component:
        yield _issue("not-supported", "Only composite parameters have components", "component")
    if resource.xpathUsage not in (None, "normal"):
        text = "Only xpathUsage 'normal' is offered: a parameter looks at values as they are"
        yield _issue("not-supported", text, "xpathUsage")


def _about_bases(resource: Any, registry: Registry) -> Iterable[Issue]:
    bases = resource.base or []
    if len(bases) > MAX_BASES:
        yield _issue("too-long", f"A parameter has {MAX_BASES} bases at most", "base")
        return
    for n, base in enumerate(bases):
        if base is None or base in _ABSTRACT:
            yield _issue(
                "not-supported", "Name each type; a base is no abstract type", f"base[{n}]"
            )
        elif not _is_free(resource, base, registry):
            text = f"R4 has another search parameter of this code on {base}: choose another code"
            yield _issue("duplicate", text, f"base[{n}]")


def _about_expression(custom: Custom, bases: Sequence[str]) -> Issue | None:
    wrong = problem(custom.base, custom.expression, custom.type, bases)
    if wrong is None:
        text = _source(custom)
        if "(rows, " in text:
            return None
        wrong = f"none of the values that it gives can be searched by as {custom.type}"
    return _issue("invalid", f"On {custom.base}: {wrong}", "expression")


def _issue(code: str, text: str, element: str) -> Issue:
    return Issue("error", code, f"{text}.", f"{_WHERE}.{element}")
