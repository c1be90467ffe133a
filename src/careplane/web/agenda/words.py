"""What stages and ways of a visit are called, and why visits are cancelled or days are closed."""

from __future__ import annotations

from careplane.web.i18n import mark

STATES: dict[str, str] = {
    "proposed": mark("proposed"),
    "pending": mark("held"),
    "booked": mark("booked"),
    "arrived": mark("arrived"),
    "checked-in": mark("checked in"),
    "fulfilled": mark("done"),
    "cancelled": mark("cancelled"),
    "noshow": mark("did not come"),
    "waitlist": mark("waiting list"),
    "entered-in-error": mark("entered in error"),
}
"""`Appointment.status` in words of the desk."""

MEDIA: dict[str, str] = {
    "PHYSICAL": mark("In person"),
    "VIDEOCONF": mark("Video"),
    "PHONE": mark("Phone"),
}
"""How a visit is held, by v3-ParticipationMode."""

CANCELLED: dict[str, str] = {
    "pat": mark("The patient cannot come"),
    "pat-cpp": mark("The patient cancelled by the portal"),
    "prov": mark("Whoever would see them is not here"),
    "maint": mark("A room or a device is out of order"),
    "other": mark("Another reason"),
}
"""Codes of appointment-cancellation-reason (R4)."""

CLOSED: dict[str, str] = {
    "Leave": mark("Time off"),
    "Holiday": mark("Holiday"),
    "Meeting": mark("Meeting"),
    "Training": mark("Training"),
    "Other": mark("Other"),
}
"""What days and hours are closed for."""

REPEATS: dict[str, str] = {
    "": mark("Once"),
    "FREQ=WEEKLY": mark("Every week"),
    "FREQ=WEEKLY;INTERVAL=2": mark("Every two weeks"),
    "FREQ=WEEKLY;INTERVAL=4": mark("Every four weeks"),
    "FREQ=MONTHLY": mark("Every month on this day"),
    "FREQ=DAILY": mark("Every day"),
}
"""How a series goes on (RFC 5545, 3.3.10)."""
