"""The calendar of the house and the work of its desk: book, move, cancel, wait, block."""

from __future__ import annotations

from careplane.web.pages.calendar import (
    absences,
    appointment,
    blocking,
    booking,
    finding,
    schedules,
    subscriptions,
    waiting,
    wall,
)
from careplane.web.pages.calendar.reading import staff
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = tuple(
    (verb, path, staff(page))
    for verb, path, page in (
        ("GET", "/desk", wall.show),
        ("GET", "/desk/find", finding.find),
        ("GET", "/desk/book", booking.form),
        ("POST", "/desk/book", booking.book),
        ("GET", "/desk/visits/{id}", appointment.show),
        ("POST", "/desk/visits/{id}", appointment.change),
        ("GET", "/desk/visits/{id}/move", finding.moving),
        ("POST", "/desk/visits/{id}/move", finding.move),
        ("GET", "/desk/waiting", waiting.show),
        ("GET", "/desk/waiting/add", waiting.adding),
        ("POST", "/desk/waiting/add", waiting.add),
        ("GET", "/desk/waiting/{id}", waiting.offering),
        ("POST", "/desk/waiting/{id}", waiting.change),
        ("GET", "/desk/block", blocking.show),
        ("POST", "/desk/block", blocking.block),
        ("POST", "/desk/block/lift", blocking.lift),
        ("POST", "/desk/block/visits", absences.arrange),
        ("GET", "/desk/schedules", schedules.everything),
        ("GET", "/desk/schedules/new", schedules.new),
        ("POST", "/desk/schedules/new", schedules.create),
        ("GET", "/desk/schedules/{id}", schedules.show),
        ("POST", "/desk/schedules/{id}", schedules.change),
        ("GET", "/desk/feeds", subscriptions.show),
        ("POST", "/desk/feeds", subscriptions.change),
    )
)
