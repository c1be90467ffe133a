"""An answer looked for among many: by a button with scripts off, as one types with them."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from careplane.care.forms.choices import key_of, said
from careplane.care.forms.opening import Opened
from careplane.web.pages.form_lists import forms_of
from careplane.web.security import HEADERS, PRIVATE
from careplane.web.visit import Visit

_MOST: int = 5
"""Searches that one page may ask for."""


async def look(visit: Visit, opened: Opened, sent: dict[str, str]) -> None:
    """Make known what was chosen and what is looked for, before a page is taken in."""
    forms, caller = forms_of(visit)
    await forms.look_up(caller, opened, sent, visit.language)
    asked = [name for name, text in sent.items() if name.endswith("/find") and text.strip()]
    for name in asked[:_MOST]:
        field = name.removesuffix("/find")
        number, text = sent.get(f"{field}/set", ""), sent[name]
        found = await forms.matching(caller, opened, number, text, visit.language)
        opened.found[field.removeprefix("a")] = (text, found)


async def in_form(visit: Visit) -> Response:
    """GET /forms/{id}/choices?set=&find=: JSON, as one types."""
    forms, caller = forms_of(visit)
    return await _choices(visit, await forms.open(caller, visit.path("id"), visit.language))


async def in_preview(visit: Visit) -> Response:
    """GET /questionnaires/{id}/choices: the same of a form that is tried."""
    forms, caller = forms_of(visit)
    return await _choices(visit, await forms.preview(caller, visit.path("id"), visit.language))


async def _choices(visit: Visit, opened: Opened) -> Response:
    forms, caller = forms_of(visit)
    asked = visit.query("set"), visit.query("find")
    found = await forms.matching(caller, opened, *asked, visit.language)
    options = [{"key": key_of(one), "text": said(one, visit.language)} for one in found.codings]
    return JSONResponse({"options": options, "more": found.more}, headers=HEADERS | PRIVATE)
