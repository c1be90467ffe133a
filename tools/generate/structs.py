"""msgspec structs, one module for the data types and one for each resource.

JSON names are attribute names; a Python keyword gets a trailing underscore, the `_name` sibling of
a primitive is `name_ext`. What msgspec can check while it decodes is in the annotations: unknown
names, kinds, codes of required bindings, ranges, empty strings and arrays, required objects. The
rest is in `fhir/validation`.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from tools.generate.source import Package
from tools.generate.structure import ElementRow, TypeRow
from tools.generate.tables import expand
from tools.generate.write import module

# Resources inside of resources are kept as bytes and decoded when their type is known.
RAW = "Resource"
FOLDER = "structs"

PRIMITIVES = """\
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct
from msgspec import field as Field

_LONGEST = 1024 * 1024
_INT = 2**31 - 1

NotEmpty = Meta(min_length=1)
Text = Annotated[str, NotEmpty]
Boolean = bool
Integer = Annotated[int, Meta(ge=-_INT - 1, le=_INT)]
UnsignedInt = Annotated[int, Meta(ge=0, le=_INT)]
PositiveInt = Annotated[int, Meta(ge=1, le=_INT)]
Base64Binary = Canonical = Code = Date = DateTime = Id = Instant = Text
Oid = Time = Uri = Url = Uuid = Xhtml = Text
String = Markdown = Annotated[str, Meta(min_length=1, max_length=_LONGEST)]


class Base(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    \"\"\"What all structs share.\"\"\"
"""


PRIMITIVE_NAMES = re.findall(r"\b[A-Z][A-Za-z0-9]+(?= =)|Base(?=\()|Field", PRIMITIVES)


def struct_modules(package: Package, types: dict[str, TypeRow]) -> dict[str, str]:
    """The text of every struct module, by its name."""
    names = _code_names(package, types)
    files = {
        "__init__.py": module("R4 as msgspec structs. Get them through `careplane.fhir.structs`."),
        "primitives.py": module("Primitive types, and what every struct is.", PRIMITIVES),
        "codes.py": _codes(package, names),
        "datatypes.py": _datatypes(types, names),
    }
    for row in types.values():
        if row.kind == "resource" and not row.abstract:
            files[f"{row.name.lower()}.py"] = _resource(row, types, names)
    return {f"{FOLDER}/{name}": text for name, text in files.items()}


def class_name(name: str) -> str:
    """`Observation.referenceRange` -> `ObservationReferenceRange`."""
    return "".join(part[0].upper() + part[1:] for part in name.split("."))


def _code_names(package: Package, types: dict[str, TypeRow]) -> dict[str, str]:
    """Value set -> name of its Literal, for those that list their codes."""
    bound = {
        e.binding[1]
        for row in types.values()
        for e in row.elements
        if e.binding and e.binding[0] == "required" and "code" in e.types
    }
    names = {
        url: class_name(".".join(url.rpartition("/")[2].split("-"))) + "Code"
        for url in sorted(bound)
        if expand(package, url) is not None
    }
    assert len(set(names.values())) == len(names)
    return names


def _codes(package: Package, names: dict[str, str]) -> str:
    lines = []
    for url, name in names.items():
        parts = expand(package, url) or ()
        codes = dict.fromkeys(code for _, included in parts for code in included)
        lines.append(f"{name} = Literal[{', '.join(map(repr, codes))}]")
    return module(
        "Codes of required bindings.", "from typing import Literal\n", "\n".join(lines) + "\n"
    )


def _datatypes(types: dict[str, TypeRow], names: dict[str, str]) -> str:
    rows = [t for t in types.values() if _is_datatype(t, types)]
    ordered = _by_base(rows)
    body = "\n".join(_classes(ordered, names, set()))
    return module("Data types and the abstract types.", _imports(body, names, set()), body)


def _is_datatype(row: TypeRow, types: dict[str, TypeRow]) -> bool:
    owner = types[row.name.partition(".")[0]]
    return owner.kind == "complex" or (owner.kind == "resource" and owner.abstract)


def _by_base(rows: list[TypeRow]) -> list[TypeRow]:
    """A class stands after its base and its backbones."""
    ordered: list[TypeRow] = []
    waiting = sorted(rows, key=lambda r: (-r.name.count("."), r.name))
    while waiting:
        done = {r.name for r in ordered} | {""}
        row = next(r for r in waiting if r.base in done)
        waiting.remove(row)
        ordered.append(row)
    return ordered


def _resource(row: TypeRow, types: dict[str, TypeRow], names: dict[str, str]) -> str:
    parts = [t for t in types.values() if t.name.startswith(row.name + ".")]
    parts.sort(key=lambda r: (-r.name.count("."), r.name))
    rows = [*parts, row]
    used = {class_name(t) for r in rows for e in r.elements for t in e.types if t[0].isupper()}
    used |= {r.base for r in rows}
    used -= {class_name(r.name) for r in rows} | {RAW}
    used.add("Element")
    if row.base == RAW:
        used.add(RAW)
    body = "\n".join(_classes(rows, names, used))
    return module(f"Structs of {row.name}.", _imports(body, names, used), body)


def _imports(body: str, names: dict[str, str], datatypes: set[str]) -> str:
    """Import what the body mentions, and no more."""
    sources = {
        "decimal": {"Decimal"},
        "typing": {"Annotated"},
        "msgspec": {"Raw"},
        ".codes": set(names.values()),
        ".datatypes": datatypes,
        ".primitives": set(PRIMITIVE_NAMES),
    }
    words = set(re.findall(r"[A-Za-z0-9_]+", body))
    found = {source: sorted(offered & words) for source, offered in sources.items()}
    return "\n".join(f"from {source} import {', '.join(n)}" for source, n in found.items() if n)


def _classes(rows: list[TypeRow], names: dict[str, str], imported: set[str]) -> Iterable[str]:
    defined = set(imported)
    for row in rows:
        lines = [line for e in row.elements for line in _fields(e, names, defined)]
        tag = f", tag_field='resourceType', tag={row.name!r}" if _is_tagged(row) else ""
        head = f"class {class_name(row.name)}({row.base or 'Base'}, kw_only=True{tag}):"
        body = [f"    {line}" for line in lines] or ["    pass"]
        yield "\n".join(["", head, *body, ""])
        defined.add(class_name(row.name))


def _is_tagged(row: TypeRow) -> bool:
    return row.kind == "resource" and not row.abstract


def _literal(element: ElementRow, names: dict[str, str]) -> bool:
    binding = element.binding
    return bool(
        binding and binding[0] == "required" and binding[1] in names and element.types == ("code",)
    )


def _fields(element: ElementRow, names: dict[str, str], defined: set[str]) -> Iterable[str]:
    choice = "C" in element.flags
    for of in element.types:
        json = element.name + (of[0].upper() + of[1:] if choice else "")
        primitive = of[0].islower()
        annotation = (
            names[element.binding[1]]
            if _literal(element, names) and element.binding
            else class_name(of)
        )
        required = element.min > 0 and not choice and (not primitive or _is_bare(of, element))
        known = primitive or annotation in defined
        yield _field(json, _annotation(annotation, element, primitive, required, known), required)
        if primitive and not _is_bare(of, element):
            yield _extension(json, element)


def _is_bare(of: str, element: ElementRow) -> bool:
    """Primitives that cannot carry an extension: ids, Extension.url, Narrative.div."""
    return "A" in element.flags or of == "xhtml" or element.name == "id"


def _annotation(
    name: str, element: ElementRow, primitive: bool, required: bool, known: bool
) -> str:
    name = "Raw" if name == RAW else name
    known = known or name == "Raw"
    if element.max != 1:
        name = f"Annotated[list[{name}{' | None' if primitive else ''}], NotEmpty]"
    # msgspec knows no `Raw | None`; such a field is None where it is absent all the same.
    name = name if required or name == "Raw" else f"{name} | None"
    return name if known else repr(name)


def _extension(json: str, element: ElementRow) -> str:
    if element.max == 1:
        return f"{json}_ext: 'Element | None' = Field(default=None, name='_{json}')"
    inner = "Annotated[list[Element | None], NotEmpty]"
    return f"{json}_ext: {inner} | None = Field(default=None, name='_{json}')"


def _field(json: str, annotation: str, required: bool) -> str:
    if keyword.iskeyword(json):
        default = "" if required else "default=None, "
        return f"{json}_: {annotation} = Field({default}name={json!r})"
    return f"{json}: {annotation}" + ("" if required else " = None")
