"""Cards of an installation: what operations, pages and links ask.

A card holds what the caller may see, and as much as one QR code holds; what is more comes on the
next card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from careplane.access.caller import Caller
from careplane.fhir.codec import json
from careplane.fhir.lines import coded, named, said
from careplane.fhir.tree import Tree
from careplane.kernel.clock import Clock
from careplane.records import commands as c
from careplane.records.bodies import whole
from careplane.records.door import Door
from careplane.records.results import Version
from careplane.sharing.cards.card import MOST_OF_A_CODE, signed
from careplane.sharing.cards.content import CLAIMS, collection, performer_of
from careplane.sharing.cards.keys import IssuerKeys

_CARDS = "https://smarthealth.cards#"
_PERFORMERS = ("Practitioner", "Organization")


class Kind(NamedTuple):
    """What a card tells of: a search, and the type of the credential. `newest`: of each code."""

    type: str
    pairs: tuple[tuple[str, str], ...]
    credential: str
    newest: bool
    most: int


KINDS = {
    "immunizations": Kind(
        "Immunization",
        (("status", "completed"), ("_sort", "-date")),
        _CARDS + "immunization",
        False,
        100,
    ),
    "results": Kind(
        "Observation",
        (
            ("category", "laboratory"),
            ("status", "final,amended,corrected"),
            ("_sort", "-date"),
        ),
        _CARDS + "laboratory",
        True,
        20,
    ),
}


@dataclass(frozen=True, slots=True)
class Card:
    """A card; `holds` are references to what is in it, `resource:1` first."""

    jws: str
    holds: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether one QR code holds it."""
        return len(self.jws) <= MOST_OF_A_CODE


@dataclass(frozen=True, slots=True)
class Cards:
    """Over one door."""

    door: Door
    keys: IssuerKeys
    clock: Clock

    async def issue(
        self,
        caller: Caller,
        patient: str,
        kind: str,
        issuer: str,
        claims: Sequence[str] = CLAIMS,
        since: str = "",
    ) -> list[Card]:
        """Cards of a kind, none where there is nothing to tell. `issuer` is the address below which
        the keys stand; `since`: only what happened from that date on. Raises NotFound, Forbidden,
        Incorrect for such a date."""
        person = _tree(await self.door.read(caller, c.Read("Patient", patient)))
        asked = KINDS[kind]
        when = (("date", f"ge{since}"),) if since else ()
        pairs = (("patient", patient), *asked.pairs, *when, ("_count", "200"))
        found = (await self.door.search(caller, c.Search(asked.type, pairs))).matches
        trees = [_tree(version) for version in found]
        if asked.newest:
            first = {coded(one.get("code")) or said(one.get("code")): one for one in trees[::-1]}
            trees = list(first.values())[::-1]
        trees = trees[: asked.most]
        performers = await self._performers(caller, trees)
        now, key = self.clock(), self.keys.now(caller.tenant, self.clock())

        def card(some: Sequence[Tree]) -> Card:
            bundle = collection(person, some, performers, claims)
            jws = signed(bundle, issuer, now, (asked.credential,), key)
            return Card(jws, tuple(f"{one['resourceType']}/{one['id']}" for one in some))

        made: list[Card] = []
        while trees:
            size = len(trees)
            done = card(trees)
            while not done.fits and size > 1:
                size = min(size - 1, max(1, size * MOST_OF_A_CODE // len(done.jws)))
                done = card(trees[:size])
            made.append(done)
            trees = trees[size:]
        return made

    async def _performers(self, caller: Caller, trees: Sequence[Tree]) -> dict[str, str]:
        """Names of who did it, as far as the caller may know them."""
        wanted = dict.fromkeys(
            (kind, id)
            for kind, _, id in (performer_of(tree).partition("/") for tree in trees)
            if kind in _PERFORMERS and id and "/" not in id
        )
        if not wanted:
            return {}
        found = await self.door.read_many(caller, c.ReadMany(tuple(wanted)))
        people = [_tree(version) for version in found]
        return {
            f"{one['resourceType']}/{one['id']}": (
                str(one.get("name", "")) if one["resourceType"] == "Organization" else named(one)
            )
            for one in people
        }


def _tree(version: Version) -> Tree:
    return json.parse(whole(version))
