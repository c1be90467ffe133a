"""Validation of R4 resources (FHIR R4, 2.1.16), straight from bytes where nothing is wrong.

`check` is the door of the hot path: bytes in, a struct out, or an error that names every problem.
`problems` tells all about a tree, warnings included. The law between them: what the fast path
accepts has no error on the slow path, and what has none there is accepted by `check`.
"""

from careplane.fhir.validation.check import Checked, check, errors, problems
from careplane.fhir.validation.fast import prepare, type_of

__all__ = ["Checked", "check", "errors", "prepare", "problems", "type_of"]
