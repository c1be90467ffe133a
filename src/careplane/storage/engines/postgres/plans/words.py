"""FullText: words by the index, and their order by the text itself.

Phrases are not left to the positions of a tsvector, which end at 16,383.
"""

from __future__ import annotations

from careplane.search import plan
from careplane.storage.engines.postgres.plans.scope import FALSE, At, Scope, both, either
from careplane.storage.engines.postgres.words import COLUMNS


def full_text(node: plan.FullText, scope: Scope, at: At) -> str:
    columns = [name for param, name in COLUMNS.items() if param in node.texts]
    if not columns or at.group != "0":
        return FALSE
    row = scope.alias()
    query = scope.bind(_query(node), "text")
    phrase = scope.bind(f" {node.words}{'' if node.open else ' '}", "text")
    found = []
    for name in columns:
        has_words = f"{row}.{name}_words @@ ({query})::tsquery"
        in_order = f"strpos(' ' || {row}.{name} || ' ', {phrase}) > 0"
        found.append(both([has_words, in_order] if " " in node.words else [has_words]))
    return (
        f"{at.row}.ident IN (SELECT {row}.ident FROM words {row} "
        f"WHERE {scope.mine(row)} AND ({either(found)}))"
    )


def _query(node: plan.FullText) -> str:
    """As a tsquery is written: words are letters and digits, so they need no escape."""
    found = [f"'{word}'" for word in node.words.split(" ")]
    if node.open:
        found[-1] += ":*"
    return " & ".join(found)
