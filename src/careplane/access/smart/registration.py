"""What a registration must be, whoever registers: an operator or, by an invitation, the app."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from careplane.access.smart.client import Client
from careplane.access.smart.contexts import LAUNCH
from careplane.kernel.errors import Incorrect

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = frozenset({"operator"})
"""Whom the command line acts as."""
_MOST_REDIRECTS, _LONGEST_URI, _LONGEST_NAME, _LONGEST_LOGO = 10, 500, 100, 24_000
_MOST_SCOPES, _LONGEST_SCOPES = 100, 6000
_URI = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&()*+=%]+")
"""The characters of RFC 3986 but for the fragment, and for those that would end a source in a
Content-Security-Policy."""
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LOGO = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")


def is_id(text: str) -> bool:
    """Whether a client can have this id."""
    return _ID.fullmatch(text) is not None


def check(client: Client) -> None:
    """Raises Incorrect with what is wrong with it."""
    if not is_id(client.id) or client.id in _RESERVED:
        raise Incorrect(
            "An id of a client has up to 64 of A-Z a-z 0-9 . _ - in it, and is not 'operator'."
        )
    if not 0 < len(client.name) <= _LONGEST_NAME or not client.name.isprintable():
        raise Incorrect(f"A client has a name of 1 to {_LONGEST_NAME} characters.")
    if client.redirect_uris:
        _check_app(client)
    else:
        _check_service(client)
    if client.logo and (len(client.logo) > _LONGEST_LOGO or not _LOGO.fullmatch(client.logo)):
        raise Incorrect("A logo is a PNG or JPEG of at most 18,000 bytes.")


def _check_service(client: Client) -> None:
    only_system = all(one.context == "system" for one in client.allowed)
    if not client.allowed or not only_system or client.contexts:
        raise Incorrect(
            "A client needs system/ scopes, such as system/Patient.rs; one that acts for a person "
            "needs a redirect URI."
        )
    if client.public or client.launch_url:
        raise Incorrect("A public client, or one that is launched, needs a redirect URI.")


def _check_app(client: Client) -> None:
    if not client.allowed and not client.contexts:
        raise Incorrect("An app needs scopes, such as launch/patient patient/*.rs.")
    if len(client.scopes) > _MOST_SCOPES or sum(map(len, client.scopes)) > _LONGEST_SCOPES:
        raise Incorrect(f"An app has at most {_MOST_SCOPES} scopes.")
    if client.public and any(one.context == "system" for one in client.allowed):
        raise Incorrect("A public client cannot have system/ scopes: it proves nothing.")
    if len(client.redirect_uris) > _MOST_REDIRECTS:
        raise Incorrect(f"An app has at most {_MOST_REDIRECTS} redirect URIs.")
    for uri in client.redirect_uris:
        _check_uri(uri, "redirect URI", private=True)
    if client.launch_url:
        _check_uri(client.launch_url, "launch URL", private=False)
        if LAUNCH not in client.contexts:
            raise Incorrect("An app that is launched from a chart needs the scope launch.")


def _check_uri(uri: str, what: str, *, private: bool) -> None:
    """HTTPS, this machine itself, or a scheme of the app's own (RFC 8252, 7): with a dot in it, as
    a name that somebody owns has."""
    if len(uri) > _LONGEST_URI or not _URI.fullmatch(uri):
        raise Incorrect(
            f"A {what} is an absolute address of at most {_LONGEST_URI} characters, without a "
            "fragment, and with everything else than letters, digits and -._~:/?[]@!$&()*+=% "
            "percent-encoded."
        )
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Incorrect(f"The {what} {uri!r} is no address.") from None
    if "@" in parts.netloc or "*" in parts.netloc:
        raise Incorrect(f"A {what} has no user name and no wildcard in it.")
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and host in _LOOPBACK:
        return
    if private and _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return
    raise Incorrect(
        f"The {what} {uri!r} begins with https://; with http:// on this machine itself"
        + (" or with a scheme such as com.example.app:." if private else ".")
    )


def source_of(uri: str) -> str:
    """The source expression of a Content-Security-Policy that lets a form lead to a redirect
    URI."""
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"


def is_claimed(uri: str) -> bool:
    """Whether only its owner receives what is sent there (RFC 8252, 8.6): no other program on the
    device can take a name of HTTPS, but any can listen on this machine or take a scheme."""
    return uri.startswith("https://")
