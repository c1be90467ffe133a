"""References inside a transaction, rewritten in its bytes (FHIR R4, 3.1.0.11.2).

What a fullUrl names gets the address that its resource will have, in references, uris and links of
narrative; a conditional reference (`Patient?identifier=...`) gets the address of what it matches.
Bytes without either stay as they are, untouched and uncopied.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

# `"value"` before it is an Identifier's, a string: no place for a reference. The backslash is for
# links in narrative, which stand inside a JSON string.
_URN = re.compile(rb'("value"\s*:\s*)?(\\?")(urn:(?:uuid|oid):[^"\\#|]+)')
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

    def urn(found: re.Match[bytes]) -> bytes:
        target = moved.get(found[3])
        return found[0] if found[1] or target is None else found[2] + target

    def reference(found: re.Match[bytes]) -> bytes:
        target = moved.get(found[2])
        return found[0] if target is None else found[1] + target

    if b"urn:" in raw:
        raw = _URN.sub(urn, raw)
    return raw if urns_only else _REFERENCE.sub(reference, raw)
