"""What forms cost: `python -m tools.measure_forms`. Processor time of one core, medians, in
milliseconds, of pages of forms over the memory engine, the door included.

`open` is the page of a draft, `live` what is sent back as one types, `save` a new version.
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

from careplane.care.forms.ready import questionnaire as shipped
from careplane.storage.engines.memory import MemoryStore
from careplane.web.routes import application
from careplane.web.visit import Web
from tests.contracts.conftest import Hands
from tests.forms_house import DOCTOR, NOW, SDC, Desk, open_desk, questionnaire

_TIMES = 15
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
            expression = {"language": "text/fhirpath", "expression": text}
            extension = {"url": SDC + "calculatedExpression", "valueExpression": expression}
            item |= {"type": "integer", "readOnly": True, "extension": [extension]}
        items.append(item)
    return questionnaire(f"wide-{number}", *items)


async def _median(call: Callable[[], Awaitable[httpx.Response]]) -> float:
    await call()
    took = []
    for _ in range(_TIMES):
        started = time.process_time()
        answer = await call()
        took.append((time.process_time() - started) * 1000)
        assert answer.status_code in (200, 303), answer.text
    return statistics.median(took)


async def _measured(desk: Desk, form: str) -> tuple[float, float, float]:
    web = Web(desk.house.door, desk.house.tokens, clock=Hands(NOW), forms=desk.forms)
    transport = httpx.ASGITransport(application(web))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        token = desk.house.tokens.issue(DOCTOR, 3600)
        http.cookies.set("careplane", token, domain="testserver.local")
        http.headers["origin"] = "http://testserver"
        path = f"/forms/{await desk.forms.begin(DOCTOR, form, 'p')}"

        def fields(page: str) -> dict[str, str]:
            return {unescape(n): unescape(v) for n, v in _HIDDEN.findall(page)} | {"a0/0": "4"}

        opened = await _median(lambda: http.get(path))
        sent = fields((await http.get(path)).text)
        live = await _median(lambda: http.post(f"{path}?live=1", data=sent))

        async def save() -> httpx.Response:
            page = await http.get(path)
            return await http.post(path, data={**fields(page.text), "do": "save"})

        saved = await _median(save) - opened
    return opened, live, saved


async def main() -> None:
    """Print the table of docs/forms.md."""
    clock = Hands(NOW)
    async with open_desk(MemoryStore(clock), clock) as desk:
        await desk.put(shipped("phq-9"))
        await desk.put(shipped("intake"))
        for number in (100, 1000):
            await desk.put(wide(number))
        print("| form | open | live | save |\n|---|---|---|---|")
        for form in ("phq-9", "intake", "wide-100", "wide-1000"):
            opened, live, saved = await _measured(desk, form)
            print(f"| {form} | {opened:.0f} | {live:.0f} | {saved:.0f} |")


if __name__ == "__main__":
    asyncio.run(main())
