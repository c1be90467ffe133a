"""Pages of referrals between institutions: sent from here, and what comes in."""

from __future__ import annotations

from careplane.web.pages.exchange import intake, sending
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/referrals/{task}/send", sending.send),
    ("GET", "/intake/{task}", intake.show),
    ("POST", "/intake/{task}", intake.decide),
)
