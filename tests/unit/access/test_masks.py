"""Masks: what may be named, what goes with a hidden element, what reads it, what a patch may."""

from __future__ import annotations

from typing import Any

import pytest

from careplane.access.caller import Caller
from careplane.access.masks.mask import REDACTED, SUBSETTED, masked
from careplane.access.masks.merge import guarded_of, merged
from careplane.access.masks.parameters import reads
from careplane.access.masks.paths import NONE, Misnamed, Paths, both, covers, named, others
from careplane.access.masks.view import View
from careplane.fhir.definitions import RESOURCE_TYPES, type_definition
from careplane.kernel.errors import Forbidden, Incorrect
from careplane.search import custom as customs
from careplane.search.rows import Param
from careplane.storage.ports.records import Tenant
from tests.fhir_house import REGISTRY, policies_with

NAMES = [
    ("Patient.telecom", {("telecom",)}),
    ("Patient.name.family", {("name", "family")}),
    ("Patient.deceased[x]", {("deceasedBoolean",), ("deceasedDateTime",)}),
    ("Patient.deceased", {("deceasedBoolean",), ("deceasedDateTime",)}),
    ("Observation.valueQuantity", {("valueQuantity",)}),
    ("Observation.value.unit", {("valueQuantity", "unit")}),
    ("Observation.component.valueString", {("component", "valueString")}),
    ("Patient.contact.name.given", {("contact", "name", "given")}),
    ("Questionnaire.item", {("item",)}),
    ("Patient.extension", {("extension",)}),
    ("Patient.text", {("text",)}),
    ("Patient.contained", {("contained",)}),
    (" Patient.name , Patient.gender ", {("name",), ("gender",)}),
]


@pytest.mark.parametrize(("text", "paths"), NAMES)
def test_an_element_is_spelled_as_in_json(text: str, paths: set[tuple[str, ...]]) -> None:
    ((_, found),) = named(text).items()
    assert found == paths


MISNAMED = [
    ("Patient.phone", "Patient has no 'phone'"),
    ("Patient.name.surname", "HumanName has no 'surname'"),
    ("Observation.value.surname", "no 'surname' in Observation.value"),
    ("Patient.birthDate.year", "no 'year' in Patient.birthDate"),
    ("Patinet.name", "no element of R4"),
    ("Patient", "write one such as"),
    ("", "write one such as"),
    ("Patient.name,", "write one such as"),
    ("Patient.id", "cannot be masked"),
    ("Patient.meta", "cannot be masked"),
    ("Patient.meta.tag", "cannot be masked"),
    ("Questionnaire.item.text", "hide Questionnaire.item"),
    ("Bundle.entry.resource.id", "no 'id' in Bundle.entry"),
]


@pytest.mark.parametrize(("text", "reason"), MISNAMED)
def test_what_is_no_element_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Misnamed, match=reason.replace(".", r"\.")):
        named(text)


def test_all_but_what_is_shown() -> None:
    hidden = others(named("Patient.name, Patient.deceased"))["Patient"]
    assert ("telecom",) in hidden
    assert ("extension",) in hidden
    assert not hidden & {("name",), ("deceasedBoolean",), ("deceasedDateTime",), ("id",), ("meta",)}
    with pytest.raises(Misnamed, match="named whole"):
        others(named("Patient.name.family"))


WHOLE: dict[str, Any] = {
    "resourceType": "Patient", "id": "p", "meta": {"versionId": "1"},
    "text": {"status": "generated", "div": "<div>all of it</div>"},
    "contained": [
        {"resourceType": "Organization", "id": "o", "name": "O", "partOf": {"reference": "#q"}},
        {"resourceType": "Organization", "id": "q", "name": "Q"},
        {"resourceType": "Practitioner", "id": "d", "name": [{"family": "D"}]},
    ],
    "name": [{"family": "F", "given": ["G"]}, {"family": "H"}],
    "birthDate": "1970-01-01", "_birthDate": {"extension": [{"url": "u", "valueString": "noon"}]},
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "#d"}],
    "contact": [{"telecom": [{"value": "1"}]}, {"telecom": [{"value": "2"}], "gender": "male"}],
}  # fmt: skip
LABELS = {"security": [REDACTED], "tag": [SUBSETTED]}


def without(*names: str, **instead: Any) -> dict[str, Any]:
    kept = {name: value for name, value in WHOLE.items() if name not in {*names, "text"}}
    return {**kept, "meta": {"versionId": "1", **LABELS}, **instead}


TREES = [
    ("Patient.gender", without()),
    ("Patient.birthDate", without("birthDate", "_birthDate")),
    ("Patient.name.given", without(name=[{"family": "F"}, {"family": "H"}])),
    ("Patient.name.family", without(name=[{"given": ["G"]}])),
    ("Patient.name, Patient.name.given", without("name")),
    ("Patient.contact.telecom", without(contact=[{"gender": "male"}])),
    ("Patient.generalPractitioner",
     without("generalPractitioner", contained=WHOLE["contained"][:2])),
    ("Patient.managingOrganization",
     without("managingOrganization", contained=WHOLE["contained"][2:])),
    ("Patient.managingOrganization, Patient.generalPractitioner",
     without("managingOrganization", "generalPractitioner", "contained")),
]  # fmt: skip


@pytest.mark.parametrize(("hides", "tree"), TREES)
def test_a_tree_under_a_mask(hides: str, tree: dict[str, Any]) -> None:
    assert masked(WHOLE, named(hides)["Patient"], lambda type: NONE) == tree


def test_what_is_inside_has_the_mask_of_its_own_type() -> None:
    hidden = named("Organization.name")["Organization"]
    inner = {"Organization": hidden}
    found = masked(WHOLE, NONE, lambda type: inner.get(type, NONE))
    assert [one.get("name") for one in found["contained"]] == [None, None, [{"family": "D"}]]
    assert "text" not in found
    bundle = {"resourceType": "Bundle", "entry": [{"resource": WHOLE}]}
    found = masked(bundle, NONE, lambda type: named("Patient.name").get(type, NONE))
    assert "name" not in found["entry"][0]["resource"]
    assert found["meta"] == LABELS


def test_nothing_hidden_is_the_tree_itself() -> None:
    assert masked(WHOLE, NONE, lambda type: NONE) is WHOLE


PARAMETERS = [
    ("Patient", "Patient.telecom", "email phone telecom", "name birthdate gender address-city"),
    ("Patient", "Patient.name.family", "family name phonetic", "given telecom"),
    ("Patient", "Patient.name", "family given name phonetic", "identifier _id _lastUpdated _tag"),
    ("Patient", "Patient.deceased", "deceased death-date", "birthdate"),
    ("Patient", "Patient.link", "link", "organization"),
    ("Observation", "Observation.valueQuantity",
     "value-quantity value-concept combo-value-quantity code-value-quantity",
     "code status date component-code subject"),
    ("Observation", "Observation.subject", "subject patient", "encounter performer"),
    ("Observation", "Observation.component", "component-code combo-code combo-value-quantity"
     " component-code-value-quantity", "code value-string"),
    ("Observation", "Observation.note", "", "code value-string patient category"),
    ("Condition", "Condition.onset", "onset-date onset-age onset-info", "code abatement-date"),
    ("Location", "Location.position", "near", "address name"),
]  # fmt: skip


@pytest.mark.parametrize(("type", "hides", "reading", "others"), PARAMETERS)
def test_a_parameter_that_reads_it_is_known(
    type: str, hides: str, reading: str, others: str
) -> None:
    hidden = named(hides)[type]
    for codes, answer in ((reading, True), (others, False)):
        for code in codes.split():
            parameter = REGISTRY.lookup(type, code)
            assert parameter, code
            assert reads(type, parameter, hidden) == answer, code


def test_a_mask_of_the_whole_is_read_by_every_parameter_of_the_type() -> None:
    """None of R4 is missed for how its expression is written."""
    for type in RESOURCE_TYPES:
        hidden: Paths = frozenset((n,) for n in type_definition(type).json_names if n != "meta")
        hidden -= {("id",)}
        for parameter in REGISTRY.of(type):
            about_record = parameter.definition.expression.startswith("Resource.")
            assert reads(type, parameter, hidden) != about_record, (type, parameter.code)


OWN = [
    ("Patient.telecom.value", True),
    ("telecom.value", True),
    ("Patient.name.family", False),
    ("Patient.telecom.where(system='phone').value", True),
    ("Patient.name.where(use='Patient.telecom').family", False),
    ("(Patient.name | Patient.telecom).exists()", True),
    ("Patient.name.family | Patient . telecom . value", True),
    ("$this.telecom.value", True),
    ("`telecom`.value", True),
    ("Patient.contact.telecom.value", False),
    ("Patient.where(telecom.exists()).gender", True),
    ("Patient.extension('http://x').value", False),
    ("Patient.extension.value as string", False),
    ("%resource.telecom.value", True),
    ("Patient.descendants().where(use='home')", True),
    ("Patient.children().system", True),
    ("Patient.deceased as boolean", False),
    ("Patient.name /* Patient.telecom */ .family", False),
]


@pytest.mark.parametrize(("expression", "answer"), OWN)
def test_a_parameter_of_ones_own_is_read_as_those_of_r4(expression: str, answer: bool) -> None:
    made = customs.Custom(Param("Patient.x@1"), "Patient", "x", "string", expression, (), "")
    assert reads("Patient", customs.parameter(made), named("Patient.telecom")["Patient"]) == answer


@pytest.mark.parametrize("code", ["_text", "_content"])
def test_full_text_reads_everything(code: str) -> None:
    parameter = REGISTRY.with_full_text().lookup("Patient", code)
    assert parameter
    assert reads("Patient", parameter, named("Patient.photo")["Patient"])


def paths(text: str) -> Paths:
    return frozenset(tuple(one.split(".")) for one in text.split())


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("a", "b", ""),
        ("a", "a b", "a"),
        ("a", "a.b", "a.b"),
        ("a.b c", "a c.d", "a.b c.d"),
        ("", "a", ""),
    ],
)
def test_what_two_masks_both_hide(one: str, other: str, found: str) -> None:
    assert both(paths(one), paths(other)) == both(paths(other), paths(one)) == paths(found)


def test_covered_is_what_is_inside() -> None:
    assert covers(paths("a.b"), ("a", "b", "c"))
    assert not covers(paths("a.b"), ("a",))


REFUSED = [
    ('@hides("Patient.phone") permit (principal, action, resource);', "has no 'phone'"),
    ('@hides("Claim.item.id") permit (principal, action, resource is Claim);', ""),
    ('@hides("Patient.name") permit (principal, action, resource is Claim);', "not about"),
    ('@hides("Patient.name") forbid (principal, action, resource);', "a forbid shows nothing"),
    ('@hides("Patient.name") permit (principal, action == Action::"update", resource);',
     "shows nothing"),
    ('@hide("Patient.name") permit (principal, action, resource);', "@hide is unknown"),
    ("@hides permit (principal, action, resource);", "needs a text"),
    ('@shows("Patient.name.family") permit (principal, action, resource);', "named whole"),
    ('@deidentified("a b") permit (principal, action, resource);', "names a study"),
    ('@id("x") @note("y") permit (principal, action, resource);', ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_an_annotation_that_cannot_be_followed_is_refused(text: str, reason: str) -> None:
    if not reason:
        assert policies_with({"mine.cedar": text})
        return
    with pytest.raises(Incorrect) as refused:
        policies_with({"mine.cedar": "\n" + text})
    (issue,) = refused.value.issues
    assert issue.where == "mine.cedar:2"
    assert reason in issue.text


def view(*permits: str) -> View | None:
    caller = Caller(Tenant(1), "Practitioner/n", "N", frozenset(), None, frozenset({"x"}))
    return policies_with({"mine.cedar": "\n".join(permits)}).view(caller)


def permit(annotation: str, where: str = "", action: str = "action") -> str:
    when = f"when {{ {where} }}" if where else ""
    return f'{annotation} permit (principal in Role::"x", {action}, resource is Patient) {when};'


ONE, TWO = 'resource == Patient::"1"', 'resource == Patient::"2"'
READ = 'action == Action::"read"'
HIDES = '@hides("Patient.name")'
BOUNDS: list[tuple[list[str], str]] = [
    ([permit("")], ""),
    ([permit(HIDES)], "name"),
    ([permit(HIDES), permit("")], ""),
    ([permit(HIDES), permit('@hides("Patient.name.given, Patient.photo")')], "name.given"),
    ([permit(HIDES), permit("", ONE)], "name"),
    ([permit(HIDES, ONE), permit("", TWO)], "name"),
    ([permit(HIDES, ONE), permit('@hides("Patient.photo")', TWO)], "name photo"),
    ([permit(HIDES, action=READ), permit("", action='action == Action::"search"')], "name"),
    ([permit(HIDES).replace('"x"', '"y"'), permit("")], ""),
    (['@hides("Patient.name") permit (principal, action, resource);',
      "permit (principal, action, resource is Observation);"], "name"),
]  # fmt: skip


@pytest.mark.parametrize(("permits", "bound"), BOUNDS)
def test_what_is_hidden_at_most(permits: list[str], bound: str) -> None:
    found = view(*permits)
    assert (found.bound("Patient") if found else NONE) == paths(bound)
    assert found is None or found.bound("Resource") == paths(bound)


def test_a_mask_hangs_on_the_permits_that_apply() -> None:
    found = view(permit(HIDES, ONE), permit("", TWO), permit('@hides("Patient.photo")', ONE))
    assert found
    mask = found.masks["Patient"]
    one, two = mask.asks
    assert mask.of([one]) == NONE
    assert mask.of([two]) == NONE
    assert mask.of([]) == mask.bound == paths("name photo")
    alike = view(permit(HIDES, ONE), permit(HIDES, TWO))
    assert alike
    assert alike.masks["Patient"].asks == ()


STORED = {"resourceType": "Observation", "id": "o", "meta": {"tag": [{"code": "mine"}]},
          "status": "final", "valueString": "secret", "note": [{"text": "n"}],
          "component": [{"valueString": "c", "code": {"text": "k"}}]}  # fmt: skip
HIDDEN = named("Observation.value, Observation.component.value")["Observation"]


def _change(**more: Any) -> dict[str, Any]:
    return {**masked(STORED, HIDDEN, lambda type: NONE), **more}


def test_a_change_of_what_is_seen_leaves_what_is_not() -> None:
    seen = _change()
    assert merged(STORED, seen, seen, HIDDEN) == STORED
    changed = _change(status="amended")
    changed.pop("note")
    expected = {name: value for name, value in STORED.items() if name != "note"}
    assert merged(STORED, seen, changed, HIDDEN) == {**expected, "status": "amended"}


@pytest.mark.parametrize(
    "more",
    [
        {"valueString": "guess"},
        {"valueQuantity": {"value": 1}},
        {"component": []},
        {"text": {"status": "generated", "div": "<div>x</div>"}},
        {"bodySite": {"text": "#inside"}},
        {"contained": [{"resourceType": "Patient", "id": "p"}]},
        {"dataAbsentReason": {"text": "tells whether there is a value"}},
    ],
)
def test_a_change_of_what_is_hidden_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match=r"may not (touch Observation|refer)"):
        merged(STORED, _change(), _change(**more), HIDDEN)


def test_entries_of_a_bundle_stay_where_they_are_masked() -> None:
    stored = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": WHOLE}]}
    seen = masked(stored, NONE, lambda type: named("Patient.name").get(type, NONE))
    assert merged(stored, seen, {**seen, "language": "de"}, NONE) == {**stored, "language": "de"}
    with pytest.raises(Forbidden, match=r"may not touch Bundle\.entry"):
        merged(stored, seen, {**seen, "entry": []}, NONE)


def test_rules_tie_elements_together() -> None:
    assert "dataAbsentReason" in guarded_of("Observation", HIDDEN)
    assert "status" not in guarded_of("Observation", HIDDEN)
    one = named("Observation.valueQuantity")["Observation"]
    assert "valueString" in guarded_of("Observation", one), "there is one value"
    born = named("Patient.deceasedBoolean")["Patient"]
    assert "deceasedDateTime" in guarded_of("Patient", born), "by no rule but that of a choice"
    assert "meta" not in guarded_of("Observation", frozenset({("contained",)})), "it is shown"
