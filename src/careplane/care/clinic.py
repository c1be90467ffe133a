"""The services of care for orders, prescriptions and results, as pages and operations get them."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.care.lists.lists import Lists
from careplane.care.orders.orders import Orders
from careplane.care.orders.referrals import Referrals
from careplane.care.prescribing.prescribing import Prescribing
from careplane.care.prescribing.refill import Refills
from careplane.care.results.results import Results


@dataclass(frozen=True, slots=True)
class Clinic:
    """`app.caring` makes it."""

    results: Results
    prescribing: Prescribing
    refills: Refills
    orders: Orders
    referrals: Referrals
    lists: Lists
