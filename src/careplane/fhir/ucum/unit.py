"""What a UCUM code means: a factor and a dimension, or a scale that is not a ratio (UCUM 18-23)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from careplane.fhir.ucum.errors import NotAUnit
from careplane.fhir.ucum.tables import BASE_UNITS

Exponents = tuple[tuple[str, int], ...]

# Larger factors have no meaning in the world, and would let a short code cost much time.
MAX_BITS: Final = 4096

_ORDER: Final = {code: place for place, code in enumerate(BASE_UNITS)}


@dataclass(frozen=True, slots=True)
class Special:
    """A scale such as Cel or pH: `function` names the conversion to and from the reference unit.

    `amount` is what stands before the unit in its scale: 1/10 for a decibel.
    """

    function: str
    amount: Fraction


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` times the base units of `dimension`; `atoms` are the units as written, with signs.

    `atoms` is None where the code holds numbers (`10.L/min`) or a special scale, which no product
    of atoms can express.
    """

    factor: Fraction
    dimension: Exponents
    atoms: Exponents | None
    special: Special | None = None

    @property
    def canonical(self) -> str:
        """The dimension as a UCUM code in base units: `g/m3`, `1` for a pure number."""
        return spell(self.dimension)

    def power(self, exponent: int) -> Unit:
        """The unit to a whole power."""
        if exponent == 1:
            return self
        if self.special is not None:
            raise NotAUnit("A unit with a scale of its own (such as Cel) can have no exponent.")
        _check_size(_bits(self.factor) * abs(exponent))
        return Unit(
            self.factor**exponent,
            _times(self.dimension, exponent),
            None if self.atoms is None else _times(self.atoms, exponent),
        )

    def product(self, other: Unit) -> Unit:
        """Both units multiplied; a special scale takes no partner but the number one (UCUM 21)."""
        if self.special or other.special:
            return _scaled(self, other)
        factor = self.factor * other.factor
        _check_size(_bits(factor))
        atoms = None
        if self.atoms is not None and other.atoms is not None:
            atoms = _merged(self.atoms, other.atoms)
        return Unit(factor, _merged(self.dimension, other.dimension), atoms)


def _bits(factor: Fraction) -> int:
    """How long the factor is; one bit is 1 itself, whose powers do not grow."""
    return max(factor.numerator, factor.denominator).bit_length() - 1


def _check_size(bits: int) -> None:
    if bits > MAX_BITS:
        raise NotAUnit("The unit is too large or too small to be of use.")


ONE: Final = Unit(Fraction(1), (), ())


def spell(exponents: Exponents) -> str:
    """Units with exponents as a UCUM code: what multiplies first, then what divides."""
    above = ".".join(_raised(code, power) for code, power in exponents if power > 0)
    below = "".join(f"/{_raised(code, -power)}" for code, power in exponents if power < 0)
    return above + below or "1"


def _raised(code: str, power: int) -> str:
    return code if power == 1 else f"{code}{power}"


def _scaled(left: Unit, right: Unit) -> Unit:
    scale, number = (left, right) if left.special else (right, left)
    assert scale.special is not None
    if number.special or number.dimension:
        raise NotAUnit(
            "A unit with a scale of its own (such as Cel) can have no other unit beside."
        )
    special = Special(scale.special.function, scale.special.amount * number.factor)
    return Unit(scale.factor, scale.dimension, None, special)


def _times(exponents: Exponents, power: int) -> Exponents:
    return _ordered({code: exponent * power for code, exponent in exponents})


def _merged(left: Exponents, right: Exponents) -> Exponents:
    total = dict(left)
    for code, power in right:
        total[code] = total.get(code, 0) + power
    return _ordered(total)


def _ordered(exponents: dict[str, int]) -> Exponents:
    return tuple(sorted(((c, p) for c, p in exponents.items() if p), key=_place))


def _place(item: tuple[str, int]) -> tuple[bool, int, str]:
    """Positive powers first, base units in the order of the table, the rest by the alphabet."""
    code, power = item
    return power < 0, _ORDER.get(code, len(_ORDER)), code
