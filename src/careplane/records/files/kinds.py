"""The kinds of file that a record takes, and how each is told by its bytes.

A kind is told by what its standard says that a file begins with; what the sender says is compared
with it, never believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shown = Literal["image", "pdf", "video", "audio", "text", "file"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`media` is what it is stored and served as; `claims` are other media types that honest
    senders give it; `endings` are those of file names, the usual one first. `shown` says how a page
    shows it; a `file` is only downloaded."""

    media: str
    name: str
    endings: tuple[str, ...]
    shown: Shown
    claims: frozenset[str] = frozenset()


PDF = Kind("application/pdf", "PDF", ("pdf",), "pdf", frozenset({"application/x-pdf"}))
JPEG = Kind(
    "image/jpeg",
    "JPEG",
    ("jpg", "jpeg", "jpe", "jfif"),
    "image",
    frozenset({"image/jpg", "image/pjpeg"}),
)
PNG = Kind("image/png", "PNG", ("png",), "image", frozenset({"image/x-png"}))
GIF = Kind("image/gif", "GIF", ("gif",), "image")
WEBP = Kind("image/webp", "WebP", ("webp",), "image")
TIFF = Kind("image/tiff", "TIFF", ("tif", "tiff"), "file", frozenset({"image/tif", "image/x-tiff"}))
DICOM = Kind(
    "application/dicom",
    "DICOM",
    ("dcm", "dicom"),
    "file",
    frozenset({"image/dicom", "application/x-dicom"}),
)
MP4 = Kind("video/mp4", "MP4", ("mp4", "m4v"), "video", frozenset({"video/x-m4v"}))
M4A = Kind(
    "audio/mp4",
    "MP4 audio",
    ("m4a", "mp4"),
    "audio",
    frozenset({"audio/x-m4a", "audio/m4a", "video/mp4"}),
)
MOV = Kind("video/quicktime", "QuickTime", ("mov", "qt"), "video", frozenset({"video/mp4"}))
WEBM = Kind("video/webm", "WebM", ("webm", "weba"), "video", frozenset({"audio/webm"}))
OGG = Kind(
    "audio/ogg",
    "Ogg",
    ("ogg", "oga", "ogv", "opus"),
    "audio",
    frozenset({"video/ogg", "application/ogg", "audio/opus"}),
)
MP3 = Kind("audio/mpeg", "MP3", ("mp3",), "audio", frozenset({"audio/mp3", "audio/x-mp3"}))
WAV = Kind(
    "audio/wav",
    "WAV",
    ("wav",),
    "audio",
    frozenset({"audio/x-wav", "audio/wave", "audio/vnd.wave"}),
)
TEXT = Kind(
    "text/plain",
    "text",
    ("txt", "text", "md", "csv", "log"),
    "text",
    frozenset({"text/csv", "text/markdown", "application/csv", "application/vnd.ms-excel"}),
)
CCDA = Kind(
    "application/hl7-cda+xml",
    "C-CDA",
    ("xml", "cda", "ccda", "ccd"),
    "file",
    frozenset({"text/xml", "application/xml"}),
)

KINDS: tuple[Kind, ...] = (
    PDF, JPEG, PNG, GIF, WEBP, TIFF, DICOM, MP4, M4A, MOV, WEBM, OGG, MP3, WAV, TEXT, CCDA,
)  # fmt: skip
BY_MEDIA = {kind.media: kind for kind in KINDS}

BEGINNINGS: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"%PDF-", PDF),
    (0, b"\xff\xd8\xff", JPEG),
    (0, b"\x89PNG\r\n\x1a\n", PNG),
    (0, b"GIF87a", GIF),
    (0, b"GIF89a", GIF),
    (0, b"II*\x00", TIFF),
    (0, b"MM\x00*", TIFF),
    (0, b"II+\x00", TIFF),
    (0, b"MM\x00+", TIFF),
    (0, b"OggS", OGG),
    (0, b"ID3", MP3),
)
"""Offset, bytes, kind; those that need more are told in `sniffing`."""

BRANDS: dict[bytes, Kind] = {
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42"), MP4),
    **dict.fromkeys((b"avc1", b"M4V ", b"MSNV", b"dash", b"mmp4", b"3gp4", b"3gp5"), MP4),
    **dict.fromkeys((b"M4A ", b"M4B ", b"F4A "), M4A),
    b"qt  ": MOV,
}
"""Major brands of the ISO base media file format (ISO/IEC 14496-12, 4.3)."""

OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"MZ", "a Windows program"),
    (0, b"\x7fELF", "a program"),
    (0, b"\xfe\xed\xfa\xce", "a program"),
    (0, b"\xfe\xed\xfa\xcf", "a program"),
    (0, b"\xce\xfa\xed\xfe", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\x00asm", "a program"),
    (0, b"#!", "a script"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
    (0, b"PK\x03\x04", "an archive or an office document"),
    (0, b"PK\x05\x06", "an archive"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old office document"),
    (0, b"{\\rtf", "an RTF document"),
    (0, b"7z\xbc\xaf\x27\x1c", "an archive"),
    (0, b"Rar!\x1a\x07", "an archive"),
    (0, b"\x1f\x8b", "an archive"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypheix", "a HEIC image"),
    (4, b"ftypmif1", "a HEIF image"),
)
"""What is known and not taken, to say so."""

_PROGRAMS = (
    "apk app asp aspx bat cgi cmd com cpl dll dmg docm exe gadget hta htm html jar jnlp js jse jsp "
    "lnk mht mhtml mjs msc msi php pif pl ps1 py rb scr sh shtml svg svgz swf vb vbe vbs wasm wsf "
    "xht xhtml xlsm xsl xslt"
)
PROGRAMS = frozenset(_PROGRAMS.split())
"""Endings of names that a system would run or a browser would interpret."""
