"""Profiles (FHIR R4, 5.1 Profiling): what StructureDefinitions ask beyond the base types. Pure.

`examine` holds a resource against its profiles; `Library` keeps the compiled programs of a set of
definitions. What the engine has to ask of the world is in `ports`; `asking` is for answers that
come later.
"""

from careplane.fhir.profiles.asking import Asked
from careplane.fhir.profiles.examine import examine
from careplane.fhir.profiles.library import Library
from careplane.fhir.profiles.ports import (
    CodeChecker,
    CodeQuestion,
    Definitions,
    Options,
    Resolver,
    Verdict,
)
from careplane.fhir.profiles.snapshot import Snapshots
from careplane.fhir.profiles.spots import elements

__all__ = [
    "Asked",
    "CodeChecker",
    "CodeQuestion",
    "Definitions",
    "Library",
    "Options",
    "Resolver",
    "Snapshots",
    "Verdict",
    "elements",
    "examine",
]
