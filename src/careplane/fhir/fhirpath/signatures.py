"""What the static checker knows of each function: the type of its result, what it may be called on.

A result is the name of a type, or one of the marks below where it depends on input or arguments.
"""

from __future__ import annotations

from typing import Final

SAME: Final = "<the type of the input>"
PROJECTED: Final = "<the type of the first argument>"
BOTH: Final = "<the type of the input or of the first argument>"
BRANCHES: Final = "<the type of the second or third argument>"
UNKNOWN: Final = "<not known before it is run>"

_BOOLEAN: Final = (
    "empty exists all not allTrue anyTrue allFalse anyFalse subsetOf supersetOf isDistinct "
    "toBoolean convertsToBoolean convertsToInteger convertsToDecimal convertsToString "
    "convertsToDate convertsToDateTime convertsToTime convertsToQuantity startsWith endsWith "
    "contains matches matchesFull comparable is hasExtension hasValue conformsTo memberOf subsumes "
    "subsumedBy htmlChecks"
)
_STRING: Final = (
    "toString substring upper lower toChars trim split join replace replaceMatches encode decode "
    "escape unescape"
)
_SAME: Final = (
    "where distinct single first last tail skip take intersect exclude trace defineVariable "
    "checkModifiers slice sort abs lowBoundary highBoundary"
)

_INTEGER: Final = "count indexOf lastIndexOf length precision toInteger ceiling floor truncate"
_DECIMAL: Final = "toDecimal exp ln log round sqrt avg ordinal weight"

RESULTS: Final[dict[str, str]] = {
    **dict.fromkeys(_BOOLEAN.split(), "System.Boolean"),
    **dict.fromkeys(_STRING.split(), "System.String"),
    **dict.fromkeys(_INTEGER.split(), "System.Integer"),
    **dict.fromkeys(_DECIMAL.split(), "System.Decimal"),
    **dict.fromkeys(_SAME.split(), SAME),
    **dict.fromkeys(("select", "repeat", "repeatAll"), PROJECTED),
    **dict.fromkeys(("union", "combine"), BOTH),
    "iif": BRANCHES,
    "toDate": "System.Date",
    "today": "System.Date",
    "toDateTime": "System.DateTime",
    "now": "System.DateTime",
    "toTime": "System.Time",
    "timeOfDay": "System.Time",
    "toQuantity": "System.Quantity",
    "type": "System.TypeInfo",
    "extension": "Extension",
    "elementDefinition": "ElementDefinition",
}

_ON_EACH: Final = "where select all exists repeat repeatAll sort aggregate iif trace defineVariable"
_ON_STRINGS: Final = (
    "startsWith endsWith contains matches matchesFull indexOf lastIndexOf substring upper lower "
    "length toChars trim split replace replaceMatches encode decode escape unescape"
)

# Functions whose arguments are evaluated on each item of the input.
ON_EACH: Final = frozenset(_ON_EACH.split())

# Functions that take a single string, and so make no sense on a type that can never be one.
ON_STRINGS: Final = frozenset(_ON_STRINGS.split())

# Functions whose result depends on an order that children() and descendants() do not have.
ON_ORDERED: Final = frozenset(("first", "last", "tail", "skip", "take"))
UNORDERED: Final = frozenset(("children", "descendants", "repeat", "repeatAll"))
