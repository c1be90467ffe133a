"""What is written in the care of a patient, wired from the settings."""

from __future__ import annotations

from careplane.app.settings import Settings
from careplane.care.documents.documents import Documents
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door


def documents_of(settings: Settings, door: Door, clock: Clock) -> Documents:
    """Documents and images in records."""
    return Documents(door, clock, new_id, settings.max_upload_bytes)
