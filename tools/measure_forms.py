"""What forms cost: `python -m tools.measure_forms`. Processor time of one core in milliseconds, of
pages of forms over the memory engine, the door included.

`open` is the page of a draft, `live` what is sent back as one types, `save` a new version: medians;
and of `live` what 95 of 100 stay below.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from html import unescape
from typing import Any

import httpx

from careplane.app import interpreter
from careplane.care.forms.ready import questionnaire as shipped
from careplane.storage.engines.memory import MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.contracts.conftest import Hands
from tests.forms_house import DOCTOR, NOW, SDC, Desk, open_desk, questionnaire

_TIMES = 40
_TYPED = re.compile(r'name="(a[0-9]+/0)" type="text"')
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def wide(number: int) -> dict[str, Any]:
    """So many questions; every tenth is asked by a condition, every fiftieth is calculated."""
    items: list[dict[str, Any]] = [{"linkId": "0", "text": "How many?", "type": "integer"}]
    for n in range(1, number):
        item: dict[str, Any] = {"linkId": str(n), "text": f"Question {n}", "type": "string"}
        if n % 10 == 0:
            exists = {"question": "0", "operator": "exists", "answerBoolean": True}
            item["enableWhen"] = [exists]
        if n % 50 == 0:
            text = "%resource.item.where(linkId = '0').answer.value * 2"
            extension = _expression("calculatedExpression", text)
            item |= {"type": "integer", "readOnly": True, "extension": [extension]}
        items.append(item)
    return questionnaire(f"wide-{number}", *items)


def chained(number: int) -> dict[str, Any]:
    """So many questions, all answered; every fifth is a score that adds to the score before it, ten
    in a chain, and every seventh is asked by what a score has come to."""
    items: list[dict[str, Any]] = [{"linkId": "0", "text": "How many?", "type": "integer"}]
    for n in range(1, number):
        item: dict[str, Any] = {"linkId": str(n), "text": f"Question {n}", "type": "integer"}
        if n % 5 == 0:
            before = n - 5 if n % 50 else 0
            text = _VALUE.format(before) + " + " + _VALUE.format(n - 1)
            item |= {"readOnly": True, "extension": [_expression("calculatedExpression", text)]}
        elif n % 7 == 0:
            text = _VALUE.format(n // 5 * 5) + " > 2"
            item["extension"] = [_expression("enableWhenExpression", text)]
        items.append(item)
    return questionnaire(f"chained-{number}", *items)


_VALUE = "%resource.descendants().where(linkId = '{}').answer.value"


def _expression(name: str, text: str) -> dict[str, Any]:
    expression = {"language": "text/fhirpath", "expression": text}
    return {"url": SDC + name, "valueExpression": expression}


async def _taken(call: Callable[[], Awaitable[httpx.Response]]) -> list[float]:
    await call()
    took = []
    for _ in range(_TIMES):
        started = time.process_time()
        answer = await call()
        took.append((time.process_time() - started) * 1000)
        assert answer.status_code in (200, 303), answer.text
    return took


async def _median(call: Callable[[], Awaitable[httpx.Response]]) -> float:
    return statistics.median(await _taken(call))


async def _measured(desk: Desk, form: str, *, filled: bool) -> tuple[float, ...]:
    web = Web(desk.house.door, desk.house.tokens, clock=Hands(NOW), forms=desk.forms)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = desk.house.tokens.issue(DOCTOR, 3600)
        http.cookies.set("careplane", token, domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        path = f"/forms/{await desk.forms.begin(DOCTOR, form, 'p')}"

        def fields(page: str) -> dict[str, str]:
            hidden = {unescape(n): unescape(v) for n, v in _HIDDEN.findall(page)}
            typed = {unescape(name): "1" for name in _TYPED.findall(page)} if filled else {}
            return hidden | typed | {"a0/0": "4"}

        opened = await _median(lambda: http.get(path))
        sent = fields((await http.get(path)).text)
        live = await _taken(lambda: http.post(f"{path}?live=1", data=sent))

        async def save() -> httpx.Response:
            page = await http.get(path)
            return await http.post(path, data={**fields(page.text), "do": "save"})

        saved = await _median(save) - opened
    return opened, statistics.median(live), statistics.quantiles(live, n=20)[-1], saved


async def main() -> None:
    """Print the table of docs/forms.md."""
    clock = Hands(NOW)
    interpreter.settle()
    async with open_desk(MemoryStore(clock), clock) as desk:
        await desk.put(shipped("phq-9"))
        await desk.put(shipped("intake"))
        for number in (100, 1000):
            await desk.put(wide(number))
        await desk.put(chained(1000))
        print("| form | open | live | live p95 | save |\n|---|---|---|---|---|")
        for form in ("phq-9", "intake", "wide-100", "wide-1000", "chained-1000"):
            found = await _measured(desk, form, filled="chained" in form)
            print(f"| {form} | " + " | ".join(f"{one:.0f}" for one in found) + " |")


if __name__ == "__main__":
    asyncio.run(main())
