"""A patient's visits: booked in four clicks, moved, cancelled, wished for; or a child's."""

from __future__ import annotations

from careplane.web.pages.booking import home, steps, wishing
from careplane.web.pages.booking.reading import patients
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = tuple(
    (verb, path, patients(page))
    for verb, path, page in (
        ("GET", "/book", home.show),
        ("GET", "/book/times", steps.choose),
        ("POST", "/book/hold", steps.hold),
        ("GET", "/book/wait", wishing.show),
        ("POST", "/book/wait", wishing.add),
        ("GET", "/book/{id}", steps.show),
        ("POST", "/book/{id}", steps.book),
        ("POST", "/book/{id}/cancel", steps.cancel),
        ("GET", "/book/{id}/move", steps.moving),
        ("POST", "/book/{id}/move", steps.move),
        ("GET", "/book/{id}/visit.ics", steps.calendar_file),
    )
)
