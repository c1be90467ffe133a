"""A witness: cosigns a checkpoint that continues the last one it saw of that log, and no other.

All it has is one small file: its key, and of each log the newest tree. A tree is in the file before
its cosignature is given away, and one request at a time looks and writes, so that no two can pass
each other. Never put an older copy of that file back: make a new key instead.
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from careplane.kernel import files
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Conflict, Fault, Forbidden, Incorrect, Invalid, NotFound
from careplane.ledger.formats import checkpoint, keys, submission
from careplane.ledger.merkle.hashes import EMPTY_ROOT
from careplane.ledger.merkle.verify import consistent


class Seen(msgspec.Struct, frozen=True):
    """The newest tree of a log that was cosigned."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class _Stored(msgspec.Struct):
    signers: list[str]
    logs: dict[str, Seen]


@dataclass(eq=False)
class Elsewhere(Conflict):
    """The proof starts from another tree than the newest known one."""

    size: int = 0


class Inconsistent(Incorrect):
    """The tree does not continue the one that was cosigned: the log was rewritten."""


class StateFile:
    """The file of one witness, for one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: IO[bytes] | None = None

    def make(self, name: str) -> None:
        """A new witness with new keys. Raises Conflict where there is one."""
        if self._path.exists():
            raise Conflict(f"{self._path} is a witness already.")
        kinds = (keys.Kind.COSIGNATURE, keys.Kind.ML_DSA_44)
        self.save(tuple(keys.generate(name, kind) for kind in kinds), {})

    def load(self) -> tuple[tuple[keys.Signer, ...], dict[str, Seen]]:
        """Its keys, and what it saw. Raises NotFound, or Fault for a damaged file."""
        try:
            stored = msgspec.json.decode(self._path.read_bytes(), type=_Stored)
            return tuple(map(keys.parse_signer, stored.signers)), stored.logs
        except FileNotFoundError:
            raise NotFound(f"There is no witness at {self._path}; make one with --name.") from None
        except (OSError, msgspec.MsgspecError, Incorrect) as error:
            raise Fault(f"{self._path} is damaged: make a new witness, with a new key.") from error

    def save(self, signers: Sequence[keys.Signer], logs: dict[str, Seen]) -> None:
        """Replace it. Raises Fault where the disk refuses."""
        try:
            files.replace(self._path, msgspec.json.encode(_Stored(list(map(str, signers)), logs)))
        except OSError as error:
            raise Fault(f"{self._path} cannot be written; nothing was cosigned.") from error

    def hold(self) -> None:
        """Keep other processes from it until this one ends. Raises Conflict where one has it."""
        lock = self._path.with_name(f"{self._path.name}.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise Conflict(f"Another process is the witness of {self._path}.") from None
        self._lock = lock

    def release(self) -> None:
        """Let others have it."""
        if self._lock:
            self._lock.close()


class Witness:
    """Cosigns for the logs whose keys it was told."""

    def __init__(self, file: StateFile, logs: Sequence[keys.VerifierKey], clock: Clock) -> None:
        self._file, self._logs, self._clock = file, logs, clock
        self._signers, self._seen = file.load()
        self._one = asyncio.Lock()

    @property
    def verifiers(self) -> list[keys.VerifierKey]:
        """What others verify its cosignatures with."""
        return [one.verifier for one in self._signers]

    async def add(self, data: bytes) -> bytes:
        """Cosignatures of a submitted checkpoint, a line each. Raises Malformed, NotFound for a log
        that it does not know, Forbidden for a checkpoint that is not signed by it, Elsewhere with
        the size to prove from, Conflict for two trees of one size, Inconsistent, Fault."""
        asked = submission.parse(data)
        head = checkpoint.parse(asked.checkpoint.text)
        self._signed(asked, head)
        if asked.old > head.size:
            raise Incorrect(f"The proof is from {asked.old} leaves to {head.size}: it cannot be.")
        async with self._one:
            seen = self._seen.get(head.origin, Seen())
            _continues(seen, asked, head)
            if head.size > seen.size or head.origin not in self._seen:
                logs = {**self._seen, head.origin: Seen(head.size, head.root)}
                await asyncio.to_thread(self._file.save, self._signers, logs)
                self._seen = logs
        text, seconds = asked.checkpoint.text, self._clock() // 1_000_000
        return "".join(str(one.sign(text, seconds)) for one in self._signers).encode()

    def _signed(self, asked: submission.Submission, head: checkpoint.Checkpoint) -> None:
        known = [key for key in self._logs if key.name == head.origin]
        if not known:
            raise NotFound("This witness does not know the log of that checkpoint.")
        try:
            signed = keys.verified(asked.checkpoint, known)
        except Invalid as error:
            raise Forbidden(error.text) from None
        if not signed:
            raise Forbidden("The checkpoint is not signed by the log that it is of.")


def _continues(seen: Seen, asked: submission.Submission, head: checkpoint.Checkpoint) -> None:
    if asked.old != seen.size:
        text = f"The newest tree that is known has {seen.size} leaves: prove from there."
        raise Elsewhere(text, size=seen.size)
    if head.size == seen.size and head.root != seen.root:
        raise Conflict("Another tree of this size was cosigned: the log shows two faces.")
    if not consistent(seen.size, seen.root, head.size, head.root, asked.proof):
        raise Inconsistent("The proof does not hold: this tree does not continue the known one.")
