"""Records with a marker of its own in every element, and every way by which they are answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx

from careplane.access.caller import Caller
from careplane.access.masks.paths import Path, named
from careplane.access.scopes import parse_scopes
from careplane.records import commands as c
from careplane.records.bodies import whole
from tests.fhir_house import TENANT, House, bundle, entry, observation, patient
from tests.policy_house import to

SCOPES = parse_scopes("user/*.cruds")


def caller(*roles: str, id: str = "Practitioner/n") -> Caller:
    return Caller(TENANT, id, "Somebody", SCOPES, None, frozenset(roles))


MASKED = caller("masked")
FREE = caller("free")
OPEN = 'permit (principal in Role::"free", action, resource);\n'

MARKERS: dict[str, tuple[str, ...]] = {
    "Patient.name.family": ("Mkfamily", "Mktitle"),
    "Patient.name.given": ("Mkgiven",),
    "Patient.telecom": ("mkphone", "mkmail"),
    "Patient.address.line": ("Mkline",),
    "Patient.address.city": ("Mkcity",),
    "Patient.identifier": ("mkmrn",),
    "Patient.birthDate": ("1911-03-07", "Mknoon"),
    "Patient.photo": ("mkphoto",),
    "Patient.contact.name": ("Mkkin",),
    "Patient.contact.telecom": ("mkkinphone",),
    "Patient.communication": ("mklanguage",),
    "Patient.generalPractitioner": ("Mkdoctor", "Mkinside"),
    "Patient.extension": ("Mkextended",),
    "Observation.value": ("Mkvalue",),
    "Observation.component.value": ("Mkpart",),
    "Observation.note": ("Mknote",),
    "Observation.method": ("Mkmethod",),
    "Observation.performer": ("Mkperformer",),
    "Observation.bodySite": ("Mksite",),
}
"""Elements as policies name them, and what stands in them alone (but for narratives)."""


def marks_of(type: str) -> set[str]:
    return {one for of, marks in MARKERS.items() if of.startswith(f"{type}.") for one in marks}


def narrative(*types: str) -> dict[str, str]:
    """It tells of everything in resources of these types."""
    told = " ".join(sorted(set().union(*map(marks_of, types))))
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{told}</div>'
    return {"status": "generated", "div": div}


def _extended(text: str) -> list[dict[str, str]]:
    return [{"url": "http://example.org/x", "valueString": text}]


def marked_patient(id: str, **more: Any) -> dict[str, Any]:
    return patient(
        id,
        text=narrative("Patient"),
        contained=[{"resourceType": "Practitioner", "id": "d", "name": [{"family": "Mkinside"}]}],
        extension=_extended("Mkextended"),
        identifier=[{"system": "http://example.org/mrn", "value": "mkmrn"}],
        name=[{"family": "Mkfamily", "_family": {"extension": _extended("Mktitle")},
               "given": ["Mkgiven"]}],
        telecom=[{"system": "phone", "value": "mkphone"}, {"system": "email", "value": "mkmail"}],
        birthDate="1911-03-07",
        _birthDate={"extension": _extended("Mknoon")},
        gender="female",
        address=[{"line": ["Mkline"], "city": "Mkcity", "state": "NY"}],
        photo=[{"contentType": "image/png", "title": "mkphoto"}],
        contact=[{"gender": "male", "name": {"family": "Mkkin"},
                  "telecom": [{"system": "phone", "value": "mkkinphone"}]}],
        communication=[{"language": {"coding": [{"code": "mklanguage"}]}}],
        generalPractitioner=[{"reference": "#d", "display": "Mkdoctor"}],
        **more,
    )  # fmt: skip


def marked_observation(id: str, **more: Any) -> dict[str, Any]:
    """With a Patient inside, who has the same markers."""
    inside = {name: v for name, v in marked_patient("inner").items() if name != "contained"}
    inside["generalPractitioner"] = [{"display": "Mkdoctor"}]
    return observation(
        id,
        "p",
        text=narrative("Patient", "Observation"),
        contained=[inside],
        focus=[to("#inner")],
        effectiveDateTime="2026-01-01",
        category=[{"coding": [{"code": "vital-signs"}]}],
        valueString="Mkvalue",
        component=[{"code": {"text": "part"}, "valueString": "Mkpart"}],
        note=[{"text": "Mknote"}],
        method={"text": "Mkmethod", "coding": [{"code": "mkmethod"}]},
        performer=[{"reference": "Practitioner/x", "display": "Mkperformer"}],
        bodySite={"text": "Mksite"},
        **more,
    )


GRAPH = {
    "resourceType": "GraphDefinition", "id": "g", "url": "http://example.org/g", "name": "G",
    "status": "active", "start": "Observation",
    "link": [{"path": "Observation.subject", "target": [{"type": "Patient"}]}],
}  # fmt: skip


async def fill(house: House) -> None:
    """Two versions of each, so that there is a history and a difference."""
    await house.put({"resourceType": "Practitioner", "id": "x", "name": [{"family": "X"}]})
    await house.put(GRAPH)
    for language in ("de", "en"):
        await house.put(marked_patient("p", language=language))
        await house.put(marked_observation("o", language=language))
    await house.put(patient("plain"))
    await house.put({"resourceType": "Bundle", "id": "b", "type": "collection",
                     "entry": [{"resource": marked_patient("p")}]})  # fmt: skip


URLS = (
    "Patient/p", "Patient/p?_format=xml", "Patient/p?_summary=true", "Patient/p?_summary=text",
    "Patient/p?_summary=data", "Patient/p?_elements=name,telecom,text,contained,birthDate,contact",
    "Patient/p/_history", "Patient/p/_history/1", "Patient/_history?_count=100",
    "_history?_count=100", "Observation/o", "Observation/o/_history/1", "Observation/o/_history",
    "Bundle/b", "Bundle?_id=b",
    "Patient?_count=100", "Patient?_id=p", "Patient?_id=p&_format=xml",
    "Observation?_include=Observation:patient", "Observation?_include=*",
    "Patient?_id=p&_revinclude=Observation:patient", "Patient?_id=p&_revinclude=Observation:*",
    "?_type=Patient,Observation&_count=100", "?_count=100",
    "Observation?_contained=true", "Patient?_contained=true&_containedType=contained",
    "Patient?_contained=both&_containedType=contained&_id=inner",
    "Patient/p/$everything", "Patient/$everything", "Patient/p/Observation", "Patient/p/*",
    "Observation/$lastn?patient=Patient/p&category=vital-signs",
    "Patient/p/_history/2/$diff", "$diff?from=Patient/p/_history/1&to=Patient/plain",
    "$diff?from=Patient/plain&to=Patient/p", "Patient/p/$diff", "Observation/o/$diff",
    "Observation/o/$graph?graph=http://example.org/g",
    "Patient/p/$meta", "Patient/$meta", "Patient/p/$validate", "Patient/p/$graphql?query="
    "{name{family given}telecom{value}birthDate contact{name{family}}text{div}identifier{value}}",
    "$graphql?query={PatientList{name{family}telecom{value}address{line city}photo{title}"
    "extension{valueString}communication{language{coding{code}}}}}",
    "$graphql?query={Observation(id:o){valueString note{text}method{text}component{valueString}"
    "performer{display}subject{resource{...on Patient{name{family}telecom{value}}}}}}",
)  # fmt: skip
PATCH = b'[{"op":"add","path":"/gender","value":"%s"}]'


async def answers(house: House, http: httpx.AsyncClient, who: Caller) -> str:
    """The answers by every way, one after the other."""
    texts = [(await http.get(url)).text for url in URLS]
    post = http.post
    form = {"content-type": "application/x-www-form-urlencoded"}
    texts.append((await post("Patient/_search", content=b"_id=p", headers=form)).text)
    gets = [entry("GET", url) for url in URLS[:4] + URLS[6:8] + URLS[15:24]]
    for kind in ("batch", "transaction"):
        texts.append((await post("", content=bundle(kind, *gets))).text)
    for gender in (b"male", b"female"):
        for prefer in ("representation", "OperationOutcome"):
            headers = {"content-type": "application/json-patch+json", "prefer": f"return={prefer}"}
            answer = await http.patch("Patient/p", content=PATCH % gender, headers=headers)
            assert answer.status_code == 200, answer.text
            texts.append(answer.text)
    tag = {"resourceType": "Parameters", "parameter": [
        {"name": "meta", "valueMeta": {"tag": [{"code": "t"}]}}]}  # fmt: skip
    texts.append((await post("Patient/p/$meta-add", json=tag)).text)
    prepared = await house.door.prepare_export(who, c.PrepareExport(("Patient", "Observation")))
    for type in prepared.types:
        page = await house.door.export(who, c.Export(type, prepared.at))
        texts += [whole(version).decode() for version in page.versions]
    asked = (("Patient", "p", 1), ("Patient", "p", 2), ("Observation", "o", 1))
    told = await house.door.disclose(who, c.Disclose("Subscription/s", asked))
    texts += [whole(version).decode() for version in told if version]
    return "\n".join(texts)


def hidden_of(hides: Iterable[str]) -> tuple[set[str], set[str]]:
    """The markers that are hidden by these elements, and those that are not."""
    paths: dict[str, set[Path]] = {}
    for element in hides:
        for type, found in named(element).items():
            paths.setdefault(type, set()).update(found)
    hidden: set[str] = set()
    for element, marks in MARKERS.items():
        ((type, mine),) = named(element).items()
        over = paths.get(type, set())
        if all(any(path[:n] in over for n in range(1, len(path) + 1)) for path in mine):
            hidden |= {*marks}
    return hidden, (marks_of("Patient") | marks_of("Observation")) - hidden


def policies(hides: Iterable[str]) -> dict[str, str]:
    """A role that sees all but these."""
    text = f'@hides("{", ".join(hides)}")' if hides else ""
    opening = f'{text} permit (principal in Role::"masked", action, resource);'
    return {"masked.cedar": opening, "free.cedar": OPEN}
