"""Errors as a person reads them: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel import errors as e
from careplane.web.i18n import mark


@dataclass(frozen=True, slots=True)
class Words:
    """A heading and a sentence. (`rest.outcome` has the status.)"""

    heading: str
    advice: str


# The first class that fits; from the special to the general.
WORDS: tuple[tuple[type[e.CareplaneError], Words], ...] = (
    (
        e.Unauthenticated,
        Words(mark("Please sign in"), mark("The session is over or was never begun.")),
    ),
    (
        e.Forbidden,
        Words(
            mark("Not open to your role"),
            mark(
                "Your role does not include this. If your work needs it, ask the person "
                "who administers access."
            ),
        ),
    ),
    (
        e.Gone,
        Words(
            mark("This record was deleted"),
            mark("It was here and has been deleted. Its history may still be readable."),
        ),
    ),
    (
        e.NotFound,
        Words(
            mark("Nothing here"),
            mark(
                "There is no such page or record, or none that you may see. Check the "
                "address, or search for the patient."
            ),
        ),
    ),
    (e.TooLarge, Words(mark("This is too large"), mark("Send less at once."))),
    (
        e.UnsupportedMedia,
        Words(mark("This cannot be read here"), mark("Use the form on the page.")),
    ),
    (e.Malformed, Words(mark("This request cannot be read"), mark("Go back and try again."))),
    (
        e.Incorrect,
        Words(
            mark("This search cannot be understood"),
            mark("Go back and change the value that is named here."),
        ),
    ),
    (e.Unsupported, Words(mark("Not offered here"), mark("This server does not do that."))),
    (
        e.Busy,
        Words(mark("Too busy just now"), mark("Nothing is lost. Try again in a moment.")),
    ),
    (
        e.CareplaneError,
        Words(
            mark("Something went wrong on our side"),
            mark(
                "Nothing that you did caused it. Try again; if it stays, tell the "
                "people who run this server."
            ),
        ),
    ),
)


def explain(error: e.CareplaneError) -> Words:
    """The words for an error."""
    return next(words for kind, words in WORDS if isinstance(error, kind))
