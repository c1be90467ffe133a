"""References inside a transaction, rewritten in its bytes (FHIR R4, 3.1.0.11.2).

What a fullUrl names gets the address that its resource will have, in references, uris and links of
narrative; a conditional reference (`Patient?identifier=...`) gets the address of what it matches.
Bytes without either stay as they are, untouched and uncopied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

_URN = b'"urn:'
_REFERENCE = re.compile(rb'("reference"\s*:\s*")([^"\\]+)(?=")')
_CONDITIONAL = re.compile(rb'("reference"\s*:\s*)("[A-Z][A-Za-z]{1,63}(?:\?|\\u003[fF])[^"]*")')


def has_conditional(raw: bytes) -> bool:
    """Whether some reference is conditional."""
    return (b"?" in raw or b"\\u003" in raw) and _CONDITIONAL.search(raw) is not None


def conditional(raw: bytes) -> list[str]:
    """The conditional references in it."""
    return [_text(found[1]) for found in _CONDITIONAL.findall(raw)]


def resolve_conditional(raw: bytes, resolve: Callable[[str], str]) -> bytes:
    """With each conditional reference replaced by what it resolves to."""
    return _CONDITIONAL.sub(
        lambda found: found[1] + json.dumps(resolve(_text(found[2]))).encode(), raw
    )


def _text(literal: bytes) -> str:
    return str(json.loads(literal))


def rewrite(raw: bytes, moved: Mapping[bytes, bytes], urns_only: bool) -> bytes:
    """With what `moved` names replaced by its new address."""

    def reference(found: re.Match[bytes]) -> bytes:
        target = moved.get(found[2])
        return found[0] if target is None else found[1] + target

    if _URN in raw:
        raw = _rewrite_urns(raw, moved)
    return raw if urns_only else _REFERENCE.sub(reference, raw)


def _rewrite_urns(raw: bytes, moved: Mapping[bytes, bytes]) -> bytes:
    # Split and joined, not matched: ten times as fast as a regular expression here.
    pieces = raw.split(_URN)
    for n in range(1, len(pieces)):
        piece = pieces[n]
        # In a link of narrative the quotation mark itself is escaped.
        name = b"urn:" + piece[: piece.find(b'"')].rstrip(b"\\")
        target = moved.get(name)
        if target is None or _is_value(pieces[n - 1]):
            pieces[n] = _URN + piece
        else:
            pieces[n] = b'"' + target + piece[len(name) - 4 :]
    return b"".join(pieces)


def _is_value(before: bytes) -> bool:
    """Whether it is the `value` of an Identifier: a string, and no place for a reference."""
    end = before[-64:].rstrip()
    return end.endswith(b":") and end[:-1].rstrip().endswith(b'"value"')
