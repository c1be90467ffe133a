"""The log's side: asks all witnesses of a policy at once; as many as it wants are enough."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from careplane.kernel.errors import CareplaneError, Conflict, Malformed
from careplane.ledger.formats import checkpoint, keys, note, submission
from careplane.ledger.formats.policy import Party, Policy
from careplane.ledger.formats.submission import Submission
from careplane.ledger.merkle.tiles import Lost
from careplane.ledger.tree import Tree

if TYPE_CHECKING:
    import httpx

_TRIES = 3
_SECONDS = 4.0
_MOST_BYTES = note.MOST_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness said: its cosignature, or why there is none. `ahead`: it knows a larger tree
    than that of the checkpoint."""

    cosignature: note.Signature | None = None
    problem: str = ""
    ahead: bool = False


class Witnesses:
    """The witnesses of a policy that have an address."""

    def __init__(self, policy: Policy, http: httpx.AsyncClient) -> None:
        self._policy, self._http = policy, http
        self._known: dict[str, int] = {}
        self.problems: Mapping[str, str] = {}
        """What was wrong with the last round, by the name of the witness."""

    def sizes(self) -> frozenset[int]:
        """The sizes of the trees that witnesses know."""
        return frozenset(self._known.values())

    async def cosign(self, signed: note.Note, tree: Tree) -> note.Note | None:
        """The checkpoint with its cosignatures; None where they are too few. Raises Conflict where
        they are, and a witness knows a larger tree: then this log is not the newest there was."""
        asked = {name: one for name, one in self._policy.witnesses.items() if one.url}
        answers = await asyncio.gather(
            *(self._ask(name, party, signed, tree) for name, party in asked.items())
        )
        by = dict(zip(asked, answers, strict=True))
        self.problems = {name: one.problem for name, one in by.items() if one.problem}
        cosigned = {name: one.cosignature for name, one in by.items() if one.cosignature}
        if self._policy.satisfied(set(cosigned)):
            return note.Note(signed.text, (*signed.signatures, *cosigned.values()))
        if ahead := [name for name, one in by.items() if one.ahead]:
            raise Conflict(
                f"Witnesses know a larger tree of this log ({', '.join(ahead)}): it was restored "
                "from an old copy. Put the newest copy of its anchor back; nothing is signed."
            )
        return None

    async def _ask(self, name: str, party: Party, signed: note.Note, tree: Tree) -> Answer:
        import httpx

        try:
            async with asyncio.timeout(_SECONDS):
                return await self._cosignature(name, party, signed, tree)
        except (httpx.HTTPError, TimeoutError) as error:
            return Answer(problem=f"does not answer ({type(error).__name__})")
        except CareplaneError as error:
            return Answer(problem=error.text)
        except Lost:
            return Answer(problem="knows a tree from before leaves were lost; it must be reset")

    async def _cosignature(self, name: str, party: Party, signed: note.Note, tree: Tree) -> Answer:
        size = checkpoint.parse(signed.text).size
        for _ in range(_TRIES):
            old = min(self._known.get(name, 0), size)
            proof = await tree.consistency(old, size)
            status, kind, data = await self._post(party.url, bytes(Submission(old, proof, signed)))
            if status == 200:
                found = _of(party.key, signed.text, submission.parse_cosignatures(data))
                self._known[name] = size
                return Answer(found)
            if status != 409 or kind != submission.SIZE_TYPE:
                return Answer(problem=f"refuses with {status}")
            known = submission.parse_size(data)
            if known > size:
                return Answer(problem=f"knows a tree of {known} leaves", ahead=True)
            self._known[name] = known
        return Answer(problem="knows another tree at each try")

    async def _post(self, url: str, data: bytes) -> tuple[int, str, bytes]:
        address = f"{url.rstrip('/')}/add-checkpoint"
        async with self._http.stream("POST", address, content=data) as answer:
            got = bytearray()
            async for part in answer.aiter_bytes():
                got += part
                if len(got) > _MOST_BYTES:
                    raise Malformed("answers with too much")
            return answer.status_code, answer.headers.get("content-type", ""), bytes(got)


def _of(key: keys.VerifierKey, text: str, signatures: tuple[note.Signature, ...]) -> note.Signature:
    """The cosignature by a key; those by others are passed by."""
    for one in signatures:
        if key.signed(one):
            return key.verify(text, one).signature
    raise Malformed("answers without a signature by the key that the policy has")
