"""Templates to HTML: Jinja2 with escaping always on and no value missing in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from careplane.web import assets, i18n
from careplane.web.chart.results import plot
from careplane.web.chart.sparkline import sketch
from careplane.web.say.browsers import say_browser
from careplane.web.say.dates import say_date, say_time
from careplane.web.security import HEADERS, PRIVATE

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


@cache
def environment(language: str) -> Environment:
    """Templates that speak one language."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # with the first page

    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_translations(i18n.translations(language), newstyle=True)  # type: ignore[attr-defined]
    env.filters |= {"date": say_date, "time": say_time, "browser": say_browser, "json": _compact}
    env.filters["said"] = i18n.translations(language).gettext  # of what is known as it is made
    env.globals |= {
        "asset": assets.url,
        "language": language,
        "direction": i18n.direction(language),
        "sketch": sketch,
        "plot_data": plot,
    }
    return env


def page(
    template: str, values: Mapping[str, Any], *, language: str = i18n.SOURCE, status: int = 200
) -> HTMLResponse:
    """One page, with the headers that all pages have."""
    text = environment(language).get_template(template).render(values)
    return HTMLResponse(text, status, headers=HEADERS | PRIVATE)


def _compact(value: Any) -> str:
    """JSON for a data attribute; the attribute's escaping is Jinja's."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
