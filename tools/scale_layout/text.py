"""What was shown, measured and calculated, as the tables of docs/scale.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.scale_layout.evidence import Shown
from tools.scale_layout.layouts import PARTS
from tools.scale_layout.projected import COPIES, FULL, HOT, TENANTS, Projected
from tools.scale_layout.sizes import Measured

_WIDTH = 118
_SHOWN = {
    "read": "FROM version",
    "search by patient, code and date": "JOIN version",
    "chain": "JOIN version",
    "_has": "JOIN version",
    "create": "WITH written",
}
"""Requests whose plan is printed, and what the statement is known by."""
_SMALL = 2.0
"""Bytes a resource below which a table is left out."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, marks, *rows))


def touched(by_tenant: Sequence[Shown], by_resource: Sequence[Shown]) -> str:
    """Parts that each request touches in both layouts."""
    head = (
        "request",
        "statements",
        "parts touched, cut by tenant",
        "parts looked into, cut by resource",
    )
    rows = [
        (
            one.name,
            str(len(one.sent)),
            f"{len(one.parts)} of {PARTS}",
            f"{other.looked_into} of {PARTS}",
        )
        for one, other in zip(by_tenant, by_resource, strict=True)
    ]
    return _table(head, rows)


def excerpts(shown: Sequence[Shown]) -> Iterator[str]:
    """Plans of some requests."""
    for one in shown:
        if one.name in _SHOWN:
            wanted = _SHOWN[one.name]
            plan = next(played.plan for played in one.played if wanted in played.text)
            yield excerpt(one.name, plan)


def excerpt(name: str, plan: Sequence[str]) -> str:
    """One plan under its name, cut to the width of the page."""
    lines = [line[:_WIDTH] for line in plan if "Index Searches" not in line]
    return f"{name}:\n\n```\n" + "\n".join(lines) + "\n```"


def sizes_of(small: Measured, large: Measured) -> str:
    """Bytes a resource of every table and index, and rates, at two sizes."""
    both = (small, large)
    head = ("bytes a resource", *(f"at {one.count:,}" for one in both))
    names = [*sorted(large.tables, key=large.tables.__getitem__, reverse=True)]
    indexes = [*sorted(large.indexes, key=large.indexes.__getitem__, reverse=True)]
    rows = [("**everything**", *(f"**{one.a_resource():,.0f}**" for one in both))]
    for kind, some in (("table", names), ("index", indexes)):
        rows += [
            (f"{kind} `{name}`", *(f"{one.a_resource(name):,.0f}" for one in both))
            for name in some
            if large.a_resource(name) >= _SMALL
        ]
    rows.append(("WAL while importing", *(f"{one.wal / one.count:,.0f}" for one in both)))
    rates = [
        ("import, units of 250, resources/s", *(f"{one.rate:,.0f}" for one in both)),
        ("read by id, one by one, µs", *(f"{one.read:,.0f}" for one in both)),
        ("patient + code + date, one by one, µs", *(f"{one.chart:,.0f}" for one in both)),
        ("an audit record, bytes", *(f"{one.record:,.0f}" for one in both)),
    ]
    return _table(head, rows) + "\n\n" + _table(("measured", *head[1:]), rates)


def numbers(of: Sequence[Projected]) -> str:
    """What is calculated of it."""
    head = ("calculated", *(f"10^{len(str(one.count)) - 1}" for one in of))
    rows = [
        ("tenants in this example", *(f"{TENANTS[one.count]:,}" for one in of)),
        ("current versions and all indexes", *(_bytes(one.now) for one in of)),
        ("older versions", *(_bytes(one.history) for one in of)),
        ("audit trail", *(_bytes(one.audit) for one in of)),
        ("**disk, one copy**", *(f"**{_bytes(one.disk)}**" for one in of)),
        (f"memory for the hot indexes ({', '.join(HOT)})", *(_bytes(one.memory) for one in of)),
        ("nodes, standbys not counted", *(f"{one.nodes:,}" for one in of)),
        ("disk to pay for, with standbys", *(_bytes(one.disk * COPIES / FULL) for one in of)),
        ("nodes to pay for, with standbys", *(f"{one.nodes * COPIES:,}" for one in of)),
        ("a full backup, all nodes at once", *(_time(one.backup) for one in of)),
        ("WAL of the import", *(_bytes(one.wal) for one in of)),
        ("import by one writer", *(_time(one.hours) for one in of)),
        ("import, a writer on each node", *(_time(one.hours_by_tenants) for one in of)),
        ("pairs of resources whose numbers meet, expected", *(f"{one.meet:.2g}" for one in of)),
    ]
    return _table(head, rows)


def _bytes(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number:,.0f} B"


def _time(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:,.0f} days"
