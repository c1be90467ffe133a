"""What somebody with every right on the machine does to the files and the database, and what the
comparison says of it. `t` 6 is Observation/o5, 2 and 41 are two versions of o1; o3 was erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

RECORDS, AUDIT, LEDGER = "records", "audit", "ledger"


class Edit(NamedTuple):
    """A change to the body of version `t`."""

    t: int
    old: bytes
    new: bytes


@dataclass(frozen=True)
class Case:
    """Statements for both engines; where they differ those of PostgreSQL stand in `postgres`. In
    those for the ledger `{x}` is the prefix of its tables; `{form}` and `{body}` (in hex) are what
    the `edit` makes, sealed anew."""

    file: str
    statements: tuple[str, ...]
    says: str
    postgres: tuple[str, ...] = ()
    edit: Edit | None = None

    def sql(self, engine: str) -> tuple[str, ...]:
        statements = self.postgres if engine == "postgres" and self.postgres else self.statements
        prefix = "ledger_" if engine == "postgres" else ""
        return tuple(one.replace("{x}", prefix) for one in statements)


def edited(t: int, old: str, new: str) -> Case:
    """A value in a body, by somebody who has the keys of bodies too."""
    return Case(
        RECORDS,
        (f"UPDATE version SET form = {{form}}, body = x'{{body}}' WHERE t = {t}",),
        "it was changed",
        (f"UPDATE version SET form = {{form}}, body = '\\x{{body}}' WHERE t = {t}",),
        Edit(t, old.encode(), new.encode()),
    )


def version(sql: str, says: str = "it was changed") -> Case:
    """On the versions; `rid` is the column of the resource."""
    return Case(RECORDS, (sql,), says, (sql.replace("rid", "ident"),))


def log(*statements: str, says: str) -> Case:
    return Case(LEDGER, statements, says)


def audit(*statements: str) -> Case:
    return Case(AUDIT, statements, "Audit records")


UNREADABLE = "was changed in the store"
"""Bodies are bound to their places: who has no keys of bodies puts none elsewhere."""
BODY_OF = "(SELECT body FROM version WHERE t = {t})"
RECORD_CASES: dict[str, Case] = {
    "change a value": edited(6, "o5-0", "o5-9"),
    "change a value of a superseded version": edited(2, "o1-0", "o1-8"),
    "change a value of a consent": edited(42, "c-0", "c-7"),
    "change the newest": edited(84, "p39-0", "p39-1"),
    "add an element": edited(6, '"o5-0"', '"o5-0","x":1'),
    "change bytes without the keys": version(
        "UPDATE version SET body = (SELECT body FROM version WHERE t = 8) WHERE t = 6"
    ),
    "put a body in clear": Case(
        RECORDS, ("UPDATE version SET form = 1, body = x'7d2c2278223a317d' WHERE t = 6",),
        UNREADABLE,
        ("UPDATE version SET form = 1, body = '\\x7d2c2278223a317d' WHERE t = 6",),
    ),
    "put the body of another record": version(
        f"UPDATE version SET body = {BODY_OF.format(t=7)} WHERE t = 6"
    ),
    "replay the version before": version(
        f"UPDATE version SET body = {BODY_OF.format(t=2)} WHERE t = 41"
    ),
    "delete a superseded version": version("DELETE FROM version WHERE t = 2", "was taken out"),
    "delete a current version": version("DELETE FROM version WHERE t = 6", "was taken out"),
    "delete the newest version": version("DELETE FROM version WHERE t = 84", "was taken out"),
    "delete a deletion": version("DELETE FROM version WHERE t = 43", "was taken out"),
    "cut off the end": version("DELETE FROM version WHERE t > 30", "was taken out"),
    "delete every version": version("DELETE FROM version", "was taken out"),
    "back-date": version("UPDATE version SET updated = updated - 86400000 WHERE t = 6"),
    "date by a second forward": version("UPDATE version SET updated = updated + 1000 WHERE t = 6"),
    "give another number": version("UPDATE version SET version = 9 WHERE t = 6"),
    "undo a deletion": version(
        f"UPDATE version SET form = 1, body = {BODY_OF.format(t=3)} WHERE t = 43", UNREADABLE
    ),
    "make it deleted": Case(
        RECORDS, ("UPDATE version SET form = 2, body = x'' WHERE t = 6",), UNREADABLE,
        ("UPDATE version SET form = 2, body = '' WHERE t = 6",),
    ),
    "move to another record": version(
        "UPDATE version SET rid = (SELECT rid FROM version WHERE t = 7), version = 9 WHERE t = 6"
    ),
    "move to another tenant": version("UPDATE version SET tenant = 2 WHERE t = 6", "taken out"),
    "swap two in time": Case(
        RECORDS,
        ("UPDATE version SET t = -1 WHERE t = 6", "UPDATE version SET t = 6 WHERE t = 7",
         "UPDATE version SET t = 7 WHERE t = -1"),
        "it was changed",
    ),
    "bring back what was erased": Case(
        RECORDS,
        ("INSERT INTO version SELECT 4, tenant, type, rid, 8, updated, form, body FROM version "
         "WHERE t = 5",),
        UNREADABLE,
        ("INSERT INTO version SELECT tenant, 8, ident, 4, updated, form, type, body FROM version "
         "WHERE t = 5",),
    ),
    "back-date a new one": Case(
        RECORDS,
        ("INSERT INTO version SELECT 900, tenant, type, rid, 8, updated - 1000, form, body FROM "
         "version WHERE t = 5",),
        UNREADABLE,
        ("INSERT INTO version SELECT tenant, 8, ident, 900, updated - 1000, form, type, body FROM "
         "version WHERE t = 5",),
    ),
    "slip one in before the newest": Case(
        RECORDS,
        ("UPDATE version SET t = 900 WHERE t = 84",
         "INSERT INTO version SELECT 84, tenant, type, rid, 8, updated, form, body FROM version "
         "WHERE t = 900"),
        "it was changed",
        ("UPDATE version SET t = 900 WHERE t = 84",
         "INSERT INTO version SELECT tenant, 8, ident, 84, updated, form, type, body FROM version "
         "WHERE t = 900"),
    ),
}  # fmt: skip

AUDIT_CASES: dict[str, Case] = {
    "forge a record": Case(
        AUDIT, ("UPDATE audit SET record = x'0163' WHERE seq = 4",), "Audit records",
        (r"UPDATE audit SET record = '\x0163' WHERE seq = 4",),
    ),
    "remove a record": audit("DELETE FROM audit WHERE seq = 4"),
    "remove the first record": audit("DELETE FROM audit WHERE seq = 1"),
    "remove the last record": audit(
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"
    ),
    "remove all records": audit("DELETE FROM audit"),
    "copy a record over another": audit(
        "UPDATE audit SET record = (SELECT record FROM audit WHERE seq = 5) WHERE seq = 6"
    ),
    "swap two records": audit(
        "UPDATE audit SET seq = -1 WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5",
        "UPDATE audit SET seq = 5 WHERE seq = -1",
    ),
    "give a record to another tenant": audit("UPDATE audit SET tenant = 2 WHERE seq = 4"),
    "close the gap of a removed record": audit(
        "DELETE FROM audit WHERE seq = 4", "UPDATE audit SET seq = 4 WHERE seq = 5",
    ),
}  # fmt: skip

_OF_T = "(SELECT number + {t} - t FROM {x}run WHERE t <= {t} ORDER BY t DESC LIMIT 1)"
LEAF = _OF_T.replace("{t}", "6")
OTHER = _OF_T.replace("{t}", "7")
LOG_CASES: dict[str, Case] = {
    "delete a leaf": log(f"DELETE FROM {{x}}entry WHERE number = {LEAF}", says="is missing"),
    "put another leaf": log(
        f"UPDATE {{x}}entry SET leaf = (SELECT leaf FROM {{x}}entry WHERE number = {OTHER}) "
        f"WHERE number = {LEAF}",
        says="is not the one that was logged",
    ),
    "put a leaf and its salt": log(
        f"UPDATE {{x}}entry SET leaf = (SELECT leaf FROM {{x}}entry WHERE number = {OTHER}), "
        f"salt = (SELECT salt FROM {{x}}entry WHERE number = {OTHER}) WHERE number = {LEAF}",
        says="is not the one that was logged",
    ),
    "delete the last leaf, and say so": log(
        "DELETE FROM {x}entry WHERE number = (SELECT size - 1 FROM {x}head)",
        "UPDATE {x}head SET size = size - 1",
        says="leaves, and there are",
    ),
    "insert a leaf at the end": log(
        "INSERT INTO {x}entry SELECT (SELECT size FROM {x}head), leaf, salt, said FROM {x}entry "
        "WHERE number = 1",
        says="behind the",
    ),
    "delete the tiles": log("DELETE FROM {x}tile", says="is not the one that was logged"),
    "destroy a salt": Case(
        LEDGER, (f"UPDATE {{x}}entry SET salt = x'' WHERE number = {LEAF}",), "no erase leaf",
        (f"UPDATE {{x}}entry SET salt = '' WHERE number = {LEAF}",),
    ),
    "put another salt": log(
        f"UPDATE {{x}}entry SET salt = (SELECT salt FROM {{x}}entry WHERE number = {OTHER}) "
        f"WHERE number = {LEAF}",
        says="it was changed",
    ),
    "put a salt back for what was erased": log(
        f"UPDATE {{x}}entry SET salt = (SELECT salt FROM {{x}}entry WHERE number = {OTHER}) "
        f"WHERE number = {_OF_T.replace('{t}', '4')}",
        says="was taken out",
    ),
    "forget which leaves were erased": log(
        "DELETE FROM {x}note WHERE name LIKE 'erased/%'", says="is not kept any more",
    ),
    "change what is kept beside a leaf": Case(
        LEDGER,
        ("UPDATE {x}entry SET said = CAST(replace(CAST(said AS TEXT), 'first 1', 'first 2') AS "
         "BLOB) WHERE length(said) > 0",),
        "is not what it says",
        ("UPDATE {x}entry SET said = convert_to(replace(convert_from(said, 'UTF8'), 'first 1', "
         "'first 2'), 'UTF8') WHERE length(said) > 0",),
    ),
    "forget which leaves are of which versions": log("DELETE FROM {x}run", says="are of versions"),
    "mix up which leaves are of which versions": log(
        "UPDATE {x}run SET number = number + 1 WHERE t = 1", says="it was changed",
    ),
    "cut a run of leaves": log("UPDATE {x}run SET count = count - 1 WHERE t = 1", says="slipped"),
    "put the mark back": log(
        "UPDATE {x}mark SET at = 3 WHERE source = 'versions/1'", says="are of versions",
    ),
    "put the mark of the trail ahead": log(
        "UPDATE {x}mark SET at = at + 5 WHERE source = 'audit/1'", says="should have a leaf",
    ),
}  # fmt: skip
CASES = {**RECORD_CASES, **AUDIT_CASES, **LOG_CASES}
