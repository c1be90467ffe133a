"""A form with files, read with bounds (multipart/form-data, RFC 7578).

Nothing is written to disk on the way: a file of a patient stands in memory until the door has
stored it under the patient's key, so all of a form is bounded before it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from careplane.kernel.errors import Malformed, TooLarge, UnsupportedMedia
from careplane.words.catalogues import gettext as _
from careplane.words.catalogues import ngettext
from careplane.words.numbers import measured

_KIND = b"multipart/form-data"
_FIELDS = 50
_TEXT = 65_536
_NAME = 100
_FILE_NAME = 255
_PATIENCE = 4
"""So many times the bound is read on and thrown away: a browser shows no answer before it has sent
all of a form."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came. `name` and `kind` (a media type) are what the sender says of it, so both
    may lie: see `care.documents`."""

    field: str
    name: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What a form sent: of fields that stand twice the last, and the files in their order, without
    the empty ones that browsers send where none was chosen."""

    fields: dict[str, str]
    files: tuple[Upload, ...]


@dataclass(eq=False)
class FilesTooLarge(TooLarge):
    """A file is too large, or there are too many: none is taken. `fields` is what was typed, for
    the form to show again."""

    fields: dict[str, str] = field(default_factory=dict)


def typed_in(error: TooLarge) -> dict[str, str]:
    """What was typed into a form that was too large; nothing where that itself was too much."""
    return error.fields if isinstance(error, FilesTooLarge) else {}


async def parts(
    request: Request, *, largest: int, files: int = 1, fields: int = _FIELDS, text: int = _TEXT
) -> Form:
    """A form of at most so many files, each of `largest` bytes, and so many fields, of `text` bytes
    together. Raises UnsupportedMedia, Malformed, FilesTooLarge or TooLarge."""
    from python_multipart import multipart  # with the first form that has files
    from python_multipart.exceptions import FormParserError

    kind, options = multipart.parse_options_header(request.headers.get("content-type"))
    if kind != _KIND or not options.get(b"boundary"):
        raise UnsupportedMedia("A form with files is sent as multipart/form-data.")
    reading = _Reading(multipart.parse_options_header, largest, files, fields, text)
    most = files * largest + text + (files + fields) * multipart.DEFAULT_MAX_HEADER_SIZE
    try:
        parser = multipart.MultipartParser(options[b"boundary"], reading.callbacks())  # type: ignore[arg-type]
        came, over = 0, None
        async for chunk in request.stream():
            came += len(chunk)
            if came > _PATIENCE * most:
                raise over or reading.over or TooLarge(_("The form is too large."))
            if over is None:
                try:
                    parser.write(chunk)
                except TooLarge as error:
                    over = error
                    reading.forget()
    except FormParserError:
        raise Malformed("The form cannot be read.") from None
    if over is not None:
        raise over
    return reading.form()


class _Reading:
    """Takes what the parser finds, part by part."""

    def __init__(
        self,
        options: Callable[[bytes], tuple[bytes, dict[bytes, bytes]]],
        largest: int,
        files: int,
        fields: int,
        text: int,
    ) -> None:
        self._options = options
        self._largest, self._most_files, self._most_fields = largest, files, fields
        self._text = text
        self._fields: dict[str, str] = {}
        self._files: list[Upload] = []
        self._count = 0
        self.over: FilesTooLarge | None = None
        self._ended = False
        self._begin()

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_part_data": self._part,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def forget(self) -> None:
        """Too much came: what is kept goes."""
        self._fields.clear()
        self._files.clear()
        self._data.clear()

    def form(self) -> Form:
        """Raises Malformed for a form that ends too early."""
        if not self._ended:
            raise Malformed(
                "The form is not complete; the connection may have been cut. Try again."
            )
        if self.over is not None:
            raise self.over
        return Form(self._fields, tuple(self._files))

    def _refuse_files(self, text: str) -> None:
        """From now on what is typed is read, and no file."""
        self.over = self.over or FilesTooLarge(text, fields=self._fields)
        self._files.clear()
        self._data.clear()

    def _begin(self) -> None:
        self._name, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._field, self._kind = "", "application/octet-stream"
        self._file: str | None = None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        name, value = bytes(self._name).lower(), bytes(self._value)
        if name == b"content-disposition":
            _, found = self._options(value)
            self._field = _words(found.get(b"name", b""), _NAME)
            if b"filename" in found:
                self._file = _words(found[b"filename"], _FILE_NAME)
        elif name == b"content-type":
            self._kind = self._options(value)[0].decode("ascii", "replace")[:_NAME]
        self._name, self._value = bytearray(), bytearray()

    def _headers(self) -> None:
        if not self._field:
            raise Malformed("A part of the form has no name.")
        if self._file:
            if len(self._files) == self._most_files:
                self._refuse_files(
                    _("At most %(count)s files are taken at once.", count=self._most_files)
                )
            return
        self._count += 1
        if self._count > self._most_fields:
            raise TooLarge("The form has too many fields.")

    def _part(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            if len(self._data) + end - start > self._largest:
                self._refuse_files(
                    _("A file has %(largest)s at most.", largest=said(self._largest))
                )
            if self.over is not None:
                return
        else:
            self._text -= end - start
            if self._text < 0:
                raise TooLarge("What was typed is too long for this form.")
        self._data += data[start:end]

    def _end(self) -> None:
        if self._file and self.over is None:
            upload = Upload(self._field, self._file, self._kind, bytes(self._data))
            self._files.append(upload)
        elif self._file is None:
            try:
                self._fields[self._field] = self._data.decode()
            except UnicodeDecodeError:
                raise Malformed("The form is not in UTF-8.") from None
        self._data = bytearray()

    def _finish(self) -> None:
        self._ended = True


def said(size: int) -> str:
    """A number of bytes for people: `350 bytes`, `40 kB`, `10 MB`."""
    for unit, name in ((1_000_000, "MB"), (1_000, "kB")):
        if size >= unit:
            return f"{measured(f'{size / unit:.3g}')}\u00a0{name}"
    return ngettext("%(num)s byte", "%(num)s bytes", size)


def _words(raw: bytes, most: int) -> str:
    return raw.decode("utf-8", "replace")[:most]
