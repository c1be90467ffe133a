"""The directions of a medicine in words, made from its structure in the language of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from careplane.care.prescribing.sig import SNOMED
from careplane.fhir.tree import Tree
from careplane.web.say import types
from careplane.web.say.often import EVERY, TIMES
from careplane.words.audience import audience, speaking
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import mark, ngettext
from careplane.words.languages import LANGUAGES

Number = int | Decimal
Count = Callable[[Number], str]

_ROUTES = {
    "26643006": mark("by mouth"),
    "37839007": mark("under the tongue"),
    "6064005": mark("on the skin"),
    "447694001": mark("inhaled"),
    "46713006": mark("in the nose"),
    "54485002": mark("in the eye"),
    "10547007": mark("in the ear"),
    "37161004": mark("rectally"),
    "16857009": mark("vaginally"),
    "45890007": mark("as a patch on the skin"),
    "34206005": mark("injected under the skin"),
    "78421000": mark("injected into a muscle"),
    "47625008": mark("injected into a vein"),
}
_WHEN = {
    "MORN": mark("in the morning"),
    "NOON": mark("at noon"),
    "EVE": mark("in the evening"),
    "HS": mark("at bedtime"),
    "AC": mark("before meals"),
    "PC": mark("after meals"),
    "C": mark("with meals"),
    "WAKE": mark("on waking"),
}
_UNITS: dict[str, Count] = {
    "{tbl}": lambda n: ngettext("%(num)s tablet", "%(num)s tablets", n),
    "{capsule}": lambda n: ngettext("%(num)s capsule", "%(num)s capsules", n),
    "{drop}": lambda n: ngettext("%(num)s drop", "%(num)s drops", n),
    "{puff}": lambda n: ngettext("%(num)s puff", "%(num)s puffs", n),
    "{patch}": lambda n: ngettext("%(num)s patch", "%(num)s patches", n),
    "{suppository}": lambda n: ngettext("%(num)s suppository", "%(num)s suppositories", n),
    "{application}": lambda n: ngettext("%(num)s application", "%(num)s applications", n),
    "[iU]": lambda n: ngettext("%(num)s unit", "%(num)s units", n),
}
_OFTEN = frozenset({"h", "d", "wk", "mo"})
_FEW = {
    (1, "d"): mark("once a day"),
    (2, "d"): mark("twice a day"),
    (1, "wk"): mark("once a week"),
    (2, "wk"): mark("twice a week"),
    (1, "mo"): mark("once a month"),
}


def sig(dosage: Tree) -> str:
    """As a label says it: `1 tablet by mouth twice a day, for 7 days`. Words that are not made of
    the structure stay as they are: they may say more than it does."""
    return own_words(dosage) or _made(dosage)


def own_words(dosage: Tree) -> str:
    """The text of a Dosage, where it is not made of its structure in some language."""
    text = str(dosage.get("text", ""))
    return "" if any(text == _made_in(dosage, one) for one in LANGUAGES) else text


def _made_in(dosage: Tree, language: str) -> str:
    with speaking(replace(audience(), language=language)):
        return _made(dosage)


def _made(dosage: Tree) -> str:
    repeat = dosage.get("timing", {}).get("repeat", {})
    how_much = _dose(dosage)
    how_often = _often(repeat)
    first = " ".join(part for part in (how_much, _route(dosage), how_often) if part)
    rest = (_needed(dosage), _for(repeat), str(dosage.get("patientInstruction", "")))
    return _(", ").join(part for part in (first, *rest) if part)


def _dose(dosage: Tree) -> str:
    quantity = next((d["doseQuantity"] for d in dosage.get("doseAndRate", ())
                     if "doseQuantity" in d), None)  # fmt: skip
    if quantity is None or "value" not in quantity:
        return ""
    unit = str(quantity.get("code") or quantity.get("unit", ""))
    count = _UNITS.get(unit) if unit else _dosed
    if count is None:
        return types.quantity(quantity)
    value = Decimal(str(quantity["value"]))
    return count(int(value) if value == int(value) else value.normalize())


def _dosed(n: Number) -> str:
    return ngettext("%(num)s dose", "%(num)s doses", n)


def _route(dosage: Tree) -> str:
    route = dosage.get("route", {})
    codes = (c.get("code") for c in route.get("coding", ()) if c.get("system") == SNOMED)
    known = next((code for code in codes if code in _ROUTES), None)
    return _(_ROUTES[known]) if known else types.concept(route)


def _often(repeat: Tree) -> str:
    times, period, unit = repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit")
    when = [_(_WHEN[code]) for code in repeat.get("when", ()) if code in _WHEN]
    said = ""
    if repeat.get("count") == 1 and not times:
        said = _("once only")
    elif times and period and unit in _OFTEN:
        times = int(times)
        if period == 1 and (times, unit) in _FEW:
            said = _(_FEW[times, unit])
        elif period == 1 and (times > 1 or unit != "h"):
            said = TIMES[unit](times)
        else:
            every = EVERY[unit](period)
            said = every if times == 1 else f"{times} × {every}"
    return " ".join([*([said] if said else []), *when])


def _needed(dosage: Tree) -> str:
    reason = types.concept(dosage.get("asNeededCodeableConcept", {}))
    if reason:
        return _("as needed for %(reason)s", reason=reason)
    return _("as needed") if dosage.get("asNeededBoolean") else ""


def _for(repeat: Tree) -> str:
    bounds = repeat.get("boundsDuration", {})
    if bounds.get("code") != "d" or "value" not in bounds:
        return ""
    return ngettext("for %(num)s day", "for %(num)s days", int(bounds["value"]))
