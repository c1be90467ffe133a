"""Whose record is concerned: the patients that a version is about or refers to, for the audit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from careplane.records.veil.veiled import truth
from careplane.search.rows import Rows
from careplane.storage.ports.records import Version

_REFERENCE = b'"Patient/'
_BEFORE = len(_REFERENCE)
_ESCAPED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)


def patients_of_rows(type: str, id: str, rows: Rows) -> set[str]:
    """Ids of the patients in the rows of a resource."""
    found = {row.id for row in rows.references if row.type == "Patient"}
    if type == "Patient":
        found.add(id)
    return found


def patients_of_versions(versions: Iterable[Version]) -> dict[str, None]:
    """The same from stored bytes, also of a version that is veiled, without parsing them: every
    string that begins with `Patient/`, in the order of the versions.

    It may name a patient too many (a uri that looks like a reference), never one too few.
    """
    ids: dict[str, None] = {}
    known = b""
    for version in map(truth, versions):
        if version.type == "Patient":
            ids[version.id] = None
        rest = version.rest
        if b"\\" in rest and (b"\\/" in rest or b"\\u" in rest):
            rest = _ESCAPED.sub(_plain, rest)
        at = rest.find(_REFERENCE)
        while at >= 0:
            end = rest.find(b'"', at + _BEFORE)
            id = rest[at + _BEFORE : end]
            if id != known:
                known = id
                ids[id.partition(b"/")[0].decode("utf-8", "replace")] = None
            at = rest.find(_REFERENCE, end)
    return ids


def _plain(match: re.Match[bytes]) -> bytes:
    """A JSON string with escapes that hide a reference written out (`Patient\\/1`)."""
    if b"\\" not in match[0]:
        return match[0]
    text = str(json.loads(match[0], strict=False))
    return b'"' + text.encode("utf-8", "replace").replace(b'"', b"'") + b'"'
