"""Films and GIF without the place: what tells it is gone, nothing of the picture has moved."""

from __future__ import annotations

import random
import struct

import pytest

from careplane.kernel.pictures.places import Unreadable, without_place

PLACE = b"+48.2082+016.3738+193.000/"
XMP = b'<x:xmpmeta exif:GPSLatitude="48,12.5N"/>'
SEEN, WHERE = b"what the camera saw", b"GPS5 48.2082 16.3738"
FTYP = b"ftypqt  " + bytes(4)


def box(kind: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def whole(kind: bytes, *numbers: int) -> bytes:
    """A full box of numbers."""
    return box(kind, struct.pack(f">{len(numbers) + 1}I", 0, *numbers))


def track(handler: bytes, offset: int, size: int, *more: bytes, stco: bytes = b"") -> bytes:
    hdlr = box(b"hdlr", bytes(4) + b"mhlr" + handler + bytes(13))
    table = box(b"stbl", whole(b"stsc", 1, 1, 1, 1), whole(b"stsz", 0, 1, size),
                stco or whole(b"stco", 1, offset))  # fmt: skip
    return box(b"trak", whole(b"tkhd", 7), *more, box(b"mdia", hdlr, box(b"minf", table)))


def film(*, size: int = len(WHERE), pieces: bool = False, end: bytes = b"") -> bytes:
    head = struct.pack(">I", len(FTYP) + 4) + FTYP
    at = len(head) + 8
    keys = box(b"meta", box(b"keys", b"mdtacom.apple.quicktime.location.ISO6709"), PLACE)
    place = box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(PLACE), 0), PLACE), bytes(4))
    loci = box(b"udta", box(b"loci", bytes(4), b"\x15\xc7Vienna\0", PLACE))
    uuid = box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), XMP)
    moov = box(b"moov", whole(b"mvhd", 1), track(b"vide", at, len(SEEN), loci),
               track(b"meta", at + len(SEEN), size), place, keys)  # fmt: skip
    parts = [head, box(b"mdat", SEEN, WHERE), moov, uuid, box(b"free", XMP)]
    return b"".join([*parts, box(b"moof") if pieces else b"", end])


TOLD = (PLACE, XMP, WHERE, b"Vienna", b"xyz", b"loci", b"ISO6709")


@pytest.mark.parametrize("media", ["video/mp4", "video/quicktime", "audio/mp4"])
def test_a_film_loses_the_place_and_nothing_moves(media: str) -> None:
    given = film()
    done = without_place(media, given)
    assert not [one for one in TOLD if one in done]
    assert len(done) == len(given)
    assert done.index(SEEN) == given.index(SEEN)
    (start,) = {one.index(b"vide") for one in (given, done)}
    assert done[start - 12 : start + 90] == given[start - 12 : start + 90], "its track and table"
    assert b"meta" not in done
    assert without_place(media, done) == done


def test_a_film_without_a_place_is_left_byte_for_byte() -> None:
    head = box(FTYP[:4], FTYP[4:])
    plain = head + box(b"mdat", SEEN) + box(b"moov", track(b"vide", len(head) + 8, len(SEEN)))
    assert without_place("video/mp4", plain) is plain
    for size in (struct.pack(">I4sQ", 1, b"mdat", 16 + len(SEEN)), struct.pack(">I4s", 0, b"mdat")):
        assert without_place("video/mp4", head + size + SEEN) == head + size + SEEN


@pytest.mark.parametrize("given", [
    film(size=10**6),
    film(pieces=True),
    film(end=b"\0\0\0\x04free" + PLACE),
    film()[:-5],
    box(FTYP[:4], FTYP[4:]) + box(b"moov", box(b"cmov", b"\xa9xyz")),
    box(FTYP[:4], FTYP[4:]) + box(b"moov", track(b"meta", 0, 1, stco=whole(b"gpmd", 2**31))),
])  # fmt: skip
def test_what_cannot_be_followed_is_not_taken_for_clean(given: bytes) -> None:
    with pytest.raises(Unreadable):
        without_place("video/mp4", given)


def test_gif() -> None:
    def blocks(data: bytes) -> bytes:
        return bytes((len(data),)) + data + b"\0"

    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    head = b"GIF89a\1\0\1\0\x80\0\0" + b"\0\0\0\xff\xff\xff"
    loops = b"\x21\xff\x0bNETSCAPE2.0" + blocks(b"\1\0\0")
    image = b"\x2c\0\0\0\0\1\0\1\0\0\2" + blocks(b"\x44\1")
    control = b"\x21\xf9" + blocks(b"\0\0\0\0")
    xmp = b"\x21\xff\x0bXMP DataXMP" + XMP + trailer
    comment = b"\x21\xfe" + blocks(b"Vienna")
    plain = head + loops + control + image + b"\x3b"
    assert without_place("image/gif", head + xmp + loops + comment + control + image + b"\x3b") == (
        plain
    )
    assert without_place("image/gif", plain + XMP) == plain
    assert without_place("image/gif", plain) == plain
    with pytest.raises(Unreadable):
        without_place("image/gif", head + xmp + image)


def test_nothing_that_is_sent_breaks_it() -> None:
    chance, given = random.Random(7), film()
    for _ in range(3000):
        data = bytearray(given)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(4, len(data))] = chance.randrange(256)
        try:
            without_place("video/mp4", bytes(data))
        except Unreadable:
            continue
