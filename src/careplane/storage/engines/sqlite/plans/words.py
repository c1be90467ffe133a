"""FullText over the FTS5 table `words`, which tells its tenants apart by their resources only."""

from __future__ import annotations

from careplane.search import plan
from careplane.storage.engines.sqlite.plans.driver import MANY, size
from careplane.storage.engines.sqlite.plans.scope import At, Compiler, Scope
from careplane.storage.engines.sqlite.plans.sql import FALSE, NONE, Sql, exists
from careplane.storage.engines.sqlite.words import COLUMNS


def check(node: plan.FullText, scope: Scope, at: At, compiler: Compiler) -> Sql:
    """Among all that match, which are listed once; or, of a word that very many have, whether it
    has this candidate."""
    match = _match(node)
    if match is None:
        return FALSE
    if node.open or size(node, scope, compiler) < MANY:
        listed = f"{at.row} IN (SELECT rowid FROM words WHERE words MATCH ?)"
        return Sql(listed, (match,))
    return exists(Sql(f"SELECT 1 FROM words WHERE words MATCH ? AND rowid = {at.row}", (match,)))


def source(node: plan.FullText, scope: Scope) -> Sql:
    match = _match(node)
    if match is None:
        return NONE
    resource = scope.alias()
    text = (
        f"SELECT w.rowid AS rid FROM words w CROSS JOIN resource {resource} "
        f"ON {resource}.rid = w.rowid WHERE words MATCH ? AND {resource}.tenant = ?"
    )
    return Sql(text, (match, scope.tenant))


def _match(node: plan.FullText) -> str | None:
    """As FTS5 has it: words are letters and digits, so they need no escape."""
    columns = [name for param, name in COLUMNS.items() if param in node.texts]
    if not columns:
        return None
    return f'{{{" ".join(columns)}}} : "{node.words}"{"*" if node.open else ""}'
