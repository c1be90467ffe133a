"""What is written in the care of a patient, wired."""

from __future__ import annotations

from careplane.care.clinic import Clinic
from careplane.care.lists.lists import Lists
from careplane.care.orders.orders import Orders
from careplane.care.orders.referrals import Referrals
from careplane.care.prescribing.checks.catalogue import checks
from careplane.care.prescribing.prescribing import Prescribing
from careplane.care.prescribing.refill import Refills
from careplane.care.results.results import Results
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door


def clinic_of(door: Door, clock: Clock) -> Clinic:
    """Prescriptions, orders and results."""
    return Clinic(
        Results(door, clock, new_id),
        Prescribing(door, clock, new_id, checks(door)),
        Refills(door, clock, new_id),
        Orders(door, clock, new_id),
        Referrals(door, clock, new_id),
        Lists(door, clock, new_id),
    )
