"""Answers of forms as text, and what is wrong with them as sentences."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from careplane.care.forms.choices import said
from careplane.web.i18n import mark
from careplane.web.say.dates import say_date, say_time
from careplane.words.catalogues import ngettext

YES_OR_NO: Final = (("true", mark("Yes")), ("false", mark("No")))


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence to be translated, and what stands in it by name; or, where it is `plain`, what
    somebody wrote."""

    text: str
    values: dict[str, str] = field(default_factory=dict)
    plain: bool = False


_OFFERED: Final = mark("Choose one of the answers that are offered.")
_UNITS: Final = mark("Choose one of the units that are offered.")
_FORM: Final = mark("Write it in the form that the question asks for.")
_ALONE: Final = mark("This answer stands alone: take the others away.")
_MISTYPED: Final = {
    "integer": mark("Write a whole number, such as 12."),
    "decimal": mark("Write a number, such as 12.5."),
    "date": mark("Write a date as 2026-11-28, or the year and month alone."),
    "dateTime": mark("Write a date and time as 2026-11-28T14:30."),
    "time": mark("Write a time as 14:30."),
    "url": mark("Write an address without spaces, such as https://example.org."),
    "reference": mark("Write a type and a number, such as Practitioner/17."),
    "choice": _OFFERED,
    "unit": _UNITS,
    "text": mark("This has signs that cannot be stored; type it again."),
    "unknown": mark("This kind of question cannot be answered here."),
}

_PROBLEMS: Final[tuple[tuple[re.Pattern[str], str | Callable[[int], str]], ...]] = (
    (re.compile(r"A required question has no answer"), mark("Answer this question.")),
    (re.compile(r"A required item has no answer"), mark("Answer this question.")),
    (re.compile(r"A required group has no items"), mark("Answer at least one question here.")),
    (re.compile(r"The answer is not one of the options"), _OFFERED),
    (re.compile(r"The code is not in the value set.*"), _OFFERED),
    (re.compile(r"The unit is not .*"), _UNITS),
    (
        re.compile(r"The answer is less than the least.*"),
        mark("This is less than the least that can be."),
    ),
    (
        re.compile(r"The answer is greater than the most.*"),
        mark("This is more than the most that can be."),
    ),
    (re.compile(r"The answer cannot be compared.*"), mark("Choose a unit of the same kind.")),
    (
        re.compile(r"The answer is longer than (?P<n>\d+) .*"),
        lambda n: ngettext(
            "Write at most %(num)s character.", "Write at most %(num)s characters.", n
        ),
    ),
    (
        re.compile(r"The answer is shorter than (?P<n>\d+) .*"),
        lambda n: ngettext(
            "Write at least %(num)s character.", "Write at least %(num)s characters.", n
        ),
    ),
    (re.compile(r"The answer has not the form.*"), _FORM),
    (
        re.compile(r"The number has more decimal places.*"),
        mark("Write fewer digits after the point."),
    ),
    (re.compile(r"This option excludes all others"), _ALONE),
    (
        re.compile(r"Fewer than (?P<n>\S+) .*"),
        lambda n: ngettext("Give at least %(num)s answer.", "Give at least %(num)s answers.", n),
    ),
    (
        re.compile(r"More than (?P<n>\S+) .*"),
        lambda n: ngettext("Give at most %(num)s answer.", "Give at most %(num)s answers.", n),
    ),
    (re.compile(r"This question takes one answer"), mark("Give one answer.")),
    (re.compile(r"[^:]{1,64}: (?P<said>.+)"), mark("This rule of the form is broken: %(said)s")),
)
_ANY: Final = mark("This answer is not as the form asks for it.")


def mistyped(problem: str) -> Said:
    """What is wrong with what was typed, by the short name that reading gave it."""
    return Said(_MISTYPED[problem])


def problem(text: str) -> Said:
    """What the rules for responses say of an answer, for who has given it."""
    for pattern, sentence in _PROBLEMS:
        found = pattern.fullmatch(text)
        if found:
            if isinstance(sentence, str):
                return Said(sentence, found.groupdict())
            return Said(sentence(int(float(found["n"]))), plain=True)
    return Said(_ANY)


def answer(name: str, value: Any, language: str, option: str = "") -> Said:
    """One answer as it is read; `option` is what the form calls it, where it offers it."""
    if option:
        return Said(option, plain=True)
    if isinstance(value, bool):
        return Said(dict(YES_OR_NO)[str(value).lower()])
    return Said(_written(name, value, language), plain=True)


def _written(name: str, value: Any, language: str) -> str:
    if name == "valueDate":
        return say_date(value)
    if name == "valueDateTime":
        return say_time(value)
    if name == "valueTime":
        return str(value)[:5]
    if name == "valueQuantity":
        unit = value.get("unit") or value.get("code") or ""
        return f"{value.get('value', '')} {unit}".strip()
    if name == "valueAttachment":
        return str(value.get("title") or value.get("contentType") or "")
    if name == "valueReference":
        return str(value.get("display") or value.get("reference") or "")
    return said(value, language)
