"""The dose: what is many times the usual is a slip of the pen, more often than meant."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from careplane.care.prescribing.checks.port import Asked, Finding, Kind

MANY: Final = "%(dose)s at once are unusually many. Is this what you mean?"
OFTEN: Final = "%(count)s times a day is unusually often. Is this what you mean?"
_MOST: Final = {"{tbl}": 8, "{capsule}": 8, "{puff}": 12, "{patch}": 3, "{suppository}": 2,
                "{drop}": 40, "g": 12}  # fmt: skip
_OFTEN: Final = 8


async def dose(asked: Asked) -> Sequence[Finding]:
    """Counts that hold for any medicine; none of them stops a prescription."""
    found = []
    for rate in asked.dosage.get("doseAndRate", ()):
        quantity = rate.get("doseQuantity", {})
        most = _MOST.get(str(quantity.get("code", "")))
        if most and Decimal(str(quantity.get("value", 0))) > most:
            facts = {"dose": f"{quantity['value']} {quantity.get('unit', '')}"}
            found.append(Finding(Kind.DOSE, "moderate", "dose-many", MANY, facts, "built-in"))
    repeat = asked.dosage.get("timing", {}).get("repeat", {})
    daily = repeat.get("periodUnit") == "d" and repeat.get("period") == 1
    if daily and int(repeat.get("frequency", 0)) > _OFTEN:
        facts = {"count": str(repeat["frequency"])}
        found.append(Finding(Kind.DOSE, "moderate", "dose-often", OFTEN, facts, "built-in"))
    return found
