"""Selectors of XML Patch: the part of XPath that RFC 5261, 4.1, needs, and that is cheap to run.

Paths go down only, by names, with predicates on position, existence and equality. No `//`, no axis
upwards, no function but `last()`: so one selection visits an element at most once for each
predicate, whatever its author had in mind. A name without a prefix stands in the default namespace
of the patch (RFC 5261, 4.2.2); `f` and `h` are known even undeclared, as the FHIR suite has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from careplane.fhir.codec.xml import FHIR, XHTML

MAX_LENGTH = 1000
_PREFIXES = {"f": FHIR, "h": XHTML}
_DEFAULT = "patch-default"

_NAME = r"[^\W\d][\w.\-]*"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<S>"[^"]*"|'[^']*') |
    (?P<T>(?:text|comment)\(\s*\)) |
    (?P<L>last\(\s*\)) |
    (?P<N>(?:{_NAME}:)?{_NAME}|\*) |
    (?P<D>\d{{1,9}}) |
    (?P<mark>[/\[\]@.=])
    )\s*""",
    re.VERBOSE,
)
# The grammar of a selector whose tokens are letters: a name is N, a string S, digits D, `last()` L,
# `text()` or `comment()` T, `and` is &, marks are themselves.
_STEP = r"(?:@?N|\.)"
_TEST = rf"(?:D|L|{_STEP}(?:/{_STEP})*+(?:=S)?)"
_PREDICATES = rf"(?:\[{_TEST}(?:&{_TEST})*+\])*+"
_GRAMMAR = re.compile(rf"/?N{_PREDICATES}(?:/N{_PREDICATES})*+(?:/(?:@N|T(?:\[D\])?))?")


class BadSelector(Exception):
    """A selector that is none, or not one of those taken here; its text says what is wrong."""


def select(root: etree._Element, text: str, namespaces: dict[str, str]) -> list[object]:
    """What a selector finds: elements and comments, or strings of lxml for attributes and text.

    `namespaces` are those in scope in the patch, the default one under "".
    """
    known = _PREFIXES | namespaces
    known[_DEFAULT] = known.pop("", "")
    path = _compile(text, known)
    try:
        found = root.getroottree().xpath(path, namespaces={k: v for k, v in known.items() if v})
    except etree.XPathError:
        raise BadSelector("it is not a valid path") from None
    return list(found) if isinstance(found, list) else []


def _compile(text: str, known: dict[str, str]) -> str:
    if len(text) > MAX_LENGTH:
        raise BadSelector(f"it is longer than {MAX_LENGTH} characters")
    tokens = list(_tokens(text))
    if not _GRAMMAR.fullmatch("".join(letter for letter, _ in tokens)):
        raise BadSelector("only paths downwards by name, with simple predicates, are taken")
    path = "".join(_qualified(tokens, known))
    return path if path.startswith("/") else "/" + path


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, inside = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadSelector(f"it cannot be read from character {at} on")
        at = match.end()
        kind = match.lastgroup or ""
        part = match[kind]
        if part in ("[", "]"):
            inside = part == "["
        if inside and part == "and":
            yield "&", " and "
        else:
            yield (part if kind == "mark" else kind), part


def _qualified(tokens: list[tuple[str, str]], known: dict[str, str]) -> Iterator[str]:
    before = ""
    for letter, part in tokens:
        prefix, colon, _ = part.partition(":") if letter == "N" else ("", "", "")
        if colon and prefix not in known:
            raise BadSelector(f"the prefix '{prefix[:32]}' is not declared")
        if letter == "N" and not colon and part != "*" and before != "@" and known[_DEFAULT]:
            part = f"{_DEFAULT}:{part}"
        yield part
        before = part
