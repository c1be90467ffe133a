"""The table `words` of full-text search: what is written to it, in the writer's transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from careplane.search.rows import NARRATIVE, OTHER, Rows
from careplane.search.words import BREAK
from careplane.storage.engines.postgres.sessions import Connection

Texts = tuple[str, str]
"""Narrative, and what else there is."""
Identity = tuple[int, int]
"""Tenant and ident."""
COLUMNS = {NARRATIVE: "narrative", OTHER: "other"}


def _vector(column: str) -> str:
    return f"array_to_tsvector(array_remove(string_to_array({column}, ' '), '{BREAK}'))"


_WRITE = f"""INSERT INTO words (tenant, ident, narrative, other, narrative_words, other_words)
SELECT u.tenant, u.ident, u.narrative, u.other, {_vector("u.narrative")}, {_vector("u.other")}
FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::text[]) u(tenant, ident, narrative, other)
ON CONFLICT (tenant, ident) DO UPDATE SET narrative = excluded.narrative, other = excluded.other,
  narrative_words = excluded.narrative_words, other_words = excluded.other_words
WHERE (words.narrative, words.other) != (excluded.narrative, excluded.other)
RETURNING ident"""
_DELETE = """DELETE FROM words w USING unnest($1::integer[], $2::bigint[]) u(tenant, ident)
WHERE (w.tenant, w.ident) = (u.tenant, u.ident) RETURNING w.ident"""


def texts(rows: Rows) -> Texts:
    found = {row.param: row.words for row in rows.words}
    return found.get(NARRATIVE, ""), found.get(OTHER, "")


async def write(connection: Connection, found: Mapping[Identity, Texts]) -> set[int]:
    """Replace the words of these; the idents of those that had others."""
    there = [(*identity, *text) for identity, text in found.items() if any(text)]
    changed: set[int] = set()
    if there:
        rows = await connection.fetch(_WRITE, *zip(*there, strict=True))
        changed |= {row[0] for row in rows}
    return changed | await erase(connection, [i for i, text in found.items() if not any(text)])


async def erase(connection: Connection, identities: Collection[Identity]) -> set[int]:
    """Remove the words of these; the idents of those that had some."""
    if not identities:
        return set()
    rows = await connection.fetch(_DELETE, *zip(*identities, strict=True))
    return {row[0] for row in rows}
