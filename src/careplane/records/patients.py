"""Whose record is concerned: the patients that a version is about or refers to, for the audit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from careplane.search.rows import Rows
from careplane.storage.ports.records import Version

_REFERENCE = b'"Patient/'
_ESCAPED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def patients_of_rows(type: str, id: str, rows: Rows) -> set[str]:
    """Ids of the patients in the rows of a resource."""
    found = {row.id for row in rows.references if row.type == "Patient"}
    if type == "Patient":
        found.add(id)
    return found


def patients_of_version(version: Version) -> Iterable[str]:
    """The same from stored bytes, without parsing them: every string that begins with `Patient/`.

    It may name a patient too many (a uri that looks like a reference), never one too few.
    """
    found = _in_bytes(version.rest)
    if version.type == "Patient":
        found.add(version.id)
    return found


def _in_bytes(rest: bytes) -> set[str]:
    if b"\\" in rest and (b"\\/" in rest or b"\\u" in rest):
        rest = _ESCAPED.sub(_plain, rest)
    return {
        part[: part.find(b'"')].partition(b"/")[0].decode("utf-8", "replace")
        for part in rest.split(_REFERENCE)[1:]
    }


def _plain(match: re.Match[bytes]) -> bytes:
    """A JSON string with escapes that hide a reference written out (`Patient\\/1`)."""
    if b"\\" not in match[0]:
        return match[0]
    text = str(json.loads(match[0], strict=False))
    return b'"' + text.encode("utf-8", "replace").replace(b'"', b"'") + b'"'
