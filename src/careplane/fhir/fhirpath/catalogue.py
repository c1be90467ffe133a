"""The names of FHIRPath's functions and operators, and what each of them runs.

A new function is a line here and its code in the file of its family under `functions/`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from careplane.fhir.fhirpath.calling import Run, on, on_all, on_item
from careplane.fhir.fhirpath.functions import (
    boundaries,
    combining,
    conversion,
    existence,
    fhir,
    filtering,
    forms,
    math,
    strings,
    subsetting,
    tree,
    types,
    utility,
)
from careplane.fhir.fhirpath.operators import types as type_operators


class Function(NamedTuple):
    """A function, and how few and how many arguments it takes."""

    least: int
    most: int
    run: Run


FUNCTIONS: Final[dict[str, Function]] = {
    # Existence
    "empty": Function(0, 0, on_all(existence.empty)),
    "exists": Function(0, 1, existence.exists),
    "all": Function(1, 1, existence.all_),
    "not": Function(0, 0, on_all(existence.not_)),
    "allTrue": Function(0, 0, on_all(existence.all_true)),
    "anyTrue": Function(0, 0, on_all(existence.any_true)),
    "allFalse": Function(0, 0, on_all(existence.all_false)),
    "anyFalse": Function(0, 0, on_all(existence.any_false)),
    "subsetOf": Function(1, 1, existence.subset_of),
    "supersetOf": Function(1, 1, existence.superset_of),
    "count": Function(0, 0, on_all(existence.count)),
    "distinct": Function(0, 0, existence.distinct_),
    "isDistinct": Function(0, 0, existence.is_distinct),
    # Filtering and projection
    "where": Function(1, 1, filtering.where),
    "select": Function(1, 1, filtering.select),
    "repeat": Function(1, 1, filtering.repeat),
    "repeatAll": Function(1, 1, filtering.repeat_all),
    "aggregate": Function(1, 2, filtering.aggregate),
    # Subsetting
    "single": Function(0, 0, on_all(subsetting.single)),
    "first": Function(0, 0, on_all(subsetting.first)),
    "last": Function(0, 0, on_all(subsetting.last)),
    "tail": Function(0, 0, on_all(subsetting.tail)),
    "skip": Function(1, 1, subsetting.skip),
    "take": Function(1, 1, subsetting.take),
    "intersect": Function(1, 1, subsetting.intersect),
    "exclude": Function(1, 1, subsetting.exclude),
    # Combining
    "union": Function(1, 1, combining.union),
    "combine": Function(1, 2, combining.combine),
    # Conversion
    "iif": Function(2, 3, conversion.iif),
    "toBoolean": Function(0, 0, on_item(conversion.to_boolean)),
    "toInteger": Function(0, 0, on_item(conversion.to_integer)),
    "toDecimal": Function(0, 0, on_item(conversion.to_decimal)),
    "toString": Function(0, 0, on_item(conversion.to_string)),
    "toDate": Function(0, 0, on_item(conversion.to_date)),
    "toDateTime": Function(0, 0, on_item(conversion.to_datetime)),
    "toTime": Function(0, 0, on_item(conversion.to_time)),
    "toQuantity": Function(0, 1, conversion.to_quantity),
    "convertsToBoolean": Function(0, 0, conversion.converts_to_boolean),
    "convertsToInteger": Function(0, 0, conversion.converts_to_integer),
    "convertsToDecimal": Function(0, 0, conversion.converts_to_decimal),
    "convertsToString": Function(0, 0, conversion.converts_to_string),
    "convertsToDate": Function(0, 0, conversion.converts_to_date),
    "convertsToDateTime": Function(0, 0, conversion.converts_to_datetime),
    "convertsToTime": Function(0, 0, conversion.converts_to_time),
    "convertsToQuantity": Function(0, 1, conversion.converts_to_quantity),
    # Strings
    "indexOf": Function(1, 1, on(str, strings.index_of, str)),
    "lastIndexOf": Function(1, 1, on(str, strings.last_index_of, str)),
    "substring": Function(1, 2, on(str, strings.substring, int, int)),
    "startsWith": Function(1, 1, on(str, strings.starts_with, str)),
    "endsWith": Function(1, 1, on(str, strings.ends_with, str)),
    "contains": Function(1, 1, on(str, strings.contains, str)),
    "upper": Function(0, 0, on(str, strings.upper)),
    "lower": Function(0, 0, on(str, strings.lower)),
    "length": Function(0, 0, on(str, strings.length)),
    "toChars": Function(0, 0, on(str, strings.to_chars)),
    "trim": Function(0, 0, on(str, strings.trim)),
    "split": Function(1, 1, on(str, strings.split, str)),
    "join": Function(0, 1, strings.join),
    "replace": Function(2, 2, strings.replace),
    "matches": Function(1, 1, on(str, strings.matches, str)),
    "matchesFull": Function(1, 1, on(str, strings.matches_full, str)),
    "replaceMatches": Function(2, 2, strings.replace_matches),
    "encode": Function(1, 1, on(str, strings.encode, str)),
    "decode": Function(1, 1, on(str, strings.decode, str)),
    "escape": Function(1, 1, on(str, strings.escape, str)),
    "unescape": Function(1, 1, on(str, strings.unescape, str)),
    # Math
    "abs": Function(0, 0, on_item(math.abs_)),
    "ceiling": Function(0, 0, math.on_number(math.ceiling)),
    "exp": Function(0, 0, math.on_number(math.exp)),
    "floor": Function(0, 0, math.on_number(math.floor)),
    "ln": Function(0, 0, math.on_number(math.ln)),
    "log": Function(1, 1, math.on_number(math.log)),
    "power": Function(1, 1, math.on_number(math.power)),
    "round": Function(0, 1, math.on_number(math.round_)),
    "sqrt": Function(0, 0, math.on_number(math.sqrt)),
    "truncate": Function(0, 0, math.on_number(math.truncate)),
    # Boundaries and precision
    "lowBoundary": Function(0, 1, boundaries.low_boundary),
    "highBoundary": Function(0, 1, boundaries.high_boundary),
    "precision": Function(0, 0, on_item(boundaries.precision)),
    "comparable": Function(1, 1, fhir.comparable),
    # Tree
    "children": Function(0, 0, tree.children),
    "descendants": Function(0, 0, tree.descendants),
    # Utility
    "now": Function(0, 0, utility.now),
    "today": Function(0, 0, utility.today),
    "timeOfDay": Function(0, 0, utility.time_of_day),
    "trace": Function(1, 2, utility.trace),
    "defineVariable": Function(1, 2, utility.define_variable),
    "coalesce": Function(1, 100, utility.coalesce),
    "type": Function(0, 0, on_all(types.type_)),
    # FHIR
    "extension": Function(1, 1, fhir.extension),
    "hasExtension": Function(1, 1, fhir.has_extension),
    "hasValue": Function(0, 0, on_all(fhir.has_value)),
    "getValue": Function(0, 0, on_all(fhir.get_value)),
    "resolve": Function(0, 0, fhir.resolve),
    "elementDefinition": Function(0, 0, fhir.element_definition),
    "slice": Function(2, 2, fhir.slice_),
    "checkModifiers": Function(0, 100, fhir.check_modifiers),
    "conformsTo": Function(1, 1, fhir.conforms_to),
    "memberOf": Function(1, 1, fhir.member_of),
    "subsumes": Function(1, 1, fhir.subsumes),
    "subsumedBy": Function(1, 1, fhir.subsumed_by),
    "htmlChecks": Function(0, 0, fhir.html_checks),
    # Forms (SDC)
    "sum": Function(0, 0, forms.sum_),
    "min": Function(0, 0, forms.min_),
    "max": Function(0, 0, forms.max_),
    "avg": Function(0, 0, forms.avg),
    "answers": Function(0, 0, forms.answers),
    "ordinal": Function(0, 0, forms.weight),
    "weight": Function(0, 0, forms.weight),
}

TYPE_FUNCTIONS: Final = {
    "is": type_operators.tested,
    "as": type_operators.cast,
    "ofType": type_operators.filtered,
}
