"""The worker process: long Bundles are accepted there with the search parameters of the sender."""

from __future__ import annotations

import json

import pytest

from careplane.app.workers import Workers
from careplane.fhir.structs import decoder
from careplane.kernel.errors import CareplaneError
from careplane.records.bodies import Content
from careplane.search.custom import customs, extracting
from careplane.search.registry import r4_registry


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("count", [1, 150])
async def test_rows_are_made_with_the_parameters_of_the_sender(count: int) -> None:
    tree = {
        "resourceType": "SearchParameter",
        "url": "http://example.org/p",
        "name": "p",
        "status": "active",
        "description": "p",
        "code": "mine",
        "base": ["Basic"],
        "type": "string",
        "expression": "Basic.code.text",
    }
    raw = json.dumps(tree).encode()
    (mine,) = customs(decoder("SearchParameter").decode(raw), r4_registry())
    body = b'{"resourceType":"Basic","code":{"text":"said"}}'
    accept = Workers().accepting(extracting((mine,)), (mine,))
    found: list[Content | CareplaneError] = await accept([("Basic", body)] * count)
    assert len(found) == count
    for content in found:
        assert isinstance(content, Content)
        strings = [row.text for row in content.rows.strings if row.param == mine.param]
        assert strings == ["said"]
