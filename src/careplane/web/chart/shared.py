"""Health links as a page shows them; pure."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel.clock import format_instant
from careplane.sharing.links.link import Link
from careplane.web.i18n import mark
from careplane.words.languages import LANGUAGES

CONTENTS = {
    "summary": mark("Summary of the record"),
    "immunizations": mark("Immunizations, as a health card"),
    "results": mark("Laboratory results, as a health card"),
}
CARDS = {
    "immunizations": mark("Health card of immunizations"),
    "results": mark("Health card of laboratory results"),
}
LASTING = {
    "3600": mark("an hour"),
    "86400": mark("a day"),
    "604800": mark("a week"),
    "2592000": mark("30 days"),
    "31536000": mark("a year"),
}
"""How long links may last, in seconds."""
SECTIONS = {
    "problems": mark("Problems"),
    "allergies": mark("Allergies"),
    "medications": mark("Medications"),
    "immunizations": mark("Immunizations"),
    "results": mark("Results"),
    "procedures": mark("Procedures"),
    "devices": mark("Medical devices"),
    "alerts": mark("Alerts"),
    "vitals": mark("Vital signs"),
    "past": mark("Past problems"),
    "pregnancy": mark("Pregnancies"),
    "social": mark("Social history"),
    "functional": mark("Functional status"),
    "plan": mark("Plan of care"),
    "directives": mark("Advance directives"),
}
DEFAULTS = {"content-summary": "1", "until": "86400", "protect": "made"} | {
    f"section-{key}": "1" for key in SECTIONS
}
"""The form as it is offered."""
FIELDS = {
    "contents": "content-summary",
    "label": "label",
    "seconds": "until",
    "passcode": "passcode",
    "direct": "direct",
    "language": "language",
}
"""Which field of the form holds which part of a wish."""
_FIELDS = (
    *(f"content-{key}" for key in CONTENTS),
    *DEFAULTS,
    "label",
    "passcode",
    "direct",
    "language",
)


def filled(sent: dict[str, str]) -> dict[str, str]:
    """Each field of the form: as it was sent, or else as it is offered."""
    return dict.fromkeys(_FIELDS, "") | (sent or DEFAULTS)


_STATES = {
    "": mark("Works"),
    "revoked": mark("Ended by you"),
    "locked": mark("Off: the passcode was guessed wrong too often"),
    "gone": mark("Off: the record is gone"),
    "expired": mark("Over"),
}


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody who came to a link; `let_in` unless the passcode was wrong."""

    when: str
    who: str
    address: str
    let_in: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A link. `state` and `contents` are to be translated."""

    id: str
    label: str
    language: str
    alive: bool
    state: str
    contents: tuple[str, ...]
    created: str
    until: str
    passcode: str
    has_passcode: bool
    left: int
    opened: int
    came: tuple[Came, ...]


def row(link: Link, now: int) -> Row:
    """One link as it stands."""
    over = not link.ended and now >= link.until
    return Row(
        link.id,
        link.label,
        LANGUAGES[link.language].name if link.language in LANGUAGES else "",
        link.is_alive(now),
        _STATES["expired" if over else link.ended],
        tuple(CONTENTS[key] for key in link.contents),
        format_instant(link.created),
        format_instant(link.until),
        link.shown,
        bool(link.passcode),
        link.attempts,
        link.opened,
        tuple(
            Came(format_instant(one.at), one.recipient, one.address, bool(one.number))
            for one in reversed(link.openings)
        ),
    )
