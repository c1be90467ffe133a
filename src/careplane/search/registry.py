"""Which search parameters a type has (FHIR R4, 3.1.1.3 and 7.3 SearchParameter).

A registry is a value: custom parameters make another one. What has no expression (`_query`, ...)
has no rows, and is not listed, save `_text` and `_content` where full-text search is on: a
capability statement made from here is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace

from careplane.fhir.definitions import SearchParam
from careplane.fhir.definitions.search import SearchType
from careplane.kernel.errors import Conflict
from careplane.search.compile.aliases import is_restricted
from careplane.search.errata import r4_search_parameters
from careplane.search.generated.aliases import ALIASES as _GENERATED
from careplane.search.rows import NARRATIVE, OTHER, Param, part
from careplane.search.targets import targets

ALIASES = {Param(p): tuple(map(Param, others)) for p, others in _GENERATED.items()}
"""The parameters of R4 whose rows are kept under the names of others."""

FULL_TEXT = frozenset({NARRATIVE, OTHER})
"""The parameters of full-text search."""
FULL_TEXT_CODES = frozenset({"_text", "_content"})

_ABSTRACT = ("Resource", "DomainResource")
_NOT_DOMAIN = frozenset({"Binary", "Bundle", "Parameters"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type.

    `param` names its rows, and may be that of another parameter with the same rows. `targets` is
    empty unless it is a reference. `components` are those of a composite, as parameters whose
    `param` is `part(param, n)`. `restricted`: the rows of `param` also hold references to other
    types than `targets`. `union`: the rows are those of all these parameters, `param` has none.
    """

    def under(self, param: Param) -> Parameter:
        """The same, for the rows of one parameter of its union."""
        parts = (replace(c, param=part(param, n)) for n, c in enumerate(self.components))
        return replace(self, param=param, components=tuple(parts), union=())

    param: Param
    code: str
    type: SearchType
    definition: SearchParam
    targets: frozenset[str] = frozenset()
    components: tuple[Parameter, ...] = ()
    restricted: bool = False
    union: tuple[Param, ...] = ()


class NotReady(Conflict):
    """A parameter that came at run time, while resources are not yet found by it: an answer would
    lack some of them."""

    code = "incomplete"


def _never(_: Param) -> None:
    return None


class Registry:
    """Search parameters by type and code; what is once looked up is remembered."""

    def __init__(
        self,
        definitions: Iterable[SearchParam],
        aliases: Mapping[Param, tuple[Param, ...]] | None = None,
    ) -> None:
        """`aliases`: a parameter -> those under whose names its rows are kept."""
        self._definitions = tuple(definitions)
        self._aliases = dict(aliases or {})
        self._by_id = {d.id: d for d in self._definitions}
        self._by_base: dict[str, dict[str, SearchParam]] = {}
        for definition in self._definitions:
            for base in definition.bases if definition.expression else ():
                self._by_base.setdefault(base, {})[definition.code] = definition
        self._known: dict[tuple[str, str], Parameter] = {}
        self._customs: Mapping[tuple[str, str], Parameter] = {}
        self._full_text: Mapping[str, Parameter] = {}
        self._waiting: Callable[[Param], str | None] = _never

    def lookup(self, type: str, code: str) -> Parameter | None:
        """The parameter of a resource type, or of `Resource` for what all types have. Raises
        NotReady for one that cannot be searched by yet."""
        found = self._known.get((type, code))
        if found is None:
            found = self._find(type, code)
            if found is not None:
                self._known[type, code] = found
            elif code in self._full_text:
                return self._ready(type, self._full_text[code])
            elif self._customs:
                return self._custom(type, code)
        return found

    def hides(self, type: str, code: str) -> bool:
        """Whether there is such a parameter, and not for whom this registry is."""
        return False

    def of(self, type: str) -> tuple[Parameter, ...]:
        """All that is offered of a type, by code, those of every resource included."""
        codes = {code for base in _bases(type) for code in self._by_base.get(base, ())}
        found = (self.lookup(type, code) for code in sorted(codes))
        return (*(parameter for parameter in found if parameter), *self._offered(type))

    def waiting(self, type: str) -> tuple[tuple[Parameter, str], ...]:
        """Parameters of a type that cannot be searched by yet, and why."""
        mine = self._more(type)
        return tuple((p, reason) for p in mine if (reason := self._waiting(p.param)))

    def references(self, type: str) -> tuple[Parameter, ...]:
        """The reference parameters of a type."""
        return tuple(p for p in self.of(type) if p.type == "reference")

    @property
    def full_text(self) -> bool:
        """Whether full-text search is on."""
        return bool(self._full_text)

    def with_full_text(self) -> Registry:
        """A registry that also has `_text` and `_content`, which every resource has (3.1.1.4.1)."""
        other = copy(self)
        other._full_text = {
            d.code: Parameter(Param(f"Resource.{d.code}"), d.code, "special", d)
            for d in self._definitions
            if d.code in FULL_TEXT_CODES
        }
        return other

    def extended(self, *definitions: SearchParam) -> Registry:
        """A registry that also has these; one with a base and code of the present ones wins."""
        return Registry((*self._definitions, *definitions), self._aliases)

    def with_customs(
        self,
        customs: Mapping[tuple[str, str], Parameter],
        waiting: Callable[[Param], str | None] = _never,
    ) -> Registry:
        """A registry that also has these, by type and code; those of R4 win. `waiting` says why one
        cannot be searched by yet, and None where it can."""
        other = copy(self)
        other._customs, other._waiting = dict(customs), waiting
        return other

    def without(self, hidden: Callable[[str, Parameter], bool]) -> Registry:
        """A registry in which parameters do not exist that are hidden of a type: nothing that the
        server does by itself uses them, and whoever names one is refused."""
        return _Partial(self, hidden)

    def _custom(self, type: str, code: str) -> Parameter | None:
        found = self._customs.get((type, code))
        return self._ready(type, found) if found else None

    def _ready(self, type: str, found: Parameter) -> Parameter:
        reason = self._waiting(found.param)
        if reason:
            raise NotReady(f"The search parameter {found.code!r} of {type} is not ready: {reason}")
        return found

    def _more(self, type: str) -> list[Parameter]:
        """What is not of R4's expressions."""
        customs = [parameter for (base, _), parameter in self._customs.items() if base == type]
        return [*self._full_text.values(), *customs]

    def _offered(self, type: str) -> list[Parameter]:
        return [p for p in self._more(type) if not self._waiting(p.param)]

    def _find(self, type: str, code: str) -> Parameter | None:
        for base in _bases(type):
            definition = self._by_base.get(base, {}).get(code)
            if definition:
                return self._parameter(base, definition)
        return None

    def _parameter(self, base: str, definition: SearchParam) -> Parameter:
        own = Param(f"{base}.{definition.code}")
        kept = self._aliases.get(own, (own,))
        param = kept[0] if len(kept) == 1 else own
        return Parameter(
            param,
            definition.code,
            definition.type,
            definition,
            targets(base, definition),
            tuple(
                self._component(part(param, n), component.definition)
                for n, component in enumerate(definition.components)
            ),
            restricted=param != own and is_restricted(base, definition),
            union=kept if len(kept) > 1 else (),
        )

    def _component(self, name: Param, id: str) -> Parameter:
        definition = self._by_id[id]
        base = definition.bases[0] if definition.bases else ""
        return Parameter(
            name, definition.code, definition.type, definition, targets(base, definition)
        )


class _Partial(Registry):
    """Some parameters of another registry."""

    def __init__(self, whole: Registry, hidden: Callable[[str, Parameter], bool]) -> None:
        self.__dict__.update(whole.__dict__)
        self._hidden = hidden
        self._answers: dict[tuple[str, str], bool] = {}

    def lookup(self, type: str, code: str) -> Parameter | None:
        found = super().lookup(type, code)
        return None if found is None or self._hides(type, found) else found

    def hides(self, type: str, code: str) -> bool:
        found = super().lookup(type, code)
        return found is not None and self._hides(type, found)

    def _more(self, type: str) -> list[Parameter]:
        return [one for one in super()._more(type) if not self._hides(type, one)]

    def _hides(self, type: str, parameter: Parameter) -> bool:
        """By code: parameters may share their rows."""
        key = (type, parameter.code)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._hidden(type, parameter)
        return answer


def r4_registry(aliases: Mapping[Param, tuple[Param, ...]] | None = None) -> Registry:
    """The search parameters that R4 itself defines, by the rows that `extract` makes."""
    return Registry(r4_search_parameters(), ALIASES if aliases is None else aliases)


def _bases(type: str) -> tuple[str, ...]:
    if type == "Resource":
        return ("Resource",)
    return (type, "Resource") if type in _NOT_DOMAIN else (type, *_ABSTRACT)
