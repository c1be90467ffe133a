"""What the oracle writes, by which ways it sends that, and how it takes it back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.consent_house import ACT, LEVEL
from tests.fhir_house import bundle, entry
from tests.oracle.population import WORLD
from tests.oracle.way import BROUGHT, Here
from tests.policy_house import Record

_TYPES = (
    "Observation", "Patient", "Condition", "Encounter", "AllergyIntolerance", "Communication",
    "Composition", "QuestionnaireResponse", "Task", "Appointment",
)  # fmt: skip
"""What is deleted for a moment must not be what Consents look into, such as a CareTeam."""
CHANGED = tuple(key for key in WORLD if key.split("/")[0] in _TYPES)
REFUSED, SEVERAL, NOTHING = "refused", "several", "nothing"


def content_of(n: int, key: str) -> Record:
    """The record without its id: as it is, changed, or moved to another patient."""
    record = {name: value for name, value in WORLD[key].items() if name != "id"}
    if n % 3 == 0:
        return record
    if n % 3 == 1 or "subject" not in record:
        return {**record, **BROUGHT}
    return {**record, **BROUGHT, "subject": {"reference": f"Patient/{_elsewhere(n)}"}}


def _elsewhere(n: int) -> str:
    return f"p{n * 13 % 60}"


def raised(before: Record, after: Record) -> Record:
    """A record as it is stored in the place of another: labels of confidentiality and of
    sensitivity stay, and of several levels the highest."""
    kept = [one for one in _labels_of(before) if one["system"] in (LEVEL, ACT)]
    found = {(one["system"], one["code"]): one for one in [*_labels_of(after), *kept]}
    levels = [code for system, code in found if system == LEVEL]
    lower = set(sorted(levels, key="ULMNRV".index)[:-1])
    left = [one for (system, code), one in found.items() if system != LEVEL or code not in lower]
    return {**after, "meta": {"security": left}} if left else after


def _labels_of(record: Record) -> list[Record]:
    return list(record.get("meta", {}).get("security", ()))


class Answer(NamedTuple):
    status: int
    key: str


async def send(
    here: Here, n: int, method: str, url: str, body: Any = None, if_none_exist: str = ""
) -> Answer:
    """By itself, in a batch or in a transaction."""
    if n % 4 < 2:
        headers = {"if-none-exist": if_none_exist} if if_none_exist else {}
        if method == "PATCH":
            headers["content-type"] = "application/json-patch+json"
        content = None if body is None else json.dumps(body)
        answer = await here.http.request(method, url, content=content, headers=headers)
        return Answer(answer.status_code, _key_in(answer.headers.get("location", "")))
    if method == "PATCH":
        data = base64.b64encode(json.dumps(body).encode()).decode()
        body = {"resourceType": "Binary", "contentType": "application/json-patch+json",
                "data": data}  # fmt: skip
    more = {"ifNoneExist": if_none_exist} if if_none_exist else {}
    asked = bundle(("batch", "transaction")[n % 2], entry(method, url, body, **more))
    answer = await here.http.post("", content=asked)
    if answer.status_code != 200:
        return Answer(answer.status_code, "")
    (one,) = answer.json()["entry"]
    response = one["response"]
    return Answer(int(response["status"][:3]), _key_in(response.get("location", "")))


def _key_in(location: str) -> str:
    return "/".join(location.split("/_history/")[0].split("/")[-2:])


async def taken_back(here: Here, key: str) -> None:
    """Put a record of the population back, or away what is none."""
    answer = await (here.plain.put(WORLD[key]) if key in WORLD else here.plain.http.delete(key))
    assert answer.status_code in (200, 201, 204), answer.text


async def is_gone(here: Here, key: str) -> bool:
    return (await here.plain.http.get(key)).status_code == 410


def patch_of(n: int, key: str) -> tuple[list[Record], Callable[[Record], Record]]:
    """A JSON patch, and what it makes of a record: of another language, or of another patient; of
    another language it cannot make what shows a few elements alone."""
    if n % 3 and "subject" in WORLD[key]:
        aim = f"Patient/{_elsewhere(n)}"
        return (
            [{"op": "add", "path": "/language", "value": "de"},
             {"op": "replace", "path": "/subject/reference", "value": aim}],
            lambda r: {**r, **BROUGHT, "subject": {"reference": aim}},
        )  # fmt: skip
    return [{"op": "add", "path": "/language", "value": "de"}], lambda r: {**r, **BROUGHT}
