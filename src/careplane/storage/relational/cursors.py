"""Cursors: opaque to the client, and told apart from what somebody made up by a keyed hash.

A cursor of an unsorted search or a history is numbers alone, good for ever. A sorted search keeps
its answer on this side, so that a resource that moves in the order is not shown twice and none is
missed; should the list be gone (a restart, too many searches), it is sorted anew.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from array import array
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections import OrderedDict
from typing import NamedTuple

from careplane.kernel.errors import Incorrect

_FORM = struct.Struct("<cIqqqq")
_MAC = 8
_MOST_ROWS = 8_000_000
"""In all lists together; 8 bytes each."""


class Cursor(NamedTuple):
    """Where a page ended. `t`: the newest version at the first page. `row`: the last row shown, a
    rid or a t, or the ident of a resource. `list`, `shown`: of a sorted search."""

    t: int
    row: int
    list: int = 0
    shown: int = 0


class Cursors:
    """Makes and reads cursors. `kind` keeps those of searches and histories apart."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, kind: bytes, tenant: int, cursor: Cursor) -> str:
        data = _FORM.pack(kind, tenant, *cursor)
        return urlsafe_b64encode(data + self._mac(data)).decode().rstrip("=")

    def read(self, kind: bytes, tenant: int, text: str) -> Cursor:
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            data, mac = raw[:-_MAC], raw[-_MAC:]
            its_kind, its_tenant, *numbers = _FORM.unpack(data)
        except (NotBase64, ValueError, struct.error):
            raise Incorrect("This page link is not one of ours: search again") from None
        honest = hmac.compare_digest(mac, self._mac(data))
        if not honest or (its_kind, its_tenant) != (kind, tenant):
            raise Incorrect("This page link is not one of ours: search again")
        return Cursor(*numbers)

    def _mac(self, data: bytes) -> bytes:
        return hashlib.blake2b(data, key=self._key, digest_size=_MAC).digest()


class Answers:
    """Answers of sorted searches, the latest used ones; at most 64 MB. Readers share it.
    Their numbers are drawn at random, so that a process does not take another's for its own."""

    def __init__(self) -> None:
        self._lists: OrderedDict[int, array[int]] = OrderedDict()
        self._rows = 0

    def keep(self, rids: array[int]) -> int:
        number = secrets.randbits(62) + 1
        self._lists[number] = rids
        self._rows += len(rids)
        while self._rows > _MOST_ROWS and len(self._lists) > 1:
            _, dropped = self._lists.popitem(last=False)
            self._rows -= len(dropped)
        return number

    def find(self, number: int) -> array[int] | None:
        return self._lists.get(number)
