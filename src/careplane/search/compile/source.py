"""The source of the extractor of one resource type, from its search parameters.

The function has one block a parameter: nested loops to the values (`fhir.translate`), inside them
the line that makes a row (`emitting`). Constants are the names of parameters, made once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from careplane.fhir.definitions import SearchParam
from careplane.fhir.fhirpath import parse
from careplane.fhir.translate import Translator
from careplane.fhir.translate.flow import Branch, Collection
from careplane.fhir.translate.navigate import child
from careplane.fhir.translate.operators import valued
from careplane.fhir.translate.render import exists, item, statements
from careplane.fhir.translate.runtime import CALLED
from careplane.fhir.translate.scope import Scope
from careplane.search.compile.aliases import aliases
from careplane.search.compile.emitting import DERIVED, EMITTERS
from careplane.search.rows import Param, identifier_of, of_type, part, text_of

_DERIVED: dict[str, Callable[[Param], Param]] = {
    "text": text_of,
    "typed": of_type,
    "identifier": identifier_of,
}
NOT_EXTRACTED = frozenset({"_id", "_lastUpdated"})
"""The store has them as columns."""
_VALUES = ("date", "number", "quantity", "reference", "string", "token", "uri")
_NO_DOMAIN = frozenset({"Binary", "Bundle", "Parameters"})
_INNER = {"composition": "Composition", "message": "MessageHeader"}


@dataclass(slots=True)
class _Writer:
    """The text of one module while it grows."""

    translator: Translator = field(default_factory=Translator)
    constants: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)

    def constant(self, param: Param, with_derived: bool = True) -> str:
        """The name of the constant for a parameter; derived ones are None inside composites."""
        name = f"P{len(self.constants) // (1 + len(DERIVED))}"
        self.constants[name] = repr(str(param))
        for suffix in DERIVED:
            derived = repr(str(_DERIVED[suffix](param))) if with_derived else "None"
            self.constants[f"{name}_{suffix}"] = derived
        return name


def parameters_of(base: str, definitions: Iterable[SearchParam]) -> dict[str, SearchParam]:
    """The definitions that have rows on a type, by the name of their parameter, sorted."""
    bases = (base, "Resource") if base in _NO_DOMAIN else (base, "DomainResource", "Resource")
    found: dict[str, SearchParam] = {}
    for definition in definitions:
        owner = next((b for b in bases if b in definition.bases), None)
        if owner and definition.expression and definition.code not in NOT_EXTRACTED:
            found[f"{owner}.{definition.code}"] = definition
    return dict(sorted(found.items()))


def aliases_of(base: str, definitions: Iterable[SearchParam]) -> dict[Param, tuple[Param, ...]]:
    """Params of a type that have no rows of their own."""
    own = [d for p, d in parameters_of(base, definitions).items() if p.startswith(f"{base}.")]
    return aliases(base, own)


def extractor(base: str, definitions: Iterable[SearchParam]) -> str:
    """The source of `extract(r, rows)` for a resource type, with its constants before it."""
    known = tuple(definitions)
    by_id = {d.id: d for d in known}
    spared = aliases_of(base, known)
    writer = _Writer()
    scope = writer.translator.scope("r", base)
    for name, definition in parameters_of(base, known).items():
        if Param(name) in spared:
            continue
        lines = _block(writer, scope, Param(name), definition, by_id)
        writer.body += [f"# {name}", *lines] if lines else []
    return _text(base, writer)


def _text(base: str, writer: _Writer) -> str:
    body = writer.body or ["pass"]
    used = "\n".join(body)
    constants = [
        f"{name} = {value}"
        for name, value in writer.constants.items()
        if f"{name}," in used or f"{name})" in used
    ]
    lines = [
        f'"""What the type {base} is found by."""',
        "",
        *_imports(used),
        "",
        *constants,
        "",
        "",
        "def extract(r, rows):",
        *(f"    {line}" for line in body),
    ]
    return "\n".join(lines) + "\n"


def _imports(used: str) -> list[str]:
    """Import lines for what the text names."""
    groups = ("complete", "CompositeRow", "Rows") if "Rows()" in used else ()
    offered = {
        "careplane.fhir.translate.runtime": [n for n in sorted(CALLED) if f"{n}(" in used],
        "careplane.search.rows": groups[1:],
        "careplane.search.values": [n for n in _VALUES if f"{n}." in used],
        "careplane.search.values.groups": groups[:1],
    }
    return [f"from {module} import {', '.join(n)}" for module, n in offered.items() if n]


def _block(
    writer: _Writer,
    scope: Scope,
    param: Param,
    definition: SearchParam,
    by_id: Mapping[str, SearchParam],
) -> list[str]:
    found = writer.translator.collection(parse(definition.expression), scope)
    if definition.type == "composite":
        return _composite(writer, scope, param, definition, by_id, found)
    if definition.type == "special":
        return _position(writer, param, found)
    return _rows(writer, param, definition, found, derived=True)


def _rows(
    writer: _Writer, param: Param, definition: SearchParam, found: Collection, derived: bool
) -> list[str]:
    constant = writer.constant(param, derived)
    lines: list[str] = []
    for branch in valued(found).branches:
        if branch.type == "Extension":
            lines += _opened(writer, constant, definition, branch)
        elif branch.type == "Resource" and definition.code in _INNER:
            line = f"reference.inner(rows, {constant}, {{}}, {_INNER[definition.code]!r})"
            lines += _loop(writer, branch, line.format)
        else:
            lines += _row(writer, constant, definition, branch)
    return lines


def _row(writer: _Writer, constant: str, definition: SearchParam, branch: Branch) -> list[str]:
    emit = EMITTERS[definition.type].get(branch.type)
    return _loop(writer, branch, partial(emit, constant)) if emit else []


def _opened(writer: _Writer, constant: str, definition: SearchParam, branch: Branch) -> list[str]:
    """An Extension stands for its value, whatever its type is."""
    names = writer.translator.names
    extension = item(branch, names, "x")
    alone = Collection((replace(extension, clauses=()),), single=True)
    values = child(alone, "value", names).branches
    body = [line for value in values for line in _row(writer, constant, definition, value)]
    return statements(extension, names, partial(_same, body))


def _loop(writer: _Writer, branch: Branch, line: Callable[[str], str]) -> list[str]:
    return statements(branch, writer.translator.names, lambda value: [line(value)])


def _composite(
    writer: _Writer,
    scope: Scope,
    param: Param,
    definition: SearchParam,
    by_id: Mapping[str, SearchParam],
    groups: Collection,
) -> list[str]:
    """One group for each value of the expression in which every component has a row."""
    lines: list[str] = []
    constant = writer.constant(param, with_derived=False)
    count = len(definition.components)
    for branch in groups.branches:
        group = item(branch, writer.translator.names)
        inner = replace(scope, this=replace(group, clauses=()), context=group)
        found = [
            writer.translator.collection(parse(c.expression), inner) for c in definition.components
        ]
        body = ["parts = Rows()"]
        for n, component in enumerate(definition.components):
            of = by_id[component.definition]
            inside = _rows(writer, part(param, n), of, found[n], derived=False)
            body += [line.replace("(rows, ", "(parts, ") for line in inside]
        body.append(f"if complete(parts, {count}):")
        body.append(f"    rows.composites.append(CompositeRow({constant}, parts))")
        guard = " and ".join(exists(c, writer.translator.names) for c in reversed(found))
        guarded = [f"if {guard}:", *(f"    {line}" for line in body)]
        lines += statements(group, writer.translator.names, partial(_same, guarded))
    return lines


def _same(lines: list[str], _: str) -> list[str]:
    return lines


def _position(writer: _Writer, param: Param, found: Collection) -> list[str]:
    """`near`: latitude and longitude as numbers, the parts 0 and 1 of the parameter."""
    lines: list[str] = []
    for n, name in enumerate(("latitude", "longitude")):
        constant = writer.constant(part(param, n), with_derived=False)
        for branch in child(found, name, writer.translator.names).branches:
            line = f"number.number(rows, {constant}, {{}})"
            lines += _loop(writer, branch, line.format)
    return lines
