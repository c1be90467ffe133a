"""Who looks through files before they are stored, wired from the settings."""

from __future__ import annotations

from careplane.app.settings import Settings
from careplane.records.scanning import Scanner


def scanner_of(settings: Settings) -> Scanner | None:
    """None where no scanner is named. Raises Incorrect for an address that is none."""
    if not settings.clamd:
        return None
    from careplane.interop.antivirus.clamd import Clamd, opener

    return Clamd(opener(settings.clamd), required=settings.clamd_required)
