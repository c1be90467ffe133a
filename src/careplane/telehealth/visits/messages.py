"""What is said on the socket of a visit: JSON objects, told apart by `type`.

Signalling carries session descriptions and candidates (WebRTC 1.0, 4.7; RFC 8829) from one seat to
another and looks into neither. Every text has a bound, and nothing unknown is taken.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

LONGEST = 65_536
"""Bytes of a message."""
Seal = Annotated[str, Meta(min_length=1, max_length=8_000)]
SeatId = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(max_length=80)]
Said = Annotated[str, Meta(min_length=1, max_length=2_000)]
Role = Literal["host", "patient", "guest"]


class _Heard(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """From a participant."""


class Join(_Heard, frozen=True):
    """First of all, with one of: a ticket of `$visit-join`, the token of a guest's link with the
    name to be called by, the token of `welcome` to come back with. `fresh`
    where connections to the others are to be made anew, as after a page was loaded again."""

    ticket: Seal | None = None
    guest: Seal | None = None
    resume: Seal | None = None
    name: Name = ""
    fresh: bool = False


class Ping(_Heard, frozen=True):
    """Still here; answered by `pong`."""


class Description(Struct, frozen=True, forbid_unknown_fields=True):
    """RTCSessionDescriptionInit."""

    type: Literal["offer", "answer", "pranswer", "rollback"]
    sdp: Annotated[str, Meta(max_length=60_000)] = ""


class Candidate(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """RTCIceCandidateInit."""

    candidate: Annotated[str, Meta(max_length=1_000)] = ""
    sdp_mid: Annotated[str, Meta(max_length=64)] | None = None
    sdp_m_line_index: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    username_fragment: Annotated[str, Meta(max_length=256)] | None = None


class Signal(_Heard, frozen=True):
    """To one other participant: a description or a candidate."""

    to: SeatId
    description: Description | None = None
    candidate: Candidate | None = None


class Chat(_Heard, frozen=True):
    """To everybody in the room. It is kept nowhere, see `Keep`."""

    text: Said


class Keep(_Heard, frozen=True):
    """Put these of the chat, by their numbers, into the record. For hosts."""

    lines: Annotated[list[int], Meta(min_length=1, max_length=50)]


class Shared(_Heard, frozen=True):
    """A file was put into the record: its DocumentReference, for the others to open."""

    document: Annotated[str, Meta(pattern=r"^DocumentReference/[A-Za-z0-9\-.]{1,64}$")]
    title: Name = ""


class State(_Heard, frozen=True):
    """What of one is to be heard and seen. `poor` where the line is bad and video was dropped."""

    microphone: bool = True
    camera: bool = True
    screen: bool = False
    poor: bool = False


class Admit(_Heard, frozen=True):
    """Let somebody in who waits. For hosts."""

    seat: SeatId


class Remove(_Heard, frozen=True):
    """Refuse who waits, or put somebody out. For hosts."""

    seat: SeatId


class Record(_Heard, frozen=True):
    """Ask all in the room whether the visit may be recorded, or stop recording. For hosts, where
    the institution permits it."""

    on: bool = True


class Agree(_Heard, frozen=True):
    """One's answer to that, at any time; without everybody's nothing is recorded."""

    on: bool


class Ice(_Heard, frozen=True):
    """The relays and the way to the server of the media again, with credentials that last."""


class Leave(_Heard, frozen=True):
    """Not to come back with this seat."""


class End(_Heard, frozen=True):
    """The visit is over, for everybody. For hosts."""


Heard: TypeAlias = (
    Join
    | Ping
    | Signal
    | Chat
    | Keep
    | Shared
    | State
    | Admit
    | Remove
    | Record
    | Agree
    | Ice
    | Leave
    | End
)
_decoder: msgspec.json.Decoder[Heard] = msgspec.json.Decoder(Heard)
heard = _decoder.decode
"""Raises msgspec.MsgspecError for whatever is none of these."""


class _Told(Struct, frozen=True, omit_defaults=True, tag_field="type", tag=str.lower):
    """To a participant."""


class Peer(Struct, frozen=True):
    """Somebody who was let in. `polite`: whether the one who is told yields where both offer at
    once (perfect negotiation); `away` while a dropped socket may come back."""

    seat: str
    name: str
    role: Role
    polite: bool
    away: bool
    state: State


class Waiter(Struct, frozen=True):
    """Somebody who waits to be let in."""

    seat: str
    name: str
    role: Role


class Welcome(_Told, frozen=True):
    """One has a seat, in the room or before it. `resume` is good for some minutes and comes anew
    with each `pong`; `until` is when the room closes (ms since 1970)."""

    seat: str
    role: Role
    resume: str
    until: int
    phone: str = ""


class Waiting(_Told, frozen=True, omit_defaults=False):
    """How many are before one, how many seconds that may take, and whether a host is there."""

    before: int
    seconds: int
    host: bool


class Server(Struct, frozen=True, omit_defaults=True):
    """RTCIceServer."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


class Sfu(Struct, frozen=True):
    """The server that takes sound and picture of each and hands them on (LiveKit): its address, the
    room there, and a token for this room and one's seat, to come in by within a minute."""

    url: str
    room: str
    token: str


class Admitted(_Told, frozen=True, omit_defaults=False):
    """One is in the room: with whom, and by which relays. Where `sfu` is given media go there, and
    else from each to each. It is told anew where that changes."""

    peers: tuple[Peer, ...]
    ice: tuple[Server, ...]
    relay: bool
    resume: str
    sfu: Sfu | None = None


class Relays(_Told, frozen=True, omit_defaults=False):
    """Answers `Ice`."""

    ice: tuple[Server, ...]
    sfu: Sfu | None = None


class Knocks(_Told, frozen=True, omit_defaults=False):
    """To hosts: all who wait."""

    waiting: tuple[Waiter, ...]


class Joined(_Told, frozen=True):
    """Somebody came in."""

    peer: Peer


class Away(_Told, frozen=True):
    """Somebody's socket is gone; the media may still flow."""

    seat: str


class Back(_Told, frozen=True):
    """And is there again."""

    seat: str


class Left(_Told, frozen=True):
    """Somebody is gone for good."""

    seat: str


class Changed(_Told, frozen=True):
    """Somebody's state."""

    seat: str
    state: State


class Signalled(_Told, frozen=True):
    """As `Signal`, and from whom."""

    seat: str
    description: Description | None = None
    candidate: Candidate | None = None


class Chatted(_Told, frozen=True, omit_defaults=False):
    """A line of the chat, numbered; `at` is in ms since 1970."""

    line: int
    seat: str
    name: str
    text: str
    at: int


class Kept(_Told, frozen=True):
    """These lines are in the record now; everybody is told so."""

    lines: list[int]


class Filed(_Told, frozen=True):
    """As `Shared`, and by whom."""

    seat: str
    document: str
    title: str


class Recorded(_Told, frozen=True):
    """To hosts: where the visit stands in the record."""

    encounter: str


class Recording(_Told, frozen=True, omit_defaults=False):
    """Whether the visit is recorded from now on (`on`), and whether one is asked; `by` is the seat
    of who records or asks, empty where nobody does."""

    by: str
    on: bool
    asked: bool


class Pong(_Told, frozen=True):
    """Answers `Ping`."""

    resume: str


class Ended(_Told, frozen=True):
    """The visit is over, or for one it is."""


class Problem(_Told, frozen=True, omit_defaults=False):
    """What was asked for did not happen. `code` is one of: access, busy, consent, elsewhere, full,
    host, media, message, nobody, pace, record, state."""

    code: str
    text: str


encode = msgspec.json.Encoder().encode


def told(message: Any) -> bytes:
    """As it is sent."""
    return encode(message)
