"""What is written in the care of a patient, wired."""

from __future__ import annotations

from careplane.care.forms.forms import Forms
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door


def forms_of(door: Door, clock: Clock) -> Forms:
    """Questionnaires, filled."""
    return Forms(door, clock, new_id)
