"""Files in forms: taken by what their bytes say, kept in the answer, handed out to be saved."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from careplane.care.forms.opening import Opened
from careplane.care.forms.typed import attach
from careplane.kernel.clock import format_instant
from careplane.kernel.errors import NotFound
from careplane.records.files.checking import check, clean, file_name, without_place
from careplane.records.files.sniffing import sniff
from careplane.web.forms import fields
from careplane.web.pages.form_lists import forms_of
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.uploads import Form, parts
from careplane.web.visit import Visit

LARGEST: Final = 2_000_000
_MOST: Final = 5
_SANDBOX: Final = "sandbox; default-src 'none'"


async def sent(request: Request, most: int, limit: int) -> Form:
    """What a page sent, with files or without. Raises TooLarge, Malformed, UnsupportedMedia."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await parts(request, largest=LARGEST, files=_MOST, fields=most, text=limit)
    return Form(await fields(request, most, limit), ())


def attached(opened: Opened, form: Form, now: int, *, keeps_places: bool) -> bool:
    """Take the files in as answers; whether there were any. Raises FileRefused for one that is not
    what it says, or of a kind that no record takes."""
    for one in form.files:
        kind = check(one.name, one.kind, one.data)
        data = without_place(kind, one.data, keeps=keeps_places)
        attachment = {
            "contentType": kind.media,
            "data": base64.b64encode(data).decode(),
            "size": len(data),
            "title": clean(one.name) or file_name("file", kind),
            "creation": format_instant(now),
        }
        attach(opened.sheet, one.field.removeprefix("a").partition("/")[0], attachment)
    return bool(form.files)


async def download(visit: Visit) -> Response:
    """GET /forms/{id}/files/{place}/{number}: never shown by the browser, only saved."""
    forms, caller = forms_of(visit)
    opened = await forms.open(caller, visit.path("id"), visit.language)
    line = opened.sheet.at(visit.path("place"))
    number = visit.path("number")
    values = line.values if line is not None else []
    wanted = int(number) if number.isdecimal() and len(number) < 4 else len(values)
    if wanted >= len(values) or values[wanted][0] != "valueAttachment":
        raise NotFound("There is no such file in this form.")
    attachment = values[wanted][1]
    try:
        data = base64.b64decode(str(attachment.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise NotFound("The file is not kept in this form.")
    kind = sniff(data)
    name = quote(file_name(str(attachment.get("title", "")), kind))
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": _SANDBOX,
    }
    return Response(data, media_type=kind.media, headers=HEADERS | PRIVATE | headers)
