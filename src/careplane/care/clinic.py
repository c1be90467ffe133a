"""The services of care for orders, prescriptions and results, as pages and operations get them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careplane.access.caller import Caller
from careplane.care.prescribing.prescribing import Prescribing
from careplane.care.prescribing.refill import Refills
from careplane.care.results.results import Results

May = Callable[[Caller, str, str], bool]
"""Whether a caller may do something (a letter of SMART) with any resource of a type."""


@dataclass(frozen=True, slots=True)
class Clinic:
    """`app.caring` makes it."""

    results: Results
    prescribing: Prescribing
    refills: Refills
    may: May
