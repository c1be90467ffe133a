"""How a path of a patch is quoted in an error: shortened, and without what it compares with."""

from __future__ import annotations

import re

_STRING = re.compile(r"'(?:\\.|[^'\\])*+'|\"(?:\\.|[^\"\\])*+\"", re.DOTALL)
_LONGEST = 200


def masked(path: str) -> str:
    """The path with its strings left out: `where(value='123')` may hold a patient's data."""
    return _STRING.sub("'…'", path[:_LONGEST])
