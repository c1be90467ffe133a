"""What a file is, told by its bytes, and whether it is that and nothing else besides."""

from __future__ import annotations

import re

from careplane.records.files import kinds as k
from careplane.records.files.kinds import Kind
from careplane.records.files.refusal import Why, refused

_HEAD = 1024
_PREAMBLE = 128
_DICOM = b"DICM"
_EBML = b"\x1aE\xdf\xa3"
_PNG_HEAD = 8
_PNG_AROUND = 12
_END_OF_ARCHIVE = b"PK\x05\x06"
_END_OF_ARCHIVE_LENGTH = 22
_COMMENT = 65_535
_ACTIVE = re.compile(
    rb"<\s*(!doctype|html|head|body|script|svg|iframe|object|embed|\?php|\?xml-stylesheet)\b",
    re.IGNORECASE,
)
_MARKUP = re.compile(rb"\s*<[!?/a-z]", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BOM = b"\xef\xbb\xbf"
_CDA = "{urn:hl7-org:v3}ClinicalDocument"
_TEXTUAL = frozenset({k.TEXT, k.CCDA})


def sniff(data: bytes) -> Kind:
    """The kind of a file. Raises FileRefused for what is of none, is cut off, or is two things at
    once."""
    if not data:
        raise refused(Why.EMPTY)
    kind = _binary(data)
    if kind is None:
        return _written(data)
    _require_whole(kind, data)
    _require_nothing_else(kind, data)
    return kind


def _binary(data: bytes) -> Kind | None:
    if data[_PREAMBLE : _PREAMBLE + len(_DICOM)] == _DICOM:
        return k.DICOM
    for offset, beginning, kind in k.BEGINNINGS:
        if data.startswith(beginning, offset):
            return kind
    if data[:4] == b"RIFF":
        return {b"WEBP": k.WEBP, b"WAVE": k.WAV}.get(data[8:12])
    if data[4:8] == b"ftyp":
        return k.BRANDS.get(data[8:12])
    if data.startswith(_EBML) and b"webm" in data[:64]:
        return k.WEBM
    return k.MP3 if _is_mpeg_audio(data) else None


def _is_mpeg_audio(data: bytes) -> bool:
    """A frame of MPEG audio, layer III, with none of the values that are reserved (ISO/IEC 11172-3,
    2.4.1.3)."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return False
    version, rate, frequency = data[1] >> 3 & 3, data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and rate not in (0, 15) and frequency != 3


def _written(data: bytes) -> Kind:
    """Text, or a clinical document in XML. Raises FileRefused for all else."""
    for offset, beginning, name in k.OTHERS:
        if data.startswith(beginning, offset):
            raise refused(Why.OTHER, found=name)
    try:
        data.decode()
    except UnicodeDecodeError:
        raise refused(Why.UNKNOWN) from None
    if _CONTROLS.search(data):
        raise refused(Why.UNKNOWN)
    begin = data.removeprefix(_BOM)
    if not _MARKUP.match(begin):
        return k.TEXT
    if _is_cda(begin):
        return k.CCDA
    raise refused(Why.ACTIVE)


def _is_cda(data: bytes) -> bool:
    """Whether it is well-formed XML with the root of CDA (HL7 CDA R2), without a document type and
    without a style sheet."""
    from lxml import etree  # with the first document in XML

    if re.search(rb"<!doctype|<\?xml-stylesheet", data, re.IGNORECASE):
        return False
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(data.lstrip(), parser).tag == _CDA
    except etree.XMLSyntaxError:
        return False


def _require_whole(kind: Kind, data: bytes) -> None:
    """Raises FileRefused for what lacks the end that its kind has."""
    whole = True
    if kind is k.PNG:
        whole = _png_end(data) is not None
    elif kind is k.PDF:
        whole = b"%%EOF" in data[-_HEAD:]
    elif kind in (k.WEBP, k.WAV):
        whole = len(data) >= int.from_bytes(data[4:8], "little")
    elif kind is k.GIF:
        whole = b"\x3b" in data[-_HEAD:]
    elif kind is k.JPEG:
        whole = b"\xff\xd9" in data
    if not whole:
        raise refused(Why.DAMAGED, found=kind.name)


def _require_nothing_else(kind: Kind, data: bytes) -> None:
    """Raises FileRefused for a file that another program takes for something else: an archive at
    its end, another beginning, markup where old browsers look for it."""
    head = data[:_HEAD]
    mixed = _ends_as_archive(data)
    if kind is not k.PDF:
        mixed = mixed or b"%PDF-" in head or _ACTIVE.search(head) is not None
    if kind is k.PNG:
        mixed = mixed or _png_end(data) != len(data)
    if kind is k.DICOM:
        mixed = mixed or any(data.startswith(b, o) for o, b, _ in k.OTHERS)
        mixed = mixed or any(data.startswith(b, o) for o, b, n in k.BEGINNINGS if n is not k.TIFF)
    if mixed:
        raise refused(Why.MIXED, found=kind.name)


def _ends_as_archive(data: bytes) -> bool:
    """Whether it ends with the directory of a ZIP archive, whose comment reaches to the end."""
    tail = data[-_END_OF_ARCHIVE_LENGTH - _COMMENT :]
    at = tail.rfind(_END_OF_ARCHIVE)
    while at >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + _END_OF_ARCHIVE_LENGTH + comment == len(tail):
            return True
        at = tail.rfind(_END_OF_ARCHIVE, 0, at)
    return False


def _png_end(data: bytes) -> int | None:
    """Where the last chunk of a PNG ends (ISO/IEC 15948, 5.3); None for one that has no end."""
    at = _PNG_HEAD
    while at + _PNG_AROUND <= len(data):
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        at += _PNG_AROUND + length
        if name == b"IEND":
            return at if at <= len(data) else None
    return None
