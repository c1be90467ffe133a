"""Pages of notes: begin one, write it beside the chart, sign, read, add to and withdraw it."""

from __future__ import annotations

from careplane.web.pages.notes import reading, saving
from careplane.web.visit import Handler

_HERE = "/patients/{id}/notes"

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("POST", _HERE, saving.begin),
    ("GET", f"{_HERE}/{{note}}", reading.show),
    ("POST", f"{_HERE}/{{note}}", saving.save),
    ("POST", f"{_HERE}/{{note}}/addendum", saving.append),
    ("POST", f"{_HERE}/{{note}}/cosign", reading.cosign),
    ("POST", f"{_HERE}/{{note}}/withdraw", reading.withdraw),
    ("GET", f"{_HERE}/{{note}}/signature", reading.signature),
)
