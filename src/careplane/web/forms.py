"""What a form sent, read with a bound: names and values (HTML, application/x-www-form-urlencoded).

The pages send no files, so nothing else is taken.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from careplane.kernel.errors import Malformed, TooLarge, UnsupportedMedia
from careplane.words.catalogues import gettext as _

_LIMIT = 32_768
_FIELDS = 50
_KIND = "application/x-www-form-urlencoded"


async def fields(request: Request, most: int = _FIELDS, limit: int = _LIMIT) -> dict[str, str]:
    """The fields of a form, at most so many and of so many bytes; of those that stand twice the
    last."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise UnsupportedMedia(_("Forms are sent as %(kind)s.", kind=_KIND))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge("The form is too large.")
    try:
        return dict(
            parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=most)
        )
    except ValueError:
        raise Malformed("The form cannot be read.") from None
