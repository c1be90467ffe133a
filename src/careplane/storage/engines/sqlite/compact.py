"""Ids and codes in few bytes, exactly: a UUID takes 16, a plain number 1 to 8, other text itself.

SQLite keeps integer, text and blob apart in a column without a type, so nothing can be confused.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Compact: TypeAlias = int | bytes | str

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_LONGEST_NUMBER = 18


def compact(text: str) -> Compact:
    """The short form; only texts that `expand` gives back to the letter are shortened."""
    size = len(text)
    if size == 36 and _UUID(text):
        return bytes.fromhex(text.replace("-", ""))
    if 0 < size <= _LONGEST_NUMBER and text.isdecimal() and text.isascii():
        return int(text) if text[0] != "0" or size == 1 else text
    return text


def expand(value: Compact) -> str:
    """The text."""
    if isinstance(value, bytes):
        h = value.hex()
        return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    return str(value)


def expanded(column: str) -> str:
    """`expand` as an SQL expression."""
    h = f"lower(hex({column}))"
    parts = "||'-'||".join(f"substr({h},{n},{k})" for n, k in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12)))  # fmt: skip  # noqa: E501
    return f"CASE typeof({column}) WHEN 'blob' THEN {parts} ELSE CAST({column} AS TEXT) END"
