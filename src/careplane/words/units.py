"""Units as people read them (UCUM, case sensitive codes).

Symbols such as mg/dL are the same everywhere and stay; words are said in the language, in the form
that the number asks for.
"""

from __future__ import annotations

from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark, ngettext, whole

SYMBOLS: dict[str, str] = {
    "mm[Hg]": "mmHg",
    "cm[H2O]": "cmH₂O",
    "{score}": "",
    "1": "",
    "{ratio}": "",
    "Cel": "°C",
    "[degF]": "°F",
    "[in_i]": "in",
    "[ft_i]": "ft",
    "[lb_av]": "lb",
    "[oz_av]": "oz",
    "[IU]": "IU",
    "[iU]": "IU",
    "10*3/uL": "10³/µL",
    "10*6/uL": "10⁶/µL",
    "10*9/L": "10⁹/L",
    "10*12/L": "10¹²/L",
    "ug": "µg",
    "ug/L": "µg/L",
    "umol/L": "µmol/L",
    "ug/kg": "µg/kg",
    "m[IU]/L": "mIU/L",
    "u[IU]/mL": "µIU/mL",
    "kg/m2": "kg/m²",
}
"""Codes that people read as other symbols."""
PHRASES: dict[str, str] = {
    "/min": mark("per min"),
    "{beats}/min": mark("beats per min"),
    "{breaths}/min": mark("breaths per min"),
}
"""Codes that are said, and have no number of their own."""

OF_TIME: dict[str, str] = {
    "s": mark("%(often)s × every second"),
    "min": mark("%(often)s × every minute"),
    "h": mark("%(often)s × every hour"),
    "d": mark("%(often)s × every day"),
    "wk": mark("%(often)s × every week"),
    "mo": mark("%(often)s × every month"),
    "a": mark("%(often)s × every year"),
}
"""How often in one period of this unit (R4 2.24.0.16 Timing.repeat.periodUnit)."""


def unit(code: str, number: float | None = None) -> str:
    """How a unit is written beside a number; what nobody has words for as it is."""
    if code in SYMBOLS:
        return SYMBOLS[code]
    if code in PHRASES:
        return _(PHRASES[code])
    return _word(code, whole(100 if number is None else number)) or code


def _word(code: str, count: int) -> str:
    match code:
        case "s":
            return ngettext("second", "seconds", count)
        case "min":
            return ngettext("minute", "minutes", count)
        case "h":
            return ngettext("hour", "hours", count)
        case "d":
            return ngettext("day", "days", count)
        case "wk":
            return ngettext("week", "weeks", count)
        case "mo":
            return ngettext("month", "months", count)
        case "a":
            return ngettext("year", "years", count)
        case "{tbl}" | "{tablet}":
            return ngettext("tablet", "tablets", count)
        case "{cap}" | "{capsule}":
            return ngettext("capsule", "capsules", count)
        case "[drp]" | "{drop}":
            return ngettext("drop", "drops", count)
        case "{puff}":
            return ngettext("puff", "puffs", count)
        case "{spray}":
            return ngettext("spray", "sprays", count)
        case "{patch}":
            return ngettext("patch", "patches", count)
        case "{supp}" | "{suppository}":
            return ngettext("suppository", "suppositories", count)
        case "{dose}":
            return ngettext("dose", "doses", count)
    return ""
