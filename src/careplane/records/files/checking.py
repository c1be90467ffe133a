"""Whether a file is what its sender says: by its bytes, its media type and the end of its name."""

from __future__ import annotations

from careplane.kernel.pictures import places
from careplane.records.files.kinds import KINDS, PROGRAMS, Kind
from careplane.records.files.refusal import Why, refused
from careplane.records.files.sniffing import sniff

_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_KNOWN_ENDINGS = frozenset(ending for kind in KINDS for ending in kind.endings)
_LONGEST = 100
_RESERVED = frozenset('"*/:<>?\\|')


def check(name: str, claim: str, data: bytes) -> Kind:
    """What a file is. Raises FileRefused for one that cannot be told, is not taken, or lies."""
    kind = sniff(data)
    claim = claim.partition(";")[0].strip().lower()
    if claim not in _SAYS_NOTHING and claim != kind.media and claim not in kind.claims:
        raise refused(Why.TYPE, said=clean(claim), found=kind.name)
    ending = ending_of(clean(name))
    if ending in PROGRAMS or (ending in _KNOWN_ENDINGS and ending not in kind.endings):
        raise refused(Why.ENDING, said=ending, found=kind.name)
    return kind


def without_place(kind: Kind, data: bytes, *, keeps: bool) -> bytes:
    """A file as it is stored: of a photograph without where it was taken, unless the institution
    `keeps` that. Raises FileRefused where its metadata cannot be read."""
    if keeps:
        return data
    try:
        return places.without_place(kind.media, data)
    except places.Unreadable:
        raise refused(Why.DAMAGED, found=kind.name) from None


def clean(name: str) -> str:
    """The last part of a path, without what a file system or a terminal would take amiss: control
    and format characters (which turn the direction of writing), separators, leading dots; of a
    length that every file system takes."""
    name = name.replace("\\", "/").rpartition("/")[2]
    kept = (
        " " if c.isspace() else c
        for c in name
        if c not in _RESERVED and (c.isspace() or c.isprintable())
    )
    name = " ".join("".join(kept).split()).strip(". ")
    ending = ending_of(name)
    if len(name) > _LONGEST:
        return f"{name[: _LONGEST - len(ending) - 1]}.{ending}" if ending else name[:_LONGEST]
    return name


def ending_of(name: str) -> str:
    """In lower case; empty where there is none that looks like one."""
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot and ending.isascii() and len(ending) <= 8 else ""


def file_name(title: str, kind: Kind) -> str:
    """What a download is called: the title, and the ending of what it is."""
    title = clean(title) or "document"
    return title if ending_of(title) in kind.endings else f"{title}.{kind.endings[0]}"
