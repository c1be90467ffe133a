"""Records as resources of MCP, `fhir:///Patient/17`: what an application may attach by itself,
besides what a model asks tools for."""

from __future__ import annotations

import re

from careplane.access.caller import Caller
from careplane.fhir.tree import Tree
from careplane.interop.mcp.tool import DATA, Desk
from careplane.interop.mcp.tools import read
from careplane.kernel.errors import NotFound

MEDIA = "application/fhir+json"
_URI = re.compile(r"fhir:///([A-Za-z]{1,64})/([A-Za-z0-9.-]{1,64})")
TEMPLATES: list[Tree] = [
    {
        "uriTemplate": "fhir:///{type}/{id}",
        "name": "record",
        "title": "A record",
        "description": "A FHIR resource by its type and id, without its narrative." + DATA,
        "mimeType": MEDIA,
    }
]


def listed(caller: Caller) -> list[Tree]:
    """The patient that a token is for; all others are found by tools."""
    if caller.patient is None:
        return []
    uri = f"fhir:///Patient/{caller.patient}"
    return [{"uri": uri, "name": "patient", "title": "The patient", "mimeType": MEDIA}]


async def contents(desk: Desk, caller: Caller, uri: str) -> list[Tree]:
    """What a resource holds. Raises NotFound."""
    named = _URI.fullmatch(uri)
    if named is None:
        raise NotFound("Resources of this server are named as fhir:///Patient/17.")
    given = await read.read(desk, caller, read.Taken(named[1], named[2]))
    return [{"uri": uri, "mimeType": MEDIA, "text": bytes(given.resource).decode()}]
