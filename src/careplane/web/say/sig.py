"""The directions of a medicine in words, made from its structure in the language of the page."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from gettext import NullTranslations

from careplane.care.prescribing.sig import SNOMED
from careplane.fhir.tree import Tree
from careplane.web.i18n import mark
from careplane.web.say import types
from careplane.words.catalogues import translations
from careplane.words.languages import LANGUAGES, SOURCE

Count = Callable[[NullTranslations, int], str]

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
    "{tbl}": lambda t, n: t.ngettext("%(num)s tablet", "%(num)s tablets", n),
    "{capsule}": lambda t, n: t.ngettext("%(num)s capsule", "%(num)s capsules", n),
    "{drop}": lambda t, n: t.ngettext("%(num)s drop", "%(num)s drops", n),
    "{puff}": lambda t, n: t.ngettext("%(num)s puff", "%(num)s puffs", n),
    "{patch}": lambda t, n: t.ngettext("%(num)s patch", "%(num)s patches", n),
    "{suppository}": lambda t, n: t.ngettext("%(num)s suppository", "%(num)s suppositories", n),
    "{application}": lambda t, n: t.ngettext("%(num)s application", "%(num)s applications", n),
    "[iU]": lambda t, n: t.ngettext("%(num)s unit", "%(num)s units", n),
}
_TIMES: dict[str, Count] = {
    "h": lambda t, n: t.ngettext("%(num)s time an hour", "%(num)s times an hour", n),
    "d": lambda t, n: t.ngettext("%(num)s time a day", "%(num)s times a day", n),
    "wk": lambda t, n: t.ngettext("%(num)s time a week", "%(num)s times a week", n),
    "mo": lambda t, n: t.ngettext("%(num)s time a month", "%(num)s times a month", n),
}
_EVERY: dict[str, Count] = {
    "h": lambda t, n: t.ngettext("every hour", "every %(num)s hours", n),
    "d": lambda t, n: t.ngettext("every day", "every %(num)s days", n),
    "wk": lambda t, n: t.ngettext("every week", "every %(num)s weeks", n),
    "mo": lambda t, n: t.ngettext("every month", "every %(num)s months", n),
}
_FEW = {
    (1, "d"): mark("once a day"),
    (2, "d"): mark("twice a day"),
    (1, "wk"): mark("once a week"),
    (2, "wk"): mark("twice a week"),
    (1, "mo"): mark("once a month"),
}


def sig(dosage: Tree, language: str = SOURCE) -> str:
    """As a label says it: `1 tablet by mouth twice a day, for 7 days`. Words that are not made of
    the structure stay as they are: they may say more than it does."""
    return own_words(dosage) or _made(dosage, language)


def own_words(dosage: Tree) -> str:
    """The text of a Dosage, where it is not made of its structure in some language."""
    text = str(dosage.get("text", ""))
    return "" if any(text == _made(dosage, one) for one in LANGUAGES) else text


def _made(dosage: Tree, language: str) -> str:
    t = translations(language)
    repeat = dosage.get("timing", {}).get("repeat", {})
    how_much = _dose(t, dosage)
    how_often = _often(t, repeat)
    first = " ".join(part for part in (how_much, _route(t, dosage), how_often) if part)
    rest = (_needed(t, dosage), _for(t, repeat), str(dosage.get("patientInstruction", "")))
    return ", ".join(part for part in (first, *rest) if part)


def _dose(t: NullTranslations, dosage: Tree) -> str:
    quantity = next((d["doseQuantity"] for d in dosage.get("doseAndRate", ())
                     if "doseQuantity" in d), None)  # fmt: skip
    if quantity is None or "value" not in quantity:
        return ""
    unit = str(quantity.get("code") or quantity.get("unit", ""))
    count = _UNITS.get(unit) if unit else _dosed
    if count is None:
        return types.quantity(quantity)
    value = Decimal(str(quantity["value"]))
    return count(t, 1 if value == 1 else max(2, int(value))) % {"num": f"{value.normalize():f}"}


def _dosed(t: NullTranslations, n: int) -> str:
    return t.ngettext("%(num)s dose", "%(num)s doses", n)


def _route(t: NullTranslations, dosage: Tree) -> str:
    route = dosage.get("route", {})
    codes = (c.get("code") for c in route.get("coding", ()) if c.get("system") == SNOMED)
    known = next((code for code in codes if code in _ROUTES), None)
    return t.gettext(_ROUTES[known]) if known else types.concept(route)


def _often(t: NullTranslations, repeat: Tree) -> str:
    times, period, unit = repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit")
    when = [t.gettext(_WHEN[code]) for code in repeat.get("when", ()) if code in _WHEN]
    said = ""
    if repeat.get("count") == 1 and not times:
        said = t.gettext("once only")
    elif times and period and unit in _TIMES:
        times = int(times)
        if period == 1 and (times, unit) in _FEW:
            said = t.gettext(_FEW[times, unit])
        elif period == 1 and (times > 1 or unit != "h"):
            said = _TIMES[unit](t, times) % {"num": times}
        else:
            every = _EVERY[unit](t, int(period)) % {"num": period}
            said = every if times == 1 else f"{times} × {every}"
    return " ".join([*([said] if said else []), *when])


def _needed(t: NullTranslations, dosage: Tree) -> str:
    reason = types.concept(dosage.get("asNeededCodeableConcept", {}))
    if reason:
        return t.gettext("as needed for %(reason)s") % {"reason": reason}
    return t.gettext("as needed") if dosage.get("asNeededBoolean") else ""


def _for(t: NullTranslations, repeat: Tree) -> str:
    bounds = repeat.get("boundsDuration", {})
    if bounds.get("code") != "d" or "value" not in bounds:
        return ""
    days = int(bounds["value"])
    return t.ngettext("for %(num)s day", "for %(num)s days", days) % {"num": days}
