"""A health link as a value: what is shared, until when, who opened it. Pure.

Times are in microseconds since 1970. The link itself, `shlink:/...`, is base64url of a JSON payload
(SMART Health Links, "SHLink Payload"): the address of the manifest, the key of the files, flags.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from careplane.access.kept import KeptCaller
from careplane.kernel.errors import Incorrect, Issue

LONGEST_LABEL = 80
"""Characters, by the specification."""
ATTEMPTS = 5
"""Wrong passcodes in the whole life of a link; then it is off for good."""
_REMEMBERED = 100
_LONGEST_NAME, _LONGEST_ADDRESS = 100, 64
_SHORTEST_PASSCODE, _LONGEST_PASSCODE = 6, 64
Ended = Literal["", "revoked", "locked", "gone"]


class Opening(Struct, frozen=True, array_like=True):
    """Somebody came: `recipient` is what they call themselves. `number` is 0 where the passcode
    was wrong."""

    number: int
    at: int
    recipient: str
    address: str


class Link(Struct, frozen=True, array_like=True):
    """`contents` are keys of what is shared, `sections` those of a summary (None: all). `secret`
    stands in the address, `key` decrypts; both are 32 bytes in base64url. `passcode` is a keyed
    hash, empty where there is none; `shown` the passcode itself where it was made for this link.
    `direct`: the address gives the one file itself (flag U). `language` is that of a summary, empty
    for the patient's."""

    id: str
    patient: str
    owner: KeptCaller
    label: str
    contents: tuple[str, ...]
    sections: tuple[str, ...] | None
    secret: str
    key: str
    passcode: bytes
    shown: str
    direct: bool
    created: int
    until: int
    attempts: int = ATTEMPTS
    ended: Ended = ""
    at: int = 0
    opened: int = 0
    openings: tuple[Opening, ...] = ()
    language: str = ""

    def is_alive(self, now: int) -> bool:
        """Whether it opens anything."""
        return not self.ended and now < self.until

    @property
    def flags(self) -> str:
        """L: the content is that of the moment at which it is fetched; P: a passcode; U: direct."""
        return "L" + ("P" if self.passcode else "") + ("U" if self.direct else "")


class _Payload(Struct, omit_defaults=True):
    url: str
    key: str
    exp: int
    flag: str
    label: str = ""
    v: int = 1


def address_of(link: Link, url: str) -> str:
    """`shlink:/...`; `url` is the address of its manifest."""
    payload = _Payload(url, link.key, link.until // 1_000_000, link.flags, link.label)
    return "shlink:/" + _base64(msgspec.json.encode(payload))


def number_of(secret: str) -> str:
    """What a link is called where its secret may not stand: in the audit trail, in the state."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def made_passcode() -> str:
    """Six digits: with so few attempts, one in two hundred thousand guesses right."""
    return f"{secrets.randbelow(1_000_000):06d}"


def hashed(passcode: str, link: str, key: bytes) -> bytes:
    """A passcode as it is kept. However it is typed (NFKC), of one link and installation alone."""
    plain = unicodedata.normalize("NFKC", passcode).strip()
    return hmac.digest(key, f"{link} {plain}".encode("utf-8", "surrogatepass"), "sha256")


def unfit(part: str, text: str) -> Incorrect:
    """What cannot be wished for, with the part of the wish that is to blame."""
    return Incorrect(text, issues=(Issue("error", "invalid", text, part),))


def checked_passcode(passcode: str) -> str:
    """Empty where there is none. Raises Incorrect."""
    plain = unicodedata.normalize("NFKC", passcode).strip()
    if plain and not _SHORTEST_PASSCODE <= len(plain) <= _LONGEST_PASSCODE:
        text = f"A passcode has {_SHORTEST_PASSCODE} to {_LONGEST_PASSCODE} characters."
        raise unfit("passcode", text)
    return plain


def opened(link: Link, now: int, recipient: str, address: str) -> Link:
    """Once somebody has been let in."""
    number = link.opened + 1
    return _with(replace(link, opened=number), Opening(number, now, recipient, address))


def refused(link: Link, now: int, recipient: str, address: str) -> Link:
    """Once somebody has guessed wrong. The last guess ends the link."""
    left = link.attempts - 1
    link = replace(link, attempts=left)
    if left <= 0:
        link = replace(link, ended="locked", at=now)
    return _with(link, Opening(0, now, recipient, address))


def ended(link: Link, why: Ended, now: int) -> Link:
    """Off for good."""
    return link if link.ended else replace(link, ended=why, at=now)


def _with(link: Link, opening: Opening) -> Link:
    opening = replace(
        opening,
        recipient=opening.recipient[:_LONGEST_NAME],
        address=opening.address[:_LONGEST_ADDRESS],
    )
    return replace(link, openings=(*link.openings, opening)[-_REMEMBERED:])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
