"""From a UCUM code to its meaning: the grammar of UCUM 2.2, sections 2-12, case-sensitive form.

main       =  ["/"] term
term       =  component { ("." | "/") component }       read from the left: a/b.c is (a/b).c
component  =  ( simple [exponent] | number | "(" term ")" ) [annotation]  |  annotation
simple     =  atom | prefix metric-atom
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

from careplane.fhir.ucum.errors import NotAUnit
from careplane.fhir.ucum.tables import BASE_UNITS, PREFIXES, UNITS
from careplane.fhir.ucum.unit import ONE, Special, Unit

MAX_LENGTH: Final = 256
MAX_NESTING: Final = 16
MAX_EXPONENT: Final = 99

_MEANT: Final = {
    "mmHg": "mm[Hg]", "cmH2O": "cm[H2O]", "mcg": "ug", "\xb5g": "ug", "\u03bcg": "ug", "gm": "g",
    "cc": "mL", "mcL": "uL", "sec": "s", "hr": "h", "hrs": "h", "day": "d", "yr": "a",
    "bpm": "/min", "\xb0C": "Cel", "degC": "Cel", "\xb0F": "[degF]", "degF": "[degF]",
    "lb": "[lb_av]", "lbs": "[lb_av]", "oz": "[oz_av]", "in": "[in_i]", "mEq": "meq",
    "mOsm": "mosm",
}  # fmt: skip
"""What is often written instead of a unit's code."""
_TOKEN: Final = re.compile(
    r"""
    (?P<annotation> \{ [!-z|~]* \} )
  | (?P<number> \d+ (?= [./){] | $ ) )
  | (?P<simple> (?: \[ [^\[\]{}\s]* \] | [^\s"()+\-./=\[\]{}] )+? )
    (?P<exponent> [+-]?\d+ )? (?= [./){] | $ )
  | (?P<symbol> [./()] )
    """,
    re.VERBOSE | re.ASCII,
)


@lru_cache(maxsize=4096)
def parse(code: str) -> Unit:
    """The unit that a code means; raises NotAUnit, which says what is wrong with the code."""
    if not code:
        raise NotAUnit("The unit is empty; the unit of a pure number is 1.")
    if len(code) > MAX_LENGTH:
        raise NotAUnit(f"A unit may have {MAX_LENGTH} characters at most.")
    return _Parser(code).whole()


class _Parser:
    """One walk over one code."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.at = 0
        self.nesting = 0

    def wrong(self, problem: str) -> NotAUnit:
        return NotAUnit(f"Not a UCUM unit, character {self.at + 1}: {problem}")

    def takes(self, symbol: str) -> bool:
        if seen := self.code.startswith(symbol, self.at):
            self.at += 1
        return seen

    def whole(self) -> Unit:
        unit = ONE.product(self.component().power(-1)) if self.takes("/") else self.component()
        unit = self.rest(unit)
        if self.at < len(self.code):
            raise self.wrong(self._annotation() or "there is something after the end.")
        return unit

    def rest(self, unit: Unit) -> Unit:
        while True:
            if self.takes("."):
                unit = unit.product(self.component())
            elif self.takes("/"):
                unit = unit.product(self.component().power(-1))
            else:
                return unit

    def component(self) -> Unit:
        if self.takes("("):
            unit = self.group()
        else:
            match = _TOKEN.match(self.code, self.at)
            if match is None or match.lastgroup == "symbol":
                expected = "expected a unit, a number or an annotation in braces."
                raise self.wrong(self._annotation() or expected)
            unit = self.meaning(match)
            self.at = match.end()
            if match.lastgroup == "annotation":
                return unit
        return self.annotated(unit)

    def _annotation(self) -> str | None:
        """What is wrong where an annotation seems to begin."""
        if not self.code.startswith("{", self.at):
            return None
        return "an annotation has no spaces, no braces and nothing but ASCII inside."

    def group(self) -> Unit:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.wrong("nested too deeply.")
        unit = self.rest(self.component())
        if not self.takes(")"):
            raise self.wrong("expected ')'.")
        self.nesting -= 1
        return unit

    def annotated(self, unit: Unit) -> Unit:
        match = _TOKEN.match(self.code, self.at)
        if match and match.lastgroup == "annotation":
            self.at = match.end()
        return unit

    def meaning(self, match: re.Match[str]) -> Unit:
        if match["annotation"]:
            return ONE
        if match["number"]:
            return self.number(match["number"])
        exponent = int(match["exponent"] or 1) if len(match["exponent"] or "") < 5 else 10**5
        if abs(exponent) > MAX_EXPONENT:
            raise self.wrong(f"an exponent may be {MAX_EXPONENT} at most.")
        unit = simple(match["simple"])
        if unit is None:
            raise self.wrong(_unknown(match["simple"]))
        return unit.power(exponent)

    def number(self, digits: str) -> Unit:
        if len(digits) > 30 or not int(digits):
            raise self.wrong("this number is of no use.")
        return Unit(Fraction(int(digits)), (), () if digits == "1" else None)


@lru_cache(maxsize=4096)
def simple(code: str) -> Unit | None:
    """An atom, or a metric atom with a prefix; None if there is no such unit."""
    if code in BASE_UNITS:
        return Unit(Fraction(1), ((code, 1),), ((code, 1),))
    if code in UNITS:
        return _atom(code)
    for prefix in (code[:2], code[:1]):
        rest = code[len(prefix) :]
        if prefix in PREFIXES and (rest in BASE_UNITS or (rest in UNITS and UNITS[rest][2])):
            return _prefixed(code, Fraction(PREFIXES[prefix][0]), rest)
    return None


def _atom(code: str) -> Unit:
    value, reference, _, kind, _ = UNITS[code]
    if kind == "arbitrary" and reference == "1":
        return Unit(Fraction(1), ((code, 1),), ((code, 1),))
    base = parse(reference)
    factor = base.factor * Fraction(value)
    if kind in ("", "arbitrary"):
        return Unit(factor, base.dimension, ((code, 1),))
    return Unit(factor, base.dimension, None, Special(kind, Fraction(1)))


def _prefixed(code: str, prefix: Fraction, rest: str) -> Unit:
    unit = simple(rest)
    assert unit is not None
    if unit.special:
        special = Special(unit.special.function, unit.special.amount * prefix)
        return Unit(unit.factor, unit.dimension, None, special)
    return Unit(unit.factor * prefix, unit.dimension, ((code, 1),))


def _unknown(code: str) -> str:
    """Name the unit meant, where only the case or the brackets differ."""
    if code in _MEANT:
        return f"{code!r} is not a unit; did you mean {_MEANT[code]}?"
    known = {**BASE_UNITS, **UNITS}
    meant = [one for one in known if one.strip("[]").casefold() == code.strip("[]").casefold()]
    hint = f"; did you mean {' or '.join(meant)}?" if meant else "."
    return f"{code!r} is not a unit{hint}"
