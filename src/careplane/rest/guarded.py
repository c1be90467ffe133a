"""Headers that every answer of the interface carries, whatever it is: a browser neither guesses
what it is, nor runs, frames or passes on any of it (W3C CSP Level 3; OWASP ASVS 5.0, 3.2, 3.4)."""

from __future__ import annotations

from careplane.rest.response import Header

GUARDED: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)
