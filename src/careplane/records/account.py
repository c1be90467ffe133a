"""What the audit trail will say of one call of the door: gathered on the way, kept at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from careplane.access.caller import BREAK_GLASS, TREATMENT, Caller
from careplane.kernel.clock import Clock
from careplane.kernel.errors import Busy, CareplaneError, Fault
from careplane.ledger.audit import Outcome, encode_front, ended, shortened
from careplane.records.patients import patients_of_rows, patients_of_versions
from careplane.records.veil.veiled import truth
from careplane.search.rows import Rows
from careplane.storage.ports.records import Put, Version

EMERGENCY = "break-glass:"
"""Stands before the interaction of whatever is done under emergency access."""
_WELL = Outcome.SUCCESS.value


class Account(Struct):
    """One call: who, what, and what left. `kept` tells that a unit of work took the record along,
    so that nothing is left to append; `veiled` that the caller does not see all of what leaves."""

    caller: Caller
    interaction: str
    query: str = ""
    versions: list[tuple[str, str, int]] = []
    patients: dict[str, None] = {}
    kept: bool = False
    veiled: bool = False

    def saw(self, versions: Sequence[Version]) -> None:
        """These versions leave with the answer."""
        if self.veiled:
            versions = list(map(truth, versions))
        for version in versions:
            self.versions.append((version.type, version.id, version.version))
        self.patients.update(patients_of_versions(versions))

    def wrote(self, puts: Iterable[Put]) -> None:
        """These versions are written; the patients of what they replace are concerned too."""
        for put in puts:
            self.versions.append((put.type, put.id, put.expect + 1))
            for rows in (put.rows, put.old):
                self._concerns(put.type, put.id, rows)

    def _concerns(self, type: str, id: str, rows: Rows) -> None:
        self.patients.update(dict.fromkeys(patients_of_rows(type, id, rows)))

    def absorb(self, other: Account) -> None:
        """Take over what an inner call saw or wrote."""
        self.versions.extend(other.versions)
        self.patients.update(other.patients)

    def with_writes(self, puts: Iterable[Put]) -> Account:
        """This account as it will be once these are written."""
        after = Account(
            self.caller, self.interaction, self.query, [*self.versions], {**self.patients}
        )
        after.wrote(puts)
        return after

    def success(self, clock: Clock) -> bytes:
        """The record of a call that went well."""
        return self._record(clock, _WELL, self.caller.told or _told(self.caller))

    def failure(self, clock: Clock, error: BaseException) -> bytes:
        """The record of a call that ended in an error; it names the kind, and nothing inside."""
        serious = isinstance(error, Fault | Busy) or not isinstance(error, CareplaneError)
        outcome = Outcome.SERIOUS if serious else Outcome.MINOR
        return self._record(clock, outcome.value, _end(self.caller, type(error).__name__))

    def _record(self, clock: Clock, outcome: str, end: bytes) -> bytes:
        caller = self.caller
        what = EMERGENCY + self.interaction if caller.emergency else self.interaction
        patients = tuple(self.patients)
        front = (
            clock(),
            caller.tenant,
            caller.id,
            what,
            outcome,
            self.versions,
            patients,
            self.query,
        )
        return encode_front(front, end)


def _told(caller: Caller) -> bytes:
    """The end of the records of what went well, made once for a caller."""
    told = _end(caller, "")
    object.__setattr__(caller, "told", told)
    return told


def _end(caller: Caller, detail: str) -> bytes:
    return ended(
        (
            caller.address,
            detail,
            "" if caller.purpose == TREATMENT else caller.purpose,
            "" if caller.id.endswith(caller.client) else caller.client,
            shortened(caller.token),
            caller.purpose == BREAK_GLASS,
            " ".join(caller.roles),
        )
    )
