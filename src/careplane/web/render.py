"""Templates to HTML: Jinja2 with escaping always on and no value missing in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from careplane.web import assets
from careplane.web.chart.results import plot
from careplane.web.chart.sparkline import sketch
from careplane.web.say.browsers import say_browser
from careplane.web.say.dates import say_clock, say_date, say_time
from careplane.web.say.sections import known
from careplane.web.security import HEADERS, PRIVATE
from careplane.words import dates, lists, numbers
from careplane.words.audience import Audience, speaking
from careplane.words.catalogues import apart, chosen, gettext
from careplane.words.languages import direction, spoken

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")


@cache
def environment(language: str) -> Environment:
    """Templates that speak one language, to an audience of which this is the language."""
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
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    env.globals |= {"gettext": _sentence, "ngettext": _numbered}
    env.filters |= {name: _said(say) for name, say in _VALUES.items()}
    env.filters |= {"browser": say_browser, "json": _compact}
    env.globals |= {
        "asset": assets.url,
        "language": language,
        "direction": direction(language),
        "languages": spoken(),
        "sketch": sketch,
        "plot_data": plot,
        "known_title": known,
    }
    return env


_VALUES: dict[str, Callable[[Any], str]] = {
    "said": gettext,
    "date": say_date,
    "time": say_time,
    "clock": say_clock,
    "measured": numbers.measured,
    "counted": numbers.counted,
    "percent": numbers.percent,
    "listed": lists.listed,
    "isolated": lists.isolated,
    "day": dates.day,
    "long_day": dates.long_day,
    "short_day": dates.short_day,
    "moment": dates.moment,
    "long_moment": dates.long_moment,
    "lasting": dates.lasting,
}
"""Filters that write a value in the language and at the clock of the page."""


def _said(say: Callable[[Any], str]) -> Callable[..., str]:
    """The filter, which is not to be worked out when the template is compiled."""
    from jinja2 import pass_context

    @pass_context
    def filter(context: object, value: Any) -> str:
        return say(value)

    return filter


def _sentence(text: str, /, **values: Any) -> Markup:
    """A sentence of a template, escaped as what it names is: the text may be a code that nobody has
    words for, or an error that tells of what was sent."""
    from markupsafe import escape

    said = escape(gettext(text))
    return said % apart(values) if values else said


def _numbered(one: str, many: str, num: int, /, **values: Any) -> Markup:
    """A sentence of a template with a number that it agrees with."""
    from markupsafe import escape

    return escape(chosen(one, many, num)) % apart({"num": num} | values)


def page(
    template: str, values: Mapping[str, Any], audience: Audience, status: int = 200
) -> HTMLResponse:
    """One page, with the headers that all pages have. What has gone wrong, `problem`, may be the
    text of an error: it is said in the language of the page, if that knows it."""
    language = {"Content-Language": audience.language}
    with speaking(audience):
        problem = values.get("problem")
        told = {"problem": gettext(problem)} if isinstance(problem, str) else {}
        text = environment(audience.language).get_template(template).render({**values, **told})
    return HTMLResponse(text, status, headers=HEADERS | PRIVATE | language)


def _compact(value: Any) -> str:
    """JSON for a data attribute; the attribute's escaping is Jinja's."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
