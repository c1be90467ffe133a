"""A picture or film without the place where it was taken: the bytes of the picture itself stay as
they are.

Cameras write where they are into the metadata of a photograph (Exif's GPS directory, XMP, IPTC),
and more in what only their maker reads; thumbnails and further pictures in the file have their own.
Of films it stands in boxes beside the picture, and in tracks of its own.
Orientation, time and colour profile stay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from careplane.kernel.pictures import boxes, gif, jpeg, png, tiff, webp


class Unreadable(ValueError):
    """A picture whose metadata cannot be followed, so that nobody can say what is in it."""


_FORMATS: Final[dict[str, Callable[[bytes], bytes | None]]] = {
    "image/jpeg": jpeg.cleaned,
    "image/png": png.cleaned,
    "image/webp": webp.cleaned,
    "image/gif": gif.cleaned,
    "video/mp4": boxes.cleaned,
    "video/quicktime": boxes.cleaned,
    "audio/mp4": boxes.cleaned,
    "image/tiff": partial(tiff.cleaned, thumbnail=jpeg.bare),
}
_MARKS: Final = (
    *(b"Exif\0\0", b"http://ns.adobe.com/xap/", b"eXIf", b"XMP DataXMP"),
    *(b"\xa9xyz", b"loci", b"location.ISO6709", b"gpmd", b"camm", b"mebx"),
)


def without_place(media: str, data: bytes) -> bytes:
    """The file of a media type without the place; the same bytes where there is none, or the media
    type has no place that is known here. Raises Unreadable."""
    clean = _FORMATS.get(media)
    if clean is None:
        return data
    found = clean(data)
    if found is not None:
        return found
    if any(mark in data for mark in _MARKS):
        raise Unreadable("The metadata of the picture cannot be read.")
    return data
