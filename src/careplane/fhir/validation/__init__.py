"""Validation of R4 resources (FHIR R4, 2.1.16), straight from bytes where nothing is wrong.

`check` is the door of the hot path: bytes in, a struct out, or an error that names every problem.
`problems` tells all about a tree, warnings included. The law between them: what the fast path
accepts has no error on the slow path, and what has none there is accepted by `check`.
"""

from careplane.fhir.validation.check import Checked, check, errors, problems
from careplane.fhir.validation.fast import prepare, type_of
from careplane.fhir.validation.forms import InSet, Resolve

__all__ = ["Checked", "InSet", "Resolve", "check", "errors", "prepare", "problems", "type_of"]
