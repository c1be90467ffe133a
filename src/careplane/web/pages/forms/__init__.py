"""Forms: asked for and filled, by clinicians and patients; and the Questionnaires there are."""

from __future__ import annotations

from careplane.web.pages.forms import asking, files, filling, finding, library, mine
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/forms", mine.show),
    ("POST", "/forms", mine.begin),
    ("POST", "/patients/{id}/forms", asking.act),
    ("GET", "/forms/{id}", filling.show),
    ("POST", "/forms/{id}", filling.act),
    ("GET", "/forms/{id}/choices", finding.in_form),
    ("GET", "/forms/{id}/files/{place}/{number}", files.download),
    ("GET", "/questionnaires", library.show),
    ("POST", "/questionnaires", library.act),
    ("GET", "/questionnaires/{id}", library.preview),
    ("POST", "/questionnaires/{id}", library.preview),
    ("GET", "/questionnaires/{id}/choices", finding.in_preview),
)
"""Of those who are signed in, where forms are offered."""
