"""The Prefer header: how much comes back, and how strictly a search is read (FHIR R4, 3.1.0.1.9
and 3.1.1.1; RFC 7240)."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from careplane.records.commands import Handling


class Return(StrEnum):
    """What a write answers with."""

    MINIMAL = "minimal"
    REPRESENTATION = "representation"
    OUTCOME = "OperationOutcome"


class Prefer(Struct, frozen=True):
    """Preferences; `returns` is None where the client has none. `later`: the answer may come
    after the request (`respond-async`). `receipt`: that of the ledger is wanted with a write."""

    returns: Return | None = None
    handling: Handling = Handling.LENIENT
    later: bool = False
    receipt: bool = False


_RETURNS = {kind.lower(): kind for kind in Return}
_HANDLING = {str(kind): kind for kind in Handling}


@lru_cache(maxsize=128)
def prefer(header: str) -> Prefer:
    """What is not understood is no preference: RFC 7240 has it ignored."""
    returns: Return | None = None
    handling = Handling.LENIENT
    later = receipt = False
    for part in header[:1000].replace(";", ",").split(","):
        name, _, value = part.partition("=")
        value = value.strip().strip('"').lower()
        match name.strip().lower():
            case "return":
                returns = _RETURNS.get(value, returns)
            case "handling":
                handling = _HANDLING.get(value, handling)
            case "respond-async":
                later = True
            case "receipt":
                receipt = True
    return Prefer(returns, handling, later, receipt)
