"""How values are written: `,` `|` `$` separate, unless a backslash stands before (R4, 3.1.1.4.3).

The comma separates before anything else is read, and what a part means comes last, so escapes stay
in place until a value is whole.
"""

from __future__ import annotations

import re

from careplane.search.plan import Coding, Prefix

_ESCAPE = re.compile(r"\\([,|$\\])")
_PREFIXES = {prefix.value: prefix for prefix in Prefix}


def split(text: str, mark: str) -> list[str]:
    """The parts between unescaped marks, still escaped."""
    if "\\" not in text:
        return text.split(mark)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == mark:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


def unescape(text: str) -> str:
    """The text meant; a backslash that escapes nothing stands for itself."""
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def prefixed(text: str) -> tuple[Prefix, str]:
    """The comparator and the rest."""
    prefix = _PREFIXES.get(text[:2])
    return (Prefix.EQ, text) if prefix is None else (prefix, text[2:])


def coding(text: str) -> Coding | None:
    """`code`, `system|code`, `|code` or `system|`; None if it is none of them."""
    parts = split(text, "|")
    if len(parts) == 1:
        return Coding(None, unescape(text), any_system=True) if text else None
    if len(parts) > 2 or not (parts[0] or parts[1]):
        return None
    system, code = map(unescape, parts)
    return Coding(system or None, code or None)
