"""What a form of messages, consults or tasks asks is done; where it is refused, the page comes
again with what was typed and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.responses import Response

from careplane.kernel.errors import (
    CareplaneError,
    Conflict,
    Forbidden,
    Incorrect,
    TooLarge,
    TooMany,
)
from careplane.web.pages.messages.files import form_of
from careplane.web.pages.messages.shared import WRONG
from careplane.web.uploads import Form, typed_in
from careplane.web.visit import Visit, redirect

Typed = dict[str, str]
Problems = dict[str, str]
"""By field; under an empty name what is of no field."""
Work = Callable[[Form], Awaitable[str]]
"""Does it; where that leads to."""
_TOLD = (Incorrect, Conflict, Forbidden, TooMany)


class Page(Protocol):
    """Shows the form again."""

    def __call__(
        self, visit: Visit, typed: Typed, problems: Problems, error: CareplaneError, /
    ) -> Awaitable[Response]: ...


async def done(
    visit: Visit, work: Work, page: Page, wrong: Callable[[CareplaneError], Problems]
) -> Response:
    """Read the form and do its work."""
    try:
        form = await form_of(visit)
    except TooLarge as error:
        return await page(visit, typed_in(error), {"files": WRONG["files"]}, error)
    try:
        return redirect(await work(form))
    except _TOLD as error:
        return await page(visit, form.fields, wrong(error), error)
