"""A record given to others: links with QR codes, copies to take along, and what opens them."""

from __future__ import annotations

from careplane.web.pages.sharing import copies, links, viewer
from careplane.web.visit import Handler

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/share", links.mine),
    ("POST", "/patients/{id}/share/links", links.make),
    ("GET", "/patients/{id}/share/links/{link}", links.show),
    ("POST", "/patients/{id}/share/links/{link}/end", links.end),
    ("GET", "/patients/{id}/share/summary.json", copies.summary),
    ("GET", "/patients/{id}/share/summary.pdf", copies.summary_pdf),
    ("GET", "/patients/{id}/share/cards/{kind}", copies.card),
    ("GET", "/patients/{id}/share/cards/{kind}/file", copies.card_file),
)
PUBLIC: tuple[tuple[str, str, Handler], ...] = (("GET", viewer.PATH, viewer.show),)
