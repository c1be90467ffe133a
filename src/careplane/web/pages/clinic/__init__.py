"""What clinicians decide: results, prescriptions, refills, orders."""

from __future__ import annotations

from careplane.web.pages.clinic import medicine, order, prescribe, referrals, refills, results
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/results", results.show),
    ("POST", "/results", results.acknowledge),
    ("GET", "/patients/{id}/prescribe", prescribe.show),
    ("POST", "/patients/{id}/prescribe", prescribe.save),
    ("GET", "/patients/{id}/medications/{request}", medicine.show),
    ("POST", "/patients/{id}/medications/{request}/stop", medicine.stop),
    ("POST", "/patients/{id}/medications/{request}/refill", refills.ask),
    ("GET", "/refills/{task}", refills.show),
    ("POST", "/refills/{task}", refills.answer),
    ("GET", "/patients/{id}/order", order.show),
    ("POST", "/patients/{id}/order", order.save),
    ("GET", "/patients/{id}/orders/{order}", order.details),
    ("POST", "/patients/{id}/orders/{order}/end", order.end),
    ("GET", "/referrals", referrals.listed),
    ("GET", "/referrals/{task}", referrals.show),
    ("POST", "/referrals/{task}", referrals.step),
)
"""Routes of this family: method, path, handler."""
