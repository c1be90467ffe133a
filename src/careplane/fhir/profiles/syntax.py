"""Codes whose form alone tells that they are none: identifiers with a check digit.

SNOMED CT identifiers (6 to 18 digits, partition, Verhoeff check digit; SNOMED CT Release File
Specification, 5) and LOINC codes (number, hyphen, Mod 10 check digit; LOINC Users' Guide). A code
of good form may still be unknown: that is for a terminology to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

_SCTID = re.compile(r"[1-9][0-9]{5,17}").fullmatch
_LOINC = re.compile(r"(?:[A-Z]{2})?[0-9]{1,8}-[0-9]").fullmatch
_PLAIN_LOINC = re.compile(r"[0-9]{1,8}-[0-9]").fullmatch
_PARTITIONS = frozenset({"00", "01", "02", "10", "11", "12"})
_TURNS = 8


@cache
def _verhoeff() -> tuple[list[list[int]], list[list[int]]]:
    """Multiplication in the dihedral group of ten, and the permutation of each position."""
    product = [
        [
            (a + b) % 5 if a < 5 and b < 5
            else (a + b - 5) % 5 + 5 if a < 5
            else (a - b) % 5 + 5 if b < 5
            else (a - b) % 5
            for b in range(10)
        ]
        for a in range(10)
    ]  # fmt: skip
    turn = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    permutations = [list(range(10))]
    for _ in range(_TURNS - 1):
        permutations.append([permutations[-1][turn[digit]] for digit in range(10)])
    return product, permutations


def is_sctid(code: str) -> bool:
    """Whether a text has the form of a SNOMED CT identifier."""
    if not _SCTID(code) or code[-3:-1] not in _PARTITIONS:
        return False
    product, permutations = _verhoeff()
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = product[check][permutations[place % _TURNS][int(digit)]]
    return check == 0


def is_loinc(code: str) -> bool:
    """Whether a text has the form of a LOINC code: of a term, a part (LP), an answer (LA), ..."""
    if not _LOINC(code):
        return False
    if not _PLAIN_LOINC(code):
        return True
    number, _, check = code.partition("-")
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10 == int(check)


FORMS: Mapping[str, Callable[[str], bool]] = {
    "http://snomed.info/sct": is_sctid,
    "http://loinc.org": is_loinc,
}
"""Code system -> whether a text has the form of its codes, SNOMED CT expressions aside."""


def is_misshapen(system: str, code: str) -> bool:
    """Whether a code cannot be one of its system. Post-coordinated expressions may be."""
    has_form = FORMS.get(system)
    if has_form is None:
        return False
    is_expression = any(not character.isalnum() and character != "-" for character in code)
    return not is_expression and not has_form(code)
