"""What is written in the care of a patient, wired: the part that has operations of its own."""

from __future__ import annotations

from careplane.care.forms.forms import Forms
from careplane.care.prescribing.checks.catalogue import checks
from careplane.care.prescribing.prescribing import Prescribing
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door


def prescribing_of(door: Door, clock: Clock) -> Prescribing:
    """Prescriptions, checked."""
    return Prescribing(door, clock, new_id, checks(door))


def forms_of(door: Door, clock: Clock) -> Forms:
    """Questionnaires, filled."""
    return Forms(door, clock, new_id)
