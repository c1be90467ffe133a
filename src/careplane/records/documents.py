"""`$document`: a Composition and all that it refers to (FHIR R4, Composition-document and 2.42)."""

from __future__ import annotations

from careplane.fhir.codec import json
from careplane.kernel.errors import Conflict, TooLarge
from careplane.records import commands as c
from careplane.records import fetch
from careplane.records.account import Account
from careplane.records.bodies import whole
from careplane.records.graph import MOST, defined, follow
from careplane.records.parts import Parts
from careplane.records.read import read
from careplane.records.results import Found
from careplane.records.targets import referred, target


async def document(parts: Parts, account: Account, command: c.Document) -> Found:
    """The Composition first. Raises Conflict where something that it refers to is not here or may
    not be read: a document with a part missing is none."""
    start = await read(parts, account, c.Read("Composition", command.id))
    texts = dict.fromkeys(referred(json.parse(whole(start))))
    keys = [key for text in texts if (key := target(parts.base, text))]
    wanted = [key for key in dict.fromkeys(keys) if key != (start.type, start.id)]
    if len(wanted) > MOST:
        raise TooLarge(f"This document refers to more than {MOST} resources.")
    known = {(v.type, v.id): v for v in await fetch.by_keys(parts, account.caller, wanted)}
    missing = [key for key in wanted if key not in known]
    if missing:
        raise Conflict(
            f"The document cannot be whole: {len(missing)} resources that the Composition refers "
            "to are not here, or may not be read by this caller."
        )
    others = {key: known[key] for key in wanted}
    if command.graph:
        definition = await defined(parts, account, command.graph)
        for one in await follow(parts, account, definition, start):
            others.setdefault((one.type, one.id), one)
    account.query = f"Composition/{command.id}/$document"
    account.saw(tuple(others.values()))
    return Found(matches=(start, *others.values()))
