"""Photographs without the place: what tells it is gone, what is of the picture is the same."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from careplane.kernel.pictures.places import Unreadable, without_place
from tests.file_house import chunk, png
from tests.photo_house import ADOBE, JFIF, PLACE, PROFILE, SCAN, XMP, entry, exif, jpeg, segment

TOLD = (b"GPSLatitude", PLACE, b"Vienna")


def tells(data: bytes) -> bool:
    return any(one in data for one in TOLD)


@pytest.mark.parametrize("order", [">", "<"])
def test_a_photograph_loses_the_place_and_keeps_the_picture(order: str) -> None:
    small = jpeg(segment(0xE1, b"Exif\0\0" + exif(order)))
    inner = exif(order, small, b"Vienna, Prater, taken by the maker's app")
    photo = jpeg(JFIF, segment(0xE1, b"Exif\0\0" + inner), PROFILE, XMP, ADOBE,
                 segment(0xED, b"Photoshop 3.0\0 Vienna"), segment(0xFE, b"Vienna"),
                 segment(0xE2, b"MPF\0 Vienna"),
                 after=jpeg(segment(0xE1, b"Exif\0\0" + exif(order))))  # fmt: skip
    assert tells(photo)
    done = without_place("image/jpeg", photo)
    assert not tells(done)
    assert done.endswith(SCAN + b"\xff\xd9"), "the picture, and nothing behind it"
    assert all(one in done for one in (JFIF, PROFILE, ADOBE)), "colours and resolution"
    turned = entry(order, 0x0112, 3, 1, 6 << 16 if order == ">" else 6)
    assert turned in done, "which way is up"
    assert struct.pack(f"{order}H", 0x8825) + struct.pack(f"{order}H", 4) not in done
    assert without_place("image/jpeg", done) == done


def test_a_picture_without_metadata_is_left_byte_for_byte() -> None:
    plain = jpeg(JFIF, PROFILE)
    for media, data in (("image/jpeg", plain), ("image/png", png(text=b"a comment")),
                        ("image/gif", plain), ("application/pdf", b"Exif\0\0")):  # fmt: skip
        assert without_place(media, data) == data


def test_exif_that_leads_nowhere_goes_whole() -> None:
    for broken in (exif()[:40], b"MM\0*\0\0\0\x08\xff\xff", b"XX", exif() + b"", b""):
        photo = jpeg(JFIF, segment(0xE1, b"Exif\0\0" + broken))
        done = without_place("image/jpeg", photo)
        assert not tells(done)
        assert done.endswith(SCAN + b"\xff\xd9")


def test_directories_that_go_in_circles_end() -> None:
    circle = b"MM\0*\0\0\0\x08\0\1" + entry(">", 0x8769, 4, 1, 8) + struct.pack(">I", 8)
    photo = jpeg(segment(0xE1, b"Exif\0\0" + circle))
    assert without_place("image/jpeg", photo) == photo


@pytest.mark.parametrize("data", [
    b"\xff\xd8" + segment(0xE1, b"Exif\0\0" + exif()) + b"\x11" * 20 + b"\xff\xd9",
    b"\xff\xd8\xff\xe1\xff\xffExif\0\0" + exif(),
])  # fmt: skip
def test_what_cannot_be_followed_is_not_taken_for_clean(data: bytes) -> None:
    with pytest.raises(Unreadable):
        without_place("image/jpeg", data)


def test_png() -> None:
    plain = png()
    end = chunk(b"IEND", b"")
    more = chunk(b"eXIf", exif()) + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0GPSLatitude")
    raw = chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(exif()))
    done = without_place("image/png", plain.removesuffix(end) + more + raw + end)
    assert not tells(done)
    assert b"Raw profile" not in done
    assert b"XML:com" not in done
    at = done.index(b"eXIf")
    length = int.from_bytes(done[at - 4 : at])
    body = done[at + 4 : at + 4 + length]
    assert done[at - 4 : at + 8 + length] == chunk(b"eXIf", body), "with its checksum"
    assert done.replace(chunk(b"eXIf", body), b"") == plain


def test_webp() -> None:
    def of(*chunks: tuple[bytes, bytes]) -> bytes:
        all = b"".join(n + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2) for n, b in chunks)
        return b"RIFF" + struct.pack("<I", len(all) + 4) + b"WEBP" + all

    head, bits = b"\x0c\0\0\0\7\0\0\7\0\0", b"VP8 picture"
    given = of((b"VP8X", head), (b"VP8 ", bits), (b"EXIF", exif()), (b"XMP ", b"GPSLatitude"))
    done = without_place("image/webp", given)
    assert not tells(done)
    assert b"XMP " not in done
    assert struct.pack("<I", len(bits)) + bits in done
    assert done[20] == 0x08, "Exif is there, XMP is not"
    assert int.from_bytes(done[4:8], "little") + 8 == len(done)
    assert without_place("image/webp", of((b"VP8 ", bits))) == of((b"VP8 ", bits))


def test_tiff() -> None:
    done = without_place("image/tiff", exif("<", note=b"Vienna, Prater"))
    assert not tells(done)
    assert len(done) == len(exif("<", note=b"Vienna, Prater"))


def test_nothing_that_is_sent_breaks_it() -> None:
    chance = random.Random(7)
    small = jpeg(segment(0xE1, b"Exif\0\0" + exif()))
    whole = jpeg(JFIF, segment(0xE1, b"Exif\0\0" + exif(">", small, b"Vienna")), XMP)
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(2, len(data))] = chance.randrange(256)
        try:
            without_place("image/jpeg", bytes(data))
        except Unreadable:
            continue
