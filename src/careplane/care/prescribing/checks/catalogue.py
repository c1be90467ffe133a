"""The checks that ship, in the order in which their findings are told."""

from __future__ import annotations

from careplane.care.prescribing.checks.allergy import allergy
from careplane.care.prescribing.checks.dose import dose
from careplane.care.prescribing.checks.duplicate import duplicate
from careplane.care.prescribing.checks.interaction import interaction
from careplane.care.prescribing.checks.loaded import Loaded
from careplane.care.prescribing.checks.port import Check
from careplane.records.door import Door


def checks(door: Door) -> tuple[Check, ...]:
    """Allergies first."""
    return (allergy, Loaded(door), interaction, duplicate, dose)
