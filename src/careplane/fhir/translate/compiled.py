"""Expressions as Python functions, made at run time: for rules that are not known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from careplane.fhir.fhirpath.parser import parse
from careplane.fhir.structs import Struct
from careplane.fhir.translate import runtime
from careplane.fhir.translate.flow import Untranslatable
from careplane.fhir.translate.translate import Translator

NAMESPACE: dict[str, Any] = {
    "Decimal": Decimal,
    **{name: getattr(runtime, name) for name in runtime.CALLED},
}
"""What the Python text of an expression may name besides its own variables."""


@lru_cache(maxsize=1024)
def condition(type_name: str, expression: str) -> Callable[[Struct], bool | None]:
    """The function from a struct of the type to what the expression says: None is empty.

    Raises NotFhirpath, and Untranslatable where only an interpreter will do.
    """
    translator = Translator()
    truth = translator.truth(parse(expression), translator.scope("r", type_name))
    source = f"def condition(r):\n    return True if {truth.yes} else False if {truth.no} else None"
    return build(source, "condition")


def build(source: str, name: str, **more: object) -> Callable[..., Any]:
    """A function out of generated source. No text of a user is in it but as a quoted literal."""
    found: dict[str, Any] = {**NAMESPACE, **more}
    try:
        code = compile(source, f"<translated {name}>", "exec")
    except (SyntaxError, RecursionError, MemoryError) as deep:  # more nesting than Python takes
        raise Untranslatable("an expression that nests too deeply") from deep
    exec(code, found)  # noqa: S102  (our own text)  # nosec B102
    function: Callable[..., Any] = found[name]
    return function
