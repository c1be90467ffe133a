"""Files in what is written, looked through before it is stored.

A file is base64 in a resource: `data` of Binary, of an Attachment wherever it stands, of a
Signature; and values of that type. What a scanner finds something in is refused whole.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Protocol

from careplane.fhir.codec import json
from careplane.kernel.errors import Invalid, Issue
from careplane.records.bodies import Content, whole
from careplane.storage.ports.records import Version

_MARKS = (b'"data"', b'Base64Binary"', b"\\u")
"""One of these stands in whatever holds a file; a name may be written with escapes."""


class Scanner(Protocol):
    """Whoever knows malware."""

    async def scan(self, file: bytes) -> str | None:
        """The name of what was found, or None. Raises Busy where nobody can say."""


async def require_clean(scanner: Scanner, content: Content) -> None:
    """Raises Invalid where something is found in one of the files, and what the scanner raises."""
    if not any(mark in content.rest for mark in _MARKS):
        return
    version = Version(content.type, content.id or "0", 0, 0, "PUT", content.rest, 0)
    for place, file in files(json.parse(whole(version)), content.type):
        found = await scanner.scan(file)
        if found is not None:
            text = f"The file holds malware ({found}); it was not stored. Send another file."
            raise Invalid(text, issues=(Issue("error", "business-rule", text, place),))


def files(tree: Any, place: str) -> Iterator[tuple[str, bytes]]:
    """Every file in a tree: where it stands, and its bytes."""
    if isinstance(tree, list):
        for number, part in enumerate(tree):
            yield from files(part, f"{place}[{number}]")
    elif isinstance(tree, dict):
        for name, part in tree.items():
            if isinstance(part, str) and (name == "data" or name.endswith("Base64Binary")):
                if file := _decoded(part):
                    yield f"{place}.{name}", file
            else:
                yield from files(part, f"{place}.{name}")


def _decoded(text: str) -> bytes:
    """Nothing for what only has the name: the data of a SampledData are numbers."""
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""
