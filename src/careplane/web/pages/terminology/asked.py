"""What pages of terminology have in common: how far one has paged, which version is meant."""

from __future__ import annotations

from careplane.kernel.errors import Incorrect, NotFound
from careplane.terminology.library import Kind, Library
from careplane.terminology.options import Options
from careplane.terminology.scope import Scope
from careplane.terminology.versions import choose
from careplane.web.visit import Visit
from careplane.words.catalogues import gettext as _

_FURTHEST = 6
"""Digits of a place in a list."""
_LONGEST = 200


def canonical(visit: Visit, name: str = "url") -> tuple[str, str]:
    """The url and version in the address; `url|version` is taken as well. Raises NotFound."""
    url, _, named = visit.query(name).partition("|")
    if not url:
        raise NotFound("The address names no canonical URL.")
    return url, visit.query("version") or named


def offset(visit: Visit) -> int:
    """How many rows come before the page. Raises Incorrect."""
    text = visit.query("offset") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= _FURTHEST):
        raise Incorrect("'offset' is a whole number.")
    return int(text)


def words(visit: Visit) -> str:
    """What is searched for. Raises Incorrect."""
    text = visit.query("q")
    if len(text) > _LONGEST:
        raise Incorrect(_("Search for at most %(count)s characters.", count=_LONGEST))
    return text


async def chosen(library: Library, kind: Kind, url: str, version: str) -> tuple[str, list[str]]:
    """The version that is meant, and all that are here; of a code system one whose concepts are
    here, if there is any. Raises NotFound."""
    versions = sorted(await library.versions(kind, url))
    held = await Scope(library, Options()).versions(url) if kind == "CodeSystem" else versions
    found = choose(held, version)
    if found is None:
        found = choose(versions, version)
    if found is None:
        raise NotFound(_("There is no such %(kind)s here, or not in this version.", kind=kind))
    return found, versions
