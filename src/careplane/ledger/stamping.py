"""Time stamps of others on the log (RFC 3161): once a day an authority signs that the newest
checkpoint was there. Witnesses keep a log from showing two faces; a stamp dates it for a court."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from cryptography.x509 import Certificate
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from careplane.kernel.clock import Clock
from careplane.kernel.errors import CareplaneError, Fault
from careplane.ledger.stamps import STAMPS, Stamp, pack, unpack
from careplane.storage.ports.ledger import LedgerStore

_LOOK_SECONDS = 600.0
_log = logging.getLogger(__name__)
Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a request to the authority; its answer. Raises Busy."""


class Stamping:
    """`source` is the note of the checkpoints that are stamped; `roots` are the certificates that
    the authority must be certified by."""

    def __init__(
        self, store: LedgerStore, source: str, ask: Ask, roots: Sequence[Certificate], clock: Clock
    ) -> None:
        self._store, self._source = store, source
        self._ask, self._roots, self._clock = ask, roots, clock

    async def run(self) -> None:
        """Until cancelled. An authority that does not answer is asked again."""
        while True:
            try:
                await self.step()
            except CareplaneError as error:
                _log.warning("The log gets no time stamp now: %s", error.text)
            await asyncio.sleep(_LOOK_SECONDS)

    async def step(self) -> bool:
        """Have the newest checkpoint stamped where none was today; whether it was. Raises Busy,
        Fault for an answer that is no stamp of it by that authority."""
        signed = await self._store.note(self._source)
        stamps = unpack(await self._store.note(STAMPS))
        day = datetime.fromtimestamp(self._clock() / 1_000_000, UTC).date().isoformat()
        if not signed or (stamps and (stamps[-1].day >= day or stamps[-1].checkpoint == signed)):
            return False
        request = TimestampRequestBuilder(data=signed, hash_algorithm=HashAlgorithm.SHA512).build()
        answer = await self._ask(request.as_bytes())
        self._verify(request, answer, signed)
        await self._store.put_note(STAMPS, pack([*stamps, Stamp(day, signed, answer)]))
        return True

    def _verify(self, request: TimeStampRequest, answer: bytes, signed: bytes) -> None:
        builder = VerifierBuilder.from_request(request)
        for root in self._roots:
            builder = builder.add_root_certificate(root)
        try:
            builder.build().verify_message(decode_timestamp_response(answer), signed)
        except (VerificationError, ValueError) as error:
            raise Fault(f"The time-stamp authority's answer does not hold: {error}.") from None
