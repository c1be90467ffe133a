"""Small files of every kind that a record takes, made by hand or by their standards."""

from __future__ import annotations

import struct
import zlib


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int = 8, height: int = 8, text: bytes = b"") -> bytes:
    """A grey PNG, with a comment."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    comment = chunk(b"tEXt", b"Comment\0" + text) if text else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + comment
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def riff(form: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 24) + form + b"fmt " + b"\0" * 16


JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\x11" * 40 + b"\xff\xd9"
GIF = b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"  # noqa: E501
CDA = b'<?xml version="1.0"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Summary</title></ClinicalDocument>'  # noqa: E501
DICOM = b"\0" * 128 + b"DICM" + b"\2\0\0\0UL\4\0\0\0\0\0"
ZIP_END = b"PK\5\6" + b"\0" * 18

FILES: dict[str, tuple[str, bytes]] = {
    "report.pdf": ("application/pdf", PDF),
    "wound.jpg": ("image/jpeg", JPEG),
    "wound.png": ("image/png", png()),
    "old.gif": ("image/gif", GIF),
    "new.webp": ("image/webp", riff(b"WEBP")),
    "scan.tiff": ("image/tiff", b"II*\0" + b"\0" * 30),
    "scan.tif": ("image/tiff", b"MM\0*" + b"\0" * 30),
    "ct.dcm": ("application/dicom", DICOM),
    "gait.mp4": ("video/mp4", b"\0\0\0\x18ftypisom" + b"\0" * 30),
    "gait.mov": ("video/quicktime", b"\0\0\0\x14ftypqt  " + b"\0" * 30),
    "cough.m4a": ("audio/mp4", b"\0\0\0\x18ftypM4A " + b"\0" * 30),
    "gait.webm": ("video/webm", b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + b"\0" * 30),
    "cough.ogg": ("audio/ogg", b"OggS\0\2" + b"\0" * 30),
    "cough.mp3": ("audio/mpeg", b"\xff\xfb\x90\x64" + b"\0" * 30),
    "heart.mp3": ("audio/mpeg", b"ID3\3\0\0\0\0\0\0" + b"\0" * 30),
    "heart.wav": ("audio/wav", riff(b"WAVE")),
    "letter.txt": ("text/plain", "BP < 120, Größe 1,80 m\r\n\tرسالة".encode()),
    "ccd.xml": ("application/hl7-cda+xml", CDA),
}
"""Name, media type and bytes."""
