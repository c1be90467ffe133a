"""Forms filled from a record and put into it, and what stands against a prescription."""

from __future__ import annotations

import json

from tests.consent_house import subjects
from tests.oracle.rights import Sight
from tests.oracle.way import KEYS, Here, Way, a_patient, found_of
from tests.policy_house import Record

WAYS: dict[str, Way] = {}
_FORM = "Questionnaire/form"
_FILLED = tuple(key for key in KEYS if key.startswith("QuestionnaireResponse/"))


def _of_populate(sight: Sight, n: int, m: int) -> list[str]:
    """The day of birth, where both the form and the patient may be read."""
    key = f"Patient/{a_patient(sight, n)}"
    if key not in sight.read or _FORM not in sight.read:
        return []
    born = sight.seen(key).get("birthDate")
    return [born] if born else []


async def _populate(here: Here, n: int, m: int) -> list[str]:
    subject = {"reference": f"Patient/{a_patient(here.sight, n)}"}
    body = {"resourceType": "Parameters", "parameter": [
        {"name": "subject", "valueReference": subject}]}  # fmt: skip
    answer = await here.http.post(f"{_FORM}/$populate", content=json.dumps(body))
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    response = answer.json()["parameter"][0]["resource"]
    return [str(value) for one in response.get("item", ()) for said in one.get("answer", ())
            for value in said.values()]  # fmt: skip


def _of_extract(sight: Sight, n: int, m: int) -> list[str]:
    """What is filled in names its form by a canonical address, which a search alone resolves."""
    key = _FILLED[n % len(_FILLED)]
    return [key] if key in sight.read and _FORM in sight.found else []


async def _extract(here: Here, n: int, m: int) -> list[str]:
    """Observations for the caller to send: what was answered, and nothing else."""
    key = _FILLED[n % len(_FILLED)]
    answer = await here.http.post(f"{key}/$extract")
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    made = answer.json()["parameter"][0]["resource"]["entry"]
    values = [one["resource"]["valueQuantity"]["value"] for one in made]
    wanted = here.sight.records[key]["item"][0]["answer"][0]["valueDecimal"]
    assert values == [wanted], answer.text
    return [key]


WAYS["$populate"] = Way(_of_populate, _populate)
WAYS["$extract"] = Way(_of_extract, _extract)


def _medicine(sight: Sight, n: int, m: int) -> Record:
    """What a patient is allergic to, or takes already, by its code."""
    id = a_patient(sight, n)[1:]
    code = f"allergen{id}" if m % 2 else f"drug{id}"
    return {"coding": [{"system": "http://x", "code": code}], "text": code}


def _of_check(sight: Sight, n: int, m: int) -> list[str]:
    id = a_patient(sight, n)
    type = "AllergyIntolerance" if m % 2 else "MedicationRequest"
    return found_of(sight, type, lambda r: id in subjects(r))


async def _check(here: Here, n: int, m: int) -> list[str]:
    """A finding says what it rests on: nothing that the caller does not find."""
    id = a_patient(here.sight, n)
    body = {"resourceType": "MedicationRequest", "status": "draft", "intent": "proposal",
            "subject": {"reference": f"Patient/{id}"},
            "medicationCodeableConcept": _medicine(here.sight, n, m)}  # fmt: skip
    answer = await here.http.post("MedicationRequest/$check", content=json.dumps(body))
    if answer.status_code in (403, 404):
        return []
    assert answer.status_code == 200, answer.text
    issues = [one["resource"] for one in answer.json().get("entry", ())]
    return sorted({part["reference"] for one in issues for part in one.get("implicated", ())})


WAYS["MedicationRequest/$check"] = Way(_of_check, _check)
