"""Errors as a person reads them: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from careplane.kernel import errors as e


@dataclass(frozen=True, slots=True)
class Words:
    """A heading, a sentence, and the HTTP status."""

    status: int
    heading: str
    advice: str


# The first class that fits; from the special to the general.
WORDS: tuple[tuple[type[e.CareplaneError], Words], ...] = (
    (e.Unauthenticated, Words(401, "Please sign in", "The session is over or was never begun.")),
    (e.Forbidden, Words(403, "Not open to your role",
                        "Your role does not include this. If your work needs it, ask the person "
                        "who administers access.")),
    (e.Gone, Words(410, "This record was deleted",
                   "It was here and has been deleted. Its history may still be readable.")),
    (e.NotFound, Words(404, "Nothing here",
                       "There is no such page or record, or none that you may see. Check the "
                       "address, or search for the patient.")),
    (e.Malformed, Words(400, "This request cannot be read", "Go back and try again.")),
    (e.Incorrect, Words(400, "This search cannot be understood",
                        "Go back and change the value that is named here.")),
    (e.Unsupported, Words(501, "Not offered here", "This server does not do that.")),
    (e.Busy, Words(503, "Too busy just now", "Nothing is lost. Try again in a moment.")),
    (e.CareplaneError, Words(500, "Something went wrong on our side",
                             "Nothing that you did caused it. Try again; if it stays, tell the "
                             "people who run this server.")),
)  # fmt: skip


def explain(error: e.CareplaneError) -> Words:
    """The words for an error."""
    return next(words for kind, words in WORDS if isinstance(error, kind))
