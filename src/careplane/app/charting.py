"""What is written in the care of a patient, wired: the part that only pages ask for. Read with the
first of them."""

from __future__ import annotations

from careplane.access.fresh import Fresh
from careplane.app.keys import Keys
from careplane.app.settings import Settings
from careplane.care.clinic import Clinic
from careplane.care.documents.documents import Documents
from careplane.care.lists.lists import Lists
from careplane.care.notes.notes import Notes
from careplane.care.notes.signing import Signer
from careplane.care.orders.orders import Orders
from careplane.care.orders.referrals import Referrals
from careplane.care.prescribing.prescribing import Prescribing
from careplane.care.prescribing.refill import Refills
from careplane.care.results.results import Results
from careplane.kernel.clock import Clock
from careplane.kernel.ids import new_id
from careplane.records.door import Door


def clinic_of(door: Door, clock: Clock, prescribing: Prescribing) -> Clinic:
    """Prescriptions, orders and results."""
    return Clinic(
        Results(door, clock, new_id),
        prescribing,
        Refills(door, clock, new_id),
        Orders(door, clock, new_id),
        Referrals(door, clock, new_id),
        Lists(door, clock, new_id),
    )


def documents_of(settings: Settings, door: Door, clock: Clock) -> Documents:
    """Documents and images in records."""
    return Documents(door, clock, new_id, settings.max_upload_bytes, settings.keep_photo_places)


def notes_of(settings: Settings, key: Keys, door: Door, clock: Clock, fresh: Fresh) -> Notes:
    """Clinical notes, signed with keys of this installation."""
    needing = frozenset(filter(None, map(str.strip, settings.cosign_roles.split(","))))
    return Notes(door, clock, new_id, Signer(key.derive("notes")), fresh, needing)
