"""What forms read of the record: through the door, as whoever fills them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from careplane.access.caller import Caller
from careplane.care.forms.choices import MOST, Expansion, Expansions, contained, value_sets
from careplane.care.forms.compiled import Compiled
from careplane.care.forms.definition import Form
from careplane.care.forms.populating import Pairs
from careplane.fhir.codec import json
from careplane.fhir.definitions import RESOURCE_TYPES
from careplane.fhir.tree import Tree
from careplane.fhir.validation.forms.values import objects
from careplane.kernel.errors import CareplaneError, Fault, Incorrect, NotFound
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.terminology.coded import Coded, Coding
from careplane.terminology.expand import Stamp, expand
from careplane.terminology.library import Library
from careplane.terminology.options import options
from careplane.terminology.scope import Scope
from careplane.terminology.validate import validate
from careplane.terminology.versions import choose, split

_MOST_QUERIES: Final = 30
_MOST_FOUND: Final = 100
MATCHES: Final = 20
"""Codes that a search for an answer shows."""
_LONGEST_TEXT: Final = 200
_SECONDS: Final = 2
"""In which a value set is listed, or else searched."""
_STAMP: Final = Stamp("urn:uuid:00000000-0000-0000-0000-000000000000", "1970-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Matches:
    """Codings that a search has found; `more` where there are others."""

    codings: tuple[Tree, ...]
    more: bool


@dataclass(slots=True)
class Reading:
    """Reads for one caller, and for one form; so many queries and no more."""

    door: Door
    caller: Caller
    compiled: Compiled
    left: int = _MOST_QUERIES

    async def read(self, type: str, id: str) -> Tree:
        """Raises NotFound, Gone or Forbidden."""
        return json.parse(whole(await self.door.read(self.caller, c.Read(type, id))))

    async def form(self, id: str) -> Form:
        """A Questionnaire by its id. Raises NotFound, Gone, Forbidden, Invalid."""
        return self.compiled.of(
            whole(await self.door.read(self.caller, c.Read("Questionnaire", id)))
        )

    async def search(self, type: str, pairs: Sequence[tuple[str, str]]) -> list[Tree]:
        """Raises Incorrect or Forbidden."""
        return [json.parse(raw) for raw in await self._found(type, pairs)]

    async def _found(self, type: str, pairs: Sequence[tuple[str, str]]) -> list[bytes]:
        found = await self.door.search(self.caller, c.Search(type, tuple(pairs)))
        return [whole(one) for one in found.matches]

    async def found(self, type: str, pairs: Pairs) -> list[Tree]:
        """As `populating.Records` has it."""
        if self.left <= 0 or type not in RESOURCE_TYPES:
            return []
        self.left -= 1
        counted = any(name == "_count" for name, _ in pairs)
        try:
            found = await self.search(
                type, pairs if counted else [*pairs, ("_count", str(_MOST_FOUND))]
            )
        except Fault:
            raise
        except CareplaneError:
            return []
        return found[:_MOST_FOUND]

    async def one(self, type: str, id: str) -> Tree | None:
        """As `populating.Records` has it."""
        if self.left <= 0 or type not in RESOURCE_TYPES:
            return None
        self.left -= 1
        try:
            return await self.read(type, id)
        except Fault:
            raise
        except CareplaneError:
            return None

    async def form_of(self, canonical: str) -> Form:
        """The Questionnaire of a canonical. Raises NotFound."""
        url, version = split(canonical)
        if url.startswith("Questionnaire/"):
            return await self.form(url.partition("/")[2])
        pairs = [("url", url), ("_sort", "-_lastUpdated"), ("_count", "50")]
        for raw in await self._found("Questionnaire", pairs):
            found = self.compiled.of(raw)
            if not version or found.tree.get("version") == version:
                return found
        raise NotFound("The questionnaire of this form is not here any more.")

    async def expansions(self, of: Form, language: str) -> Expansions:
        """The codes of its value sets, in a language where they have names in it."""
        wanted = value_sets(of)
        if not wanted:
            return {}

        async def work(library: Library, _: Tree | None) -> Tree:
            return {url: await _expanded(library, of.tree, url, language) for url in wanted}

        return await self.door.ask(self.caller, c.Ask("expand", "ValueSet", work))

    async def matching(self, of: Form, url: str, text: str, language: str) -> Matches:
        """Codes of a value set with these words at the begin of their own."""

        async def work(library: Library, _: Tree | None) -> Tree:
            wanted = (("filter", text[:_LONGEST_TEXT]), ("count", MATCHES))
            tree, total = await _page(library, of.tree, url, language, *wanted)
            return {"codings": tree, "total": total}

        try:
            found = await self.door.ask(self.caller, c.Ask("expand", "ValueSet", work))
        except Fault:
            raise
        except CareplaneError:
            return Matches((), False)
        codings = tuple(found["codings"])
        return Matches(codings, found["total"] is None or found["total"] > len(codings))

    async def chosen(
        self, of: Form, wanted: Sequence[tuple[str, str]], language: str
    ) -> list[tuple[str, Tree]]:
        """Codes by the canonicals of their value sets and their keys, as those sets have them; none
        for what is in no such set."""

        async def work(library: Library, _: Tree | None) -> Tree:
            found = [(url, await _coding(library, of, url, key, language)) for url, key in wanted]
            return {"chosen": [(url, one) for url, one in found if one is not None]}

        answer = await self.door.ask(self.caller, c.Ask("validate-code", "ValueSet", work))
        return list(answer["chosen"])


async def _coding(library: Library, of: Form, url: str, key: str, language: str) -> Tree | None:
    system, _, code = key.rpartition("|")
    asked = Coded("coding", (Coding(system, "", code, place="coding"),))
    try:
        resource = await _value_set(library, of.tree, url)
        answer = await validate(Scope(library, options([], language)), asked, resource)
    except Fault:
        raise
    except CareplaneError:
        return None
    said = {str(one.get("name")): one for one in objects(answer.get("parameter"))}
    if said.get("result", {}).get("valueBoolean") is not True:
        return None
    display = said.get("display", {}).get("valueString")
    return {"system": system, "code": code, **({"display": display} if display else {})}


async def _expanded(library: Library, questionnaire: Tree, url: str, language: str) -> Expansion:
    """At most so many codes; none of a value set that is not here, or cannot be listed."""
    try:
        async with asyncio.timeout(_SECONDS):
            codings, total = await _page(library, questionnaire, url, language, ("count", MOST))
    except TimeoutError:
        return Expansion((), False, is_large=True)
    except Fault:
        raise
    except CareplaneError:
        return Expansion((), False)
    is_whole = len(codings) < MOST if total is None else len(codings) >= total
    return Expansion(codings, is_whole, is_large=not is_whole)


async def _page(
    library: Library, questionnaire: Tree, url: str, language: str, *wanted: tuple[str, object]
) -> tuple[list[Tree], int | None]:
    """Some codes of a value set, and how many there are, where that is known. Raises NotFound, and
    Refusal where it cannot be listed."""
    resource = await _value_set(library, questionnaire, url)
    tree = await expand(Scope(library, options(wanted, language)), resource, _STAMP)
    expansion = tree.get("expansion", {})
    total = expansion.get("total")
    return _flat(objects(expansion.get("contains"))), None if total is None else int(total)


async def _value_set(library: Library, questionnaire: Tree, canonical: str) -> Tree:
    if canonical.startswith("#"):
        inside = contained(questionnaire, canonical)
        if inside is None:
            raise NotFound("The questionnaire does not contain this value set.")
        return inside
    url, wanted = split(canonical)
    version = choose(list(await library.versions("ValueSet", url)), wanted)
    found = None if version is None else await library.resource("ValueSet", url, version)
    if found is None:
        raise NotFound("There is no such value set here.")
    return found


def _flat(contains: list[Tree]) -> list[Tree]:
    found: list[Tree] = []
    for one in contains:
        if one.get("code") and one.get("abstract") is not True:
            parts: dict[str, Any] = {n: one[n] for n in ("system", "code", "display") if n in one}
            found.append(parts)
        found += _flat(objects(one.get("contains")))
    return found


def named_in(reference: object, type: str) -> str:
    """The id in a reference of this type, such as `Patient/17`. Raises Incorrect."""
    kind, _, id = str(reference).partition("/")
    if kind != type or not id:
        raise Incorrect(f"This is no reference to a {type}.")
    return id
